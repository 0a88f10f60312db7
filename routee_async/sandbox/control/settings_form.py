"""The carrier's settings as a JSON object, there and back. Whatever field `Settings` has, is here."""

from collections.abc import Collection, Mapping, Sequence
from enum import Enum
from typing import Any, Final, get_args, get_origin

import attrs

from routee_async.sandbox.control.problems import bad
from routee_async.sandbox.settings import Settings

_MOST: Final = 1e12


def to_form(settings: Settings) -> dict[str, object]:
    """Write all settings."""
    return {field.name: _write(getattr(settings, field.name)) for field in attrs.fields(Settings)}


def _write(value: object) -> object:
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Mapping):
        return {str(name): _write(weight) for name, weight in value.items()}
    if isinstance(value, tuple | list):
        return [_write(item) for item in value]
    kind = type(value)
    return {field.name: _write(getattr(value, field.name)) for field in attrs.fields(kind)} if attrs.has(kind) else value


def change(settings: Settings, wanted: object) -> None:
    """Change what *wanted* names: all of it, or nothing if something is wrong.

    Raises:
        ControlError: 400, with what is wrong with each setting.
    """
    if not isinstance(wanted, dict):
        raise bad({"settings": "must be an object"})
    problems: dict[str, str] = {}
    changes = _read_fields(settings, wanted, problems)
    if problems:
        raise bad(problems)
    for name, value in changes.items():
        setattr(settings, name, value)


def _read_fields(now: attrs.AttrsInstance, wanted: Mapping[str, object], problems: dict[str, str]) -> dict[str, object]:
    kinds = {field.name: field.type for field in attrs.fields(type(now))}
    changes: dict[str, object] = {}
    for name, value in wanted.items():
        if name not in kinds:
            problems[name] = f"unknown; known are {', '.join(kinds)}"
            continue
        try:
            changes[name] = _read(kinds[name], getattr(now, name), value)
        except ValueError as error:
            problems[name] = str(error)
    return changes


def _read(kind: Any, now: object, value: object) -> object:  # noqa: ANN401 - a type as it stands in an annotation
    choices = get_args(kind)
    if type(None) in choices:
        return None if value is None else _read(choices[0], now, value)
    if get_origin(kind) in {tuple, Sequence, Collection}:
        return _read_items(choices[0], value)
    if get_origin(kind) is Mapping:
        return _read_weights(choices[0], value)
    if attrs.has(kind):
        return _read_nested(now, value)
    if issubclass(kind, Enum):
        return _read_member(kind, value)
    return _read_plain(kind, value)


def _read_items(kind: type, value: object) -> object:
    if not isinstance(value, list):
        raise ValueError("must be an array")  # noqa: TRY004 - a problem of the request, gathered with the others
    return tuple(_read(kind, None, item) for item in value)


def _read_weights(kind: type[Enum], value: object) -> object:
    if not isinstance(value, dict):
        raise ValueError("must be an object of names and weights")  # noqa: TRY004 - as above
    weights = {_read_member(kind, name): _read_plain(float, weight) for name, weight in value.items()}
    if weights and not any(weights.values()):
        raise ValueError("needs a weight above 0")
    return weights


def _read_nested(now: Any, value: object) -> object:  # noqa: ANN401 - an instance of some attrs class
    problems: dict[str, str] = {}
    if not isinstance(value, dict):
        raise ValueError("must be an object")  # noqa: TRY004 - as above
    changes = _read_fields(now, value, problems)
    if problems:
        raise ValueError("; ".join(f"{name} {problem}" for name, problem in problems.items()))
    return attrs.evolve(now, **changes)


def _read_member(kind: type[Enum], value: object) -> Enum:
    try:
        return kind(value)
    except ValueError:
        raise ValueError(f"must be one of {', '.join(str(member.value) for member in kind)}") from None


def _read_plain(kind: type, value: object) -> object:
    if kind is bool or kind is str:
        if not isinstance(value, kind):
            raise ValueError("must be true or false" if kind is bool else "must be a text")
        return value
    fits = isinstance(value, int) or (kind is float and isinstance(value, float))
    if not fits or isinstance(value, bool) or not 0 <= value <= _MOST:  # type: ignore[operator]  # a number
        raise ValueError(f"must be a {'whole ' if kind is int else ''}number, 0 or more")
    return value
