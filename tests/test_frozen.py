"""Tests of `frozen.py`."""

import copy
import inspect
import pickle
import sys
import weakref
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, cast

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from routee_async import models
from routee_async.frozen import builder_of
from routee_async.models import Accepted, BodyAnalysis, MessageStatus, SentSms, Sms
from tests import strategies

SMS = Sms(to="+306970000001", body="Hello", sender_id="ParcelCo")
SENT: dict[str, Any] = {
    "tracking_id": "5b0a4c0e",
    "created_at": datetime(2026, 1, 14, 8, 15, tzinfo=UTC),
    "status": MessageStatus.QUEUED,
    "to": "+306970000001",
    "sender_id": "ParcelCo",
    "body": "Hello",
    "label": None,
    "flash": False,
    "ttl": None,
    "callback": None,
    "body_analysis": BodyAnalysis(parts=1, unicode=False, characters=5),
}
ACCEPTED: dict[str, Any] = {"index": 7, "sms": SMS, "sent": SentSms(**SENT)}

# A type checker knows what the builders want; that they refuse the rest is told here.
build_sent_sms: Callable[..., SentSms] = models.build_sent_sms
build_accepted: Callable[..., Accepted] = models.build_accepted

PAIRS = [
    pytest.param(build_sent_sms(**SENT), SentSms(**SENT), id="SentSms"),
    pytest.param(
        build_sent_sms(**SENT, reference="ra", duplicates=("x",)),
        SentSms(**SENT, reference="ra", duplicates=("x",)),
        id="SentSms with all",
    ),
    pytest.param(build_accepted(**ACCEPTED), Accepted(**ACCEPTED), id="Accepted"),
]


@pytest.mark.parametrize(("built", "called"), PAIRS)
class TestPromises:
    """What a builder makes cannot be told from what the class makes."""

    def test_same_value(self, built: attrs.AttrsInstance, called: attrs.AttrsInstance) -> None:
        """Same class, same fields, equal, of one hash and one look."""
        assert type(built) is type(called)
        assert attrs.asdict(built, recurse=False) == attrs.asdict(called, recurse=False)
        assert built == called
        assert hash(built) == hash(called)
        assert repr(built) == repr(called)

    def test_frozen(self, built: attrs.AttrsInstance, called: attrs.AttrsInstance) -> None:
        """No field can be set or deleted, and none added."""
        for field in attrs.fields(type(called)):
            with pytest.raises(attrs.exceptions.FrozenInstanceError):
                setattr(built, field.name, None)
            with pytest.raises(attrs.exceptions.FrozenInstanceError):
                delattr(built, field.name)
        with pytest.raises(attrs.exceptions.FrozenInstanceError):
            built.note = "x"  # type: ignore[attr-defined]
        assert not hasattr(built, "__dict__")
        assert built == called

    def test_copies(self, built: attrs.AttrsInstance, called: attrs.AttrsInstance) -> None:
        """It is pickled, copied and evolved as any other."""
        evolved = attrs.evolve(cast("Any", built))
        for twin in (pickle.loads(pickle.dumps(built)), copy.copy(built), copy.deepcopy(built), evolved):  # noqa: S301 - our own
            assert type(twin) is type(called)
            assert twin == called
        assert pickle.dumps(built) == pickle.dumps(called)

    def test_weak_references(self, built: attrs.AttrsInstance, called: attrs.AttrsInstance) -> None:
        """It can be referred to weakly, and is forgotten when nobody holds it."""
        short_lived = attrs.evolve(cast("Any", built))
        held, short = weakref.ref(built), weakref.ref(short_lived)
        del short_lived
        assert held() == called
        assert short() is None

    def test_size(self, built: attrs.AttrsInstance, called: attrs.AttrsInstance) -> None:
        """It takes no more memory."""
        assert sys.getsizeof(built) == sys.getsizeof(called)


@given(strategies.sms(), st.integers(0, 10**9))
def test_any_content(sms: Sms, index: int) -> None:
    """Whatever stands in the fields, builder and class agree."""
    shared: dict[str, Any] = {name: getattr(sms, name) for name in ("to", "body", "sender_id", "label", "flash", "ttl", "callback")}
    sent = build_sent_sms(**SENT | shared)
    assert sent == SentSms(**SENT | shared)
    assert build_accepted(index=index, sms=sms, sent=sent) == Accepted(index=index, sms=sms, sent=sent)


@pytest.mark.parametrize(("builder", "cls"), [(build_sent_sms, SentSms), (build_accepted, Accepted)])
def test_signature(builder: Callable[..., object], cls: type) -> None:
    """A builder takes what the class takes: the same names, by keyword only, with the same defaults."""
    ours, theirs = (
        [(each.name, each.kind, each.default) for each in inspect.signature(called).parameters.values()]
        for called in (builder, cls)
    )
    assert ours == theirs
    assert len(ours) == len(attrs.fields(cls))


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param({"index": 1, "sms": SMS}, id="one is missing"),
        pytest.param({**ACCEPTED, "other": 1}, id="one too many"),
    ],
)
def test_wrong_arguments(arguments: dict[str, object]) -> None:
    """What the class refuses, its builder refuses."""
    builders: tuple[Callable[..., Accepted], ...] = (build_accepted, Accepted)
    for build in builders:
        with pytest.raises(TypeError):
            build(**arguments)


def _with(**options: Any) -> type:  # noqa: ANN401 - of any field
    return attrs.make_class("Odd", {"field": attrs.field(**options)}, frozen=True, kw_only=True, slots=True)


@attrs.frozen(kw_only=True)
class _Hooked:
    field: int

    def __attrs_post_init__(self) -> None:
        raise AssertionError(self.field)


@attrs.frozen(kw_only=True)
class _Private:
    _field: int


@pytest.mark.parametrize(
    "cls",
    [
        pytest.param(int, id="no attrs class"),
        pytest.param(attrs.make_class("Odd", ["field"], kw_only=True, slots=True), id="not frozen"),
        pytest.param(attrs.make_class("Odd", ["field"], kw_only=True, frozen=True, slots=False), id="no slots"),
        pytest.param(attrs.make_class("Odd", ["field"], frozen=True, slots=True), id="positional"),
        pytest.param(_with(converter=int), id="converter"),
        pytest.param(_with(validator=attrs.validators.instance_of(int)), id="validator"),
        pytest.param(_with(factory=list), id="factory"),
        pytest.param(_with(init=False, default=1), id="no argument"),
        pytest.param(_Private, id="another name"),
        pytest.param(_Hooked, id="hook"),
    ],
)
def test_class_that_does_more_is_refused(cls: type) -> None:
    """A class that does more than to store what it is given has no builder: a quicker one would leave something out."""
    with pytest.raises(TypeError, match="does more than to store"):
        builder_of(cls)


def test_without_a_global_lock_the_class_is_its_builder(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where to change a class would stop all threads, values are built in the ordinary way."""
    monkeypatch.setattr(sys, "abiflags", "t", raising=False)
    assert builder_of(Accepted) is Accepted
