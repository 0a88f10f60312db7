"""JSON objects with camelCase names on one side, attrs classes on the other, by one rule for all of them. Pure.

`codec.py` reads and writes messages, field by field, as fast as can be. The other products have many shapes and little traffic:
here a class is read and written as it is declared.

- `balance_before` is `balanceBefore` on the wire; where it is something else, the field says so: `metadata=wire("mmc", "mcc")`.
- A field without a default cannot be done without. Any other one takes its default where it is missing, null or unreadable.
- `metadata=WHOLE` gives a field all that the object held, for shapes that Routee documents in part.
- Writing leaves out whatever has its default, so that Routee's own defaults apply.
"""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final, TypeVar, cast

import attrs
import cattrs
from cattrs.gen import make_dict_structure_fn, make_dict_unstructure_fn, override

from routee_async import codec
from routee_async.codec import (
    lenient,
    read_bool,
    read_datetime,
    read_decimal,
    read_float,
    read_id,
    read_int,
    read_str,
)
from routee_async.errors import MalformedResponseError
from routee_async.models import BodyAnalysis, Callback, UrlShortener

T = TypeVar("T")
_MOST_PROBLEMS = 5
_NAMES: Final = "wire"
_READ: Final = "read"
_WRITE: Final = "write"
_ALL: Final = "whole"
WHOLE: Final[Mapping[str, object]] = MappingProxyType({_ALL: True})
"""Metadata of a field that holds the whole object as it came."""


def wire(
    *names: str,
    read: Callable[[Any], object] | None = None,
    write: Callable[[Any], object] | None = None,
) -> dict[str, object]:
    """Metadata of a field whose name or value on the wire does not follow from ours.

    Args:
        *names: Its names on the wire; the first is written, and of those that are there the first one is read.
        read: Makes the value of what is on the wire.
        write: Makes what goes on the wire of the value.
    """
    return {_NAMES: names, _READ: read, _WRITE: write}


def _read_minutes(value: object) -> timedelta:
    return timedelta(minutes=read_float(value, float))


def write_minutes(value: timedelta) -> float | int:
    """Write a duration in minutes, whole ones as such."""
    minutes = value / timedelta(minutes=1)
    return int(minutes) if minutes.is_integer() else minutes


def write_url_shortener(shortener: UrlShortener) -> dict[str, int]:
    """Write how long short links work, in seconds."""
    return {"urlValidity": int(shortener.validity.total_seconds())}


MINUTES: Final[Mapping[str, object]] = MappingProxyType(wire(read=_read_minutes, write=write_minutes))
"""Metadata of a `timedelta` that is minutes on the wire."""


def camel(name: str) -> str:
    """Turn `balance_before` into `balanceBefore`."""
    head, *tail = name.split("_")
    return head + "".join(piece.capitalize() for piece in tail)


def read(payload: object, cls: type[T]) -> T:
    """Build a *cls* from a decoded payload.

    Raises:
        MalformedResponseError: Something that cannot be done without is missing or of the wrong type; says where.
    """
    try:
        return _converter.structure(payload, cls)
    except Exception as error:  # noqa: BLE001 - cattrs raises whatever its hooks raise; each is a problem of the payload
        problems = tuple(map(_in_wire_names, cattrs.transform_error(error)[:_MOST_PROBLEMS]))
    # Out here, so that what cattrs raised, which holds pieces of the payload, does not hang on ours.
    raise MalformedResponseError(problems)


def write(value: object) -> dict[str, object]:
    """Make the JSON object of an attrs object."""
    return cast("dict[str, object]", _converter.unstructure(value))


def write_moment(moment: datetime) -> str:
    """Write a moment, which must have a time zone, in ISO 8601 and UTC, to the second."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _in_wire_names(problem: str) -> str:
    """Name the fields in a path as the payload does: cattrs says how we call them."""
    text, at, path = problem.partition(" @ ")
    return f"{text}{at}{re.sub(r'[a-z0-9_]+', lambda name: camel(name[0]), path)}"


def _names(field: "attrs.Attribute[Any]") -> tuple[str, ...]:
    return field.metadata.get(_NAMES) or (camel(field.name),)


def _default(field: "attrs.Attribute[Any]") -> object:
    factory = getattr(field.default, "factory", None)  # of an `attrs.Factory`
    return field.default if factory is None else factory()


def _read_whole(value: object) -> object:
    return dict(cast("Mapping[str, object]", value))


def _ignoring_type(own: Callable[[Any], object]) -> Callable[[Any, Any], object]:
    return lambda value, _: own(value)


def _make_reader(cls: type[Any]) -> Callable[[Any, Any], object]:
    """Generate the hook that reads a *cls*."""
    attrs.resolve_types(cls)
    overrides: dict[str, Any] = {}
    moved: dict[str, tuple[str, ...]] = {}
    for field in attrs.fields(cls):
        if field.metadata.get(_ALL):
            overrides[field.name] = override(rename=_WHOLE_KEY, struct_hook=lambda value, _: _read_whole(value))
            continue
        first, *others = _names(field)
        if others:
            moved[first] = tuple(others)
        own = field.metadata.get(_READ)
        hook = _ignoring_type(own) if own else _converter.get_structure_hook(cast("type", field.type))
        if field.default is not attrs.NOTHING:
            hook = lenient(hook, _default(field))
        overrides[field.name] = override(rename=first, struct_hook=hook)
    generated = make_dict_structure_fn(cls, _converter, **overrides)

    def hook_of_class(payload: object, _: object) -> object:
        if not isinstance(payload, Mapping):
            raise TypeError(f"expected an object, not {type(payload).__name__}")
        given = {**payload, _WHOLE_KEY: payload}
        for first, others in moved.items():
            given[first] = next((payload[name] for name in (first, *others) if payload.get(name) is not None), None)
            if given[first] is None:
                del given[first]
        return generated(given, cls)

    return hook_of_class


_WHOLE_KEY: Final = "\0whole"


def _make_writer(cls: type[Any]) -> Callable[[Any], dict[str, Any]]:
    """Generate the hook that writes a *cls*."""
    attrs.resolve_types(cls)
    overrides: dict[str, Any] = {}
    for field in attrs.fields(cls):
        if field.metadata.get(_ALL):
            overrides[field.name] = override(omit=True)
            continue
        own = field.metadata.get(_WRITE)
        overrides[field.name] = override(rename=_names(field)[0], unstruct_hook=own) if own else override(rename=_names(field)[0])
    # The strategy of a callback is said even when it is our default: the application's own default may be another.
    return make_dict_unstructure_fn(cls, _converter, _cattrs_omit_if_default=cls is not Callback, **overrides)


def _read_enum(value: object, cls: type[StrEnum]) -> StrEnum:
    return cls(read_id(value, str))


def _make_converter() -> cattrs.Converter:
    new = cattrs.Converter(forbid_extra_keys=False)
    for cls, hook in (
        (str, read_str),
        (bool, read_bool),
        (int, read_int),
        (float, read_float),
        (Decimal, read_decimal),
        (datetime, read_datetime),
        (StrEnum, _read_enum),
    ):
        new.register_structure_hook(cast("type", cls), cast("Any", hook))
    new.register_structure_hook(BodyAnalysis, lambda value, _: codec.structure(value, BodyAnalysis))
    new.register_structure_hook_func(lambda cls: cls is object, lambda value, _: value)
    new.register_structure_hook_factory(attrs.has, _make_reader)
    new.register_unstructure_hook(datetime, write_moment)
    new.register_unstructure_hook(Decimal, str)
    new.register_unstructure_hook(UrlShortener, write_url_shortener)
    new.register_unstructure_hook_factory(attrs.has, _make_writer)
    return new


_converter = _make_converter()
