"""Faults as JSON objects, there and back: `{"effect": {"kind": "answer", "status": 503}, "path": "/sms", "times": 1}`.

The names are the fields of `Fault` and `Effect`; what is left out has its default. Of an effect, only the fields that mean
something for its kind may be given. `accepted` must be said for all but `unsolicited` and `close after`, which are always accepted:
whether a message goes out although its sender does not hear of it is the point of a fault, and nothing to guess.
"""

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Final, TypeVar

import attrs

from routee_async.sandbox import faults
from routee_async.sandbox.control.problems import ControlError, bad
from routee_async.sandbox.effects import Body, Effect, Kind, Shape
from routee_async.sandbox.faults import Fault

E = TypeVar("E", bound=StrEnum)
_FIELDS: Final[Mapping[Kind, tuple[str, ...]]] = {
    Kind.ANSWER: ("status", "headers", "form", "code"),
    Kind.MANGLED: ("shape", "size"),
    Kind.DELAY: ("seconds",),
    Kind.GARBAGE: ("body",),
    Kind.TRICKLE: ("seconds",),
    Kind.INTERIM: ("seconds",),
    Kind.UNSOLICITED: ("body",),
}
_ALWAYS_ACCEPTED: Final = frozenset({Kind.UNSOLICITED, Kind.CLOSE_AFTER})
_INTERVAL: Final = 0.01
_BOMB: Final = 64 << 20
_MOST_BYTES: Final = 256 << 20
_MOST_SECONDS: Final = 86_400.0
_CONDITIONS: Final = ("method", "path", "prefix", "to", "label", "skip", "every", "times", "probability")


def to_form(fault: Fault) -> dict[str, object]:
    """Write *fault*; conditions that are at their default are left out."""
    effect = fault.effect
    written: dict[str, object] = {"kind": effect.kind.value}
    if effect.kind not in _ALWAYS_ACCEPTED:
        written["accepted"] = effect.accepted
    for name in _FIELDS.get(effect.kind, ()):
        value = getattr(effect, name)
        written[name] = dict(value) if name == "headers" else value.value if isinstance(value, StrEnum) else value
    form: dict[str, object] = {"effect": written}
    plain = Fault(effect)
    return form | {name: getattr(fault, name) for name in _CONDITIONS if getattr(fault, name) != getattr(plain, name)}


def read_form(value: object) -> Fault:
    """Read what `to_form` writes.

    Raises:
        ControlError: 400, with what is wrong with each field.
    """
    reader = _Reader(value)
    fault = Fault(
        _read_effect(reader.within("effect")),
        method=reader.text("method").upper(),
        path=reader.text("path"),
        prefix=reader.flag("prefix", default=False),
        to=reader.text("to"),
        label=reader.text("label"),
        skip=reader.count("skip", 0, 0),
        every=reader.count("every", 1, 1),
        times=None if reader.take("times") is None else reader.count("times", 1, 1),
        probability=reader.number("probability", 1.0, 1.0),
    )
    reader.finish()
    return fault


def _read_effect(reader: "_Reader") -> Effect:
    kind = reader.choice("kind", Kind)
    accepted = True if kind in _ALWAYS_ACCEPTED else reader.flag("accepted", default=None)
    if kind is Kind.ANSWER:
        status = reader.count("status", 500, 300, 599)
        effect = faults.error(status, accepted=accepted, code=reader.text("code"))
        effect = attrs.evolve(effect, form=reader.choice("form", Body, effect.form), headers=reader.headers("headers"))
    elif kind is Kind.MANGLED:
        size = reader.count("size", _BOMB, 0, _MOST_BYTES)
        effect = faults.mangled(reader.choice("shape", Shape), accepted=accepted, size=size)
    elif kind in {Kind.GARBAGE, Kind.UNSOLICITED}:
        default = faults.garbage().body if kind is Kind.GARBAGE else faults.UNSOLICITED
        effect = Effect(kind=kind, accepted=accepted, body=reader.text("body", default))
    elif kind in {Kind.TRICKLE, Kind.INTERIM}:
        effect = Effect(kind=kind, accepted=accepted, seconds=reader.number("seconds", _INTERVAL, _MOST_SECONDS))
    elif kind is Kind.DELAY:
        effect = Effect(kind=kind, accepted=accepted, seconds=reader.number("seconds", None, _MOST_SECONDS))
    else:
        effect = Effect(kind=kind, accepted=accepted)
    reader.finish()
    return effect


class _Reader:
    """Takes fields out of a JSON object, and remembers what was asked for so that the rest can be refused."""

    def __init__(self, value: object, where: str = "") -> None:
        if not isinstance(value, dict):
            raise ControlError(400, f"{where or 'a fault'} must be an object", {where or "fault": "must be an object"})
        self._value = value
        self._where = where
        self._known: list[str] = []

    def take(self, name: str) -> object:
        self._known.append(name)
        return self._value.get(name)

    def within(self, name: str) -> "_Reader":
        return _Reader(self.take(name), name)

    def text(self, name: str, default: str = "") -> str:
        return self._read(name, default, lambda value: isinstance(value, str) and value.isprintable(), "must be a text", str)

    def flag(self, name: str, *, default: bool | None) -> bool:
        return self._read(name, default, lambda value: isinstance(value, bool), "must be true or false", bool)

    def count(self, name: str, default: int | None, least: int, most: int = 1_000_000_000) -> int:
        return self._read(
            name,
            default,
            lambda value: isinstance(value, int) and not isinstance(value, bool) and least <= value <= most,
            f"must be a whole number from {least} to {most}",
            int,
        )

    def number(self, name: str, default: float | None, most: float) -> float:
        return self._read(
            name,
            default,
            lambda value: isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= most,
            f"must be a number from 0 to {most:g}",
            float,
        )

    def choice(self, name: str, kind: type[E], default: E | None = None) -> E:
        known = ", ".join(f'"{member}"' for member in kind)
        return self._read(name, default, lambda value: value in set(kind), f"must be one of {known}", kind)

    def headers(self, name: str) -> tuple[tuple[str, str], ...]:
        fits = "must be an object of texts without line breaks"
        return self._read(name, (), _are_headers, fits, lambda value: tuple(value.items()))  # type: ignore[attr-defined]

    def finish(self) -> None:
        unknown = [name for name in self._value if name not in self._known]
        if unknown:
            raise bad(
                {self._path(name): f"does not belong here; what may stand here: {', '.join(self._known)}" for name in unknown}
            )

    def _read(
        self,
        name: str,
        default: "T | None",
        fits: Callable[[object], bool],
        problem: str,
        make: "Callable[[object], T] | type[T]",
    ) -> "T":
        value = self.take(name)
        if value is None and default is not None:
            return default
        if not fits(value):
            raise bad({self._path(name): problem})
        return make(value)  # type: ignore[call-arg]  # a type or a function of one value

    def _path(self, name: str) -> str:
        return f"{self._where}.{name}" if self._where else name


T = TypeVar("T")


def _are_headers(value: object) -> bool:
    return isinstance(value, dict) and all(isinstance(text, str) and text.isprintable() for text in (*value, *value.values()))
