"""Which requests a `FaultPlan` strikes, and what the bad answers of `sandbox.mangle` look like."""

import gzip
import json

import pytest

from routee_async.sandbox import faults
from routee_async.sandbox.answers import Answer, load
from routee_async.sandbox.faults import Body, Fault, FaultPlan, Kind, Shape
from routee_async.sandbox.mangle import error_answer, mangled_answer
from tests.sandbox.conftest import dice

NOW = 1_790_000_000.456
GOOD = Answer(200, b'{"trackingId":"5b0a","to":"+306970000001","label":"job-1"}')


def struck(plan: FaultPlan, requests: int) -> list[bool]:
    """Which of so many equal requests are struck."""
    return [plan.pick("POST", "/sms") is not None for _ in range(requests)]


@pytest.fixture
def plan() -> FaultPlan:
    """An empty plan."""
    return FaultPlan(dice())


def test_an_empty_plan_strikes_nothing(plan: FaultPlan) -> None:
    """Faults are off by default."""
    assert not plan
    assert plan.pick("POST", "/sms") is None


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        pytest.param(Fault(faults.error(500)), [1, 1, 1, 1, 1, 1], id="always"),
        pytest.param(Fault(faults.error(500), times=2), [1, 1, 0, 0, 0, 0], id="twice"),
        pytest.param(Fault(faults.error(500), skip=2, times=1), [0, 0, 1, 0, 0, 0], id="third"),
        pytest.param(Fault(faults.error(500), every=2), [1, 0, 1, 0, 1, 0], id="every second"),
        pytest.param(Fault(faults.error(500), skip=1, every=2, times=2), [0, 1, 0, 1, 0, 0], id="all together"),
        pytest.param(Fault(faults.error(500), probability=0), [0, 0, 0, 0, 0, 0], id="never"),
    ],
)
def test_turns(plan: FaultPlan, fault: Fault, expected: list[int]) -> None:
    """A fault strikes by turn, and is counted."""
    plan.add(fault)
    assert struck(plan, 6) == [bool(one) for one in expected]
    assert plan.struck(fault) == plan.struck() == sum(expected)


def test_probability(plan: FaultPlan) -> None:
    """A fault strikes by chance, the same for the same seed."""
    plan.add(Fault(faults.error(500), probability=0.25))
    again = FaultPlan(dice())
    again.add(Fault(faults.error(500), probability=0.25))
    hits = struck(plan, 1000)
    assert 180 < sum(hits) < 320
    assert struck(again, 1000) == hits


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        pytest.param(Fault(faults.error(500), method="GET"), "BD", id="method"),
        pytest.param(Fault(faults.error(500), path="/sms"), "A", id="whole path"),
        pytest.param(Fault(faults.error(500), path="/sms", prefix=True), "ABC", id="path prefix"),
        pytest.param(Fault(faults.error(500), to="+306970000001"), "A", id="recipient"),
        pytest.param(Fault(faults.error(500), label="job-"), "A", id="label"),
        pytest.param(Fault(faults.error(500), label="b"), "", id="other label"),
    ],
)
def test_conditions(plan: FaultPlan, fault: Fault, expected: str) -> None:
    """A fault strikes only what meets all its conditions."""
    plan.add(fault)
    requests = {
        "A": ("POST", "/sms", "+306970000001", "job-1"),
        "B": ("GET", "/sms/tracking/single/1", "", ""),
        "C": ("POST", "/sms/tracking", "", ""),
        "D": ("GET", "/accounts/me/balance", "", ""),
    }
    assert "".join(name for name, request in requests.items() if plan.pick(*request)) == expected


def test_first_match_wins(plan: FaultPlan) -> None:
    """Of several faults, the first that has its turn strikes, and the others do not count the request."""
    plan.add(Fault(faults.error(500), times=1), Fault(faults.error(503), times=1))
    plan.add(Fault(faults.error(504)))
    picked = [plan.pick("POST", "/sms") for _ in range(3)]
    assert [effect.status for effect in picked if effect] == [500, 503, 504]
    plan.clear()
    assert plan.pick("POST", "/sms") is None


def test_need_of_the_body(plan: FaultPlan) -> None:
    """The body is wanted before the choice only where recipient or label matter."""
    plan.add(Fault(faults.error(500)))
    assert not plan.reads_body
    plan.add(Fault(faults.error(500), to="+306970000001"))
    assert plan.reads_body


@pytest.mark.parametrize(
    ("status", "shape"),
    [
        (302, None),
        (400, {"code", "developerMessage"}),
        (401, {"error", "error_description"}),
        (403, {"code", "developerMessage"}),
        (408, "html"),
        (418, {"code", "developerMessage"}),
        (429, {"code", "developerMessage"}),
        (499, {"code", "developerMessage"}),
        (500, {"timestamp", "status", "error", "message", "path"}),
        (502, "html"),
        (503, "html"),
        (504, "html"),
    ],
)
def test_error_answers(status: int, shape: set[str] | str | None) -> None:
    """An error answer has the body that is likely with its status, unless another is asked for (§3)."""
    answer = error_answer(faults.error(status), "/sms", NOW)
    assert answer.status == status
    if isinstance(shape, set):
        assert set(json.loads(answer.body)) == shape
    else:
        assert (answer.content_type, bool(answer.body)) == (("text/html", True) if shape else ("", False))


def test_details_of_error_answers() -> None:
    """Code, form, Retry-After and Location can be laid down."""
    balance = error_answer(faults.error(400, code="400001009"), "/sms", NOW)
    assert json.loads(balance.body) == {"code": "400001009", "developerMessage": "Bad Request"}
    assert error_answer(faults.error(429, form=Body.HTML), "/sms", NOW).content_type == "text/html"
    assert error_answer(faults.error(429, retry_after="soon"), "/sms", NOW).headers == (("Retry-After", "soon"),)
    assert error_answer(faults.error(307, location="https://a.example/"), "/sms", NOW).headers == (
        ("Location", "https://a.example/"),
    )
    spring = json.loads(error_answer(faults.error(500), "/sms", NOW).body)
    assert (spring["timestamp"], spring["status"], spring["path"]) == (1790000000456, 500, "/sms")


def test_acceptance_is_always_said() -> None:
    """Every effect says whether the request is carried out first; what spoils a good answer does so by default."""
    assert not faults.error(500).accepted
    assert faults.error(500, accepted=True).accepted
    assert [make(accepted=flag).accepted for make in (faults.close, faults.reset, faults.hang) for flag in (True, False)] == [
        True,
        False,
    ] * 3
    spoilt = (faults.mangled(Shape.LIST), faults.cut_head(), faults.cut_body(), faults.garbage(), faults.trickle())
    assert all(effect.accepted for effect in (*spoilt, faults.unsolicited(), faults.close_after()))


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        (Shape.BAD_JSON, b'{"trackingId":"5b0a","to":"+3'),
        (Shape.EMPTY, b""),
        (Shape.NO_ID, b'{"to":"+306970000001","label":"job-1"}'),
        (Shape.LIST, b'[{"trackingId":"5b0a","to":"+306970000001","label":"job-1"}]'),
        (Shape.WRONG_TO, b'{"trackingId":"5b0a","label":"job-1","to":"+306999999999"}'),
        (Shape.WRONG_LABEL, b'{"trackingId":"5b0a","to":"+306970000001","label":"somebody-else"}'),
        (Shape.BAD_UTF8, b'{"trackingId":"\xff5b0a","to":"+306970000001","label":"job-1"}'),
        (Shape.BAD_GZIP, GOOD.body),
        (Shape.GIANT, GOOD.body.ljust(1000)),
    ],
)
def test_mangled_bodies(shape: Shape, expected: bytes) -> None:
    """A mangled answer has status 200 and a body that differs from the good one in a single respect."""
    answer = mangled_answer(faults.mangled(shape, size=1000), GOOD)
    assert (answer.status, answer.body) == (200, expected)


def test_mangled_bodies_without_a_good_one() -> None:
    """Some bodies have nothing of the good one: a page, nothing at all with 204, brackets without end."""
    assert mangled_answer(faults.mangled(Shape.HTML), GOOD).content_type == "text/html"
    assert mangled_answer(faults.mangled(Shape.NO_CONTENT), GOOD) == Answer(204, b"", "")
    assert mangled_answer(faults.mangled(Shape.DEEP), GOOD).body == b"[" * 100_000 + b"]" * 100_000


def test_giant_integer() -> None:
    """A number of 100,000 digits stands beside the good fields."""
    body = mangled_answer(faults.mangled(Shape.GIANT_INTEGER), GOOD).body
    assert body.startswith(b'{"n":999')
    assert body.endswith(b',"to":"+306970000001","label":"job-1"}')
    assert len(body) > 100_000


def test_bomb() -> None:
    """A compression bomb is small on the way and of the wished size when unpacked."""
    answer = mangled_answer(faults.mangled(Shape.BOMB, size=8 << 20), GOOD)
    assert ("Content-Encoding", "gzip") in answer.headers
    assert len(answer.body) < 20_000
    unpacked = gzip.decompress(answer.body)
    assert len(unpacked) > 7 << 20
    assert load(unpacked) == load(GOOD.body)


def test_refusals_are_not_mangled() -> None:
    """An error of the carrier passes as it is, and so does an answer that has no such field."""
    refusal = Answer(400, b'{"code":"400000000"}')
    assert mangled_answer(faults.mangled(Shape.LIST), refusal) is refusal
    tracked = Answer(200, b"[]")
    assert mangled_answer(faults.mangled(Shape.NO_ID), tracked) is tracked


def test_every_shape_has_a_maker() -> None:
    """No shape or kind is left without meaning."""
    assert all(mangled_answer(faults.mangled(shape, size=10), GOOD) for shape in Shape)
    assert faults.delay(1.0).kind is Kind.DELAY
