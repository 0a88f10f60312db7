"""Tests of `opt_out.py`."""

import io
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routee_async.callback_models import CampaignCallback, InboundSms, MessageCallback
from routee_async.errors import InvalidInputError, InvalidRecipientError
from routee_async.models import CampaignState, MessageStatus
from routee_async.opt_out import Keyword, SuppressionList, read_keyword
from tests import strategies

NUMBER = "+306970000001"
OTHER = "+306970000002"
WORDS = {
    Keyword.OPT_OUT: ("STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT"),
    Keyword.OPT_IN: ("START", "YES", "UNSTOP"),
    Keyword.HELP: ("HELP", "INFO"),
}
AROUND = st.text(st.sampled_from(" \t\n\u00a0\u200b.,!?;:'\"()[]«»“”*_-–…/🙏\ufe0f"), max_size=20)


def inbound(body: str, sender_id: str = NUMBER) -> InboundSms:
    """A message that came in."""
    return InboundSms(tracking_id="c0ff", sender_id=sender_id, to="306900000099", body=body)


@given(
    pair=st.sampled_from([(word, keyword) for keyword, words in WORDS.items() for word in words]),
    written=st.sampled_from([str.upper, str.lower, str.title, str.swapcase]),
    before=AROUND,
    after=AROUND,
)
def test_documented_words(pair: tuple[str, Keyword], written: Callable[[str], str], before: str, after: str) -> None:
    """Each documented word is recognised in any case and with anything but letters and digits around it."""
    word, keyword = pair
    assert read_keyword(f"{before}{written(word)}{after}") is keyword


@pytest.mark.parametrize(
    "body",
    [
        "",
        " ",
        "?!",
        "STOP by tomorrow",
        "please stop",
        "STOP STOP",
        "STOP 1",
        "STOPP",
        "NONSTOP",
        "S T O P",
        "non-stop",
        "stop it",
        "OK",
        "NO",
        "ΣΤΟΠ",
        "stop" + "." * 100,
    ],
)
def test_other_texts_are_no_words(body: str) -> None:
    """A word inside a text asks for nothing: the text as a whole has to be the word."""
    assert read_keyword(body) is None


def test_full_width_letters() -> None:
    """A phone that writes full-width letters is understood."""
    assert read_keyword("ＳＴＯＰ！") is Keyword.OPT_OUT


@given(st.text())
def test_any_text_is_read(body: str) -> None:
    """Any text is one of the words or none."""
    assert read_keyword(body) in {None, *Keyword}


def test_stop_adds_and_start_removes() -> None:
    """The list follows what its people write, and says whether it has changed."""
    suppressed = SuppressionList()
    assert suppressed.feed(inbound("Stop."))
    assert NUMBER in suppressed
    assert not suppressed.feed(inbound("STOP"))
    assert not suppressed.feed(inbound("help"))
    assert not suppressed.feed(inbound("Thanks"))
    assert list(suppressed) == [NUMBER]
    assert suppressed.feed(inbound("start"))
    assert not suppressed.feed(inbound("start"))
    assert NUMBER not in suppressed


@pytest.mark.parametrize("sender_id", ["+306970000001", "306970000001", "00306970000001", " 306970000001 "])
def test_sender_of_an_inbound_message_is_international(sender_id: str) -> None:
    """The plus is optional in what Routee gives as the sender."""
    suppressed = SuppressionList()
    assert suppressed.feed(inbound("STOP", sender_id))
    assert list(suppressed) == [NUMBER]


@pytest.mark.parametrize("sender_id", ["54321", "ParcelCo", "", "+"])
def test_sender_that_is_no_number(sender_id: str) -> None:
    """A short code or a name cannot be a recipient, and is passed over."""
    suppressed = SuppressionList([OTHER])
    assert not suppressed.feed(inbound("STOP", sender_id))
    assert not suppressed.feed(inbound("START", sender_id))
    assert list(suppressed) == [OTHER]


def test_other_callbacks_change_nothing() -> None:
    """It can be the sink of a webhook to which everything comes."""
    suppressed = SuppressionList()
    assert not suppressed.feed(MessageCallback(tracking_id="5b0a", to=NUMBER, status=MessageStatus.DELIVERED, body="STOP"))
    assert not suppressed.feed(CampaignCallback(campaign_tracking_id="9c1f", state=CampaignState.FINISHED))
    assert not suppressed


@pytest.mark.parametrize("number", ["+306970000001", "+30 697 000 0001", "0030 6970000001", "306970000001", "tel:+306970000001"])
def test_any_spelling(number: str) -> None:
    """A number is one entry however it is spelt."""
    suppressed = SuppressionList([number])
    suppressed.add(NUMBER)
    assert set(suppressed) == {NUMBER}
    assert number in suppressed
    suppressed.discard(number)
    assert not suppressed


def test_what_is_no_number() -> None:
    """It cannot be added, and is in no list."""
    suppressed = SuppressionList([NUMBER])
    with pytest.raises(InvalidRecipientError):
        suppressed.add("call me")
    with pytest.raises(InvalidRecipientError):
        SuppressionList(["call me"])
    assert "call me" not in suppressed
    assert None not in suppressed
    suppressed.discard("call me")
    with pytest.raises(KeyError):
        suppressed.remove(OTHER)
    assert len(suppressed) == 1


def test_it_is_a_set() -> None:
    """What a set can do, it can."""
    suppressed = SuppressionList([NUMBER])
    suppressed |= {OTHER}
    assert set(suppressed) == {NUMBER, OTHER}
    assert suppressed - {NUMBER} == SuppressionList([OTHER])
    assert isinstance(suppressed & {NUMBER}, SuppressionList)
    suppressed.clear()
    assert len(suppressed) == 0


def test_private() -> None:
    """Its `repr` counts and shows no number."""
    assert repr(SuppressionList([NUMBER])) == "<SuppressionList of 1>"


@given(st.sets(strategies.phone_numbers(), max_size=20))
def test_saved_and_loaded(numbers: set[str]) -> None:
    """What is saved is loaded again, in order, one number a line."""
    file = io.StringIO()
    SuppressionList(numbers).save(file)
    assert file.getvalue() == "".join(f"{number}\n" for number in sorted(numbers))
    file.seek(0)
    assert set(SuppressionList.load(file)) == numbers


def test_lines_of_all_kinds() -> None:
    """Spaces, empty lines and comments do no harm."""
    assert set(SuppressionList.load(["# who has had enough\n", "\n", "  +30 697 000 0001 \r\n", "306970000002"])) == {NUMBER, OTHER}


def test_line_that_is_no_number() -> None:
    """A line that is no number is refused by its place, not by what stands in it."""
    with pytest.raises(InvalidInputError, match=r"^line 2: ") as caught:
        SuppressionList.load([NUMBER, "Maria 697000", OTHER])
    assert "Maria" not in str(caught.value)
