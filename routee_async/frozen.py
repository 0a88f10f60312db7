"""A quicker way to build a frozen value. Pure.

A frozen attrs class sets every field past its own guard, and a class that is called with keywords is handed them in a dict: that
is more than a microsecond for a value of a dozen fields. For what is built once a message, that counts.
"""

import sys
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar, cast

import attrs

P = ParamSpec("P")
T = TypeVar("T")
_HOOKS = ("__attrs_pre_init__", "__attrs_post_init__")


def builder_of(cls: Callable[P, T]) -> Callable[P, T]:
    """Make a function that builds instances of *cls* as calling *cls* does, in a quarter of the time.

    The function fills a *draft*, an instance of a subclass that has the same slots and lacks the guard, and when all is in place
    makes it an instance of *cls*. Python allows that for classes whose instances are laid out alike. Nobody sees the draft.

    Args:
        cls: Attrs class, frozen, slotted, with keyword-only arguments, that does nothing when it is called but to store them:
            no converter, no validator, no default that is made anew each time.

    Returns:
        The function, with the signature of *cls*; *cls* itself where there is no global lock: there a change of class stops all
        threads.

    Raises:
        TypeError: *cls* is not such a class, and a quicker way would be another way.
    """
    assert isinstance(cls, type)  # noqa: S101 - for the type checker, which infers the signature from a callable
    if not _only_stores(cls):
        raise TypeError(f"{cls.__name__} does more than to store what it is given")
    if "t" in getattr(sys, "abiflags", ""):
        return cls
    free = {"__slots__": (), "__init__": object.__init__, "__setattr__": object.__setattr__, "__delattr__": object.__delattr__}
    fields = attrs.fields(cls)
    parameters = [each.name if each.default is attrs.NOTHING else f"{each.name}=DEFAULTS[{each.name!r}]" for each in fields]
    lines = [
        f"def build(*, {', '.join(parameters)}):",
        " draft = Draft()",
        *(f" draft.{each.name} = {each.name}" for each in fields),
        " draft.__class__ = cls",
        " return draft",
    ]
    names: dict[str, Any] = {"cls": cls, "Draft": type(f"{cls.__name__}Draft", (cls,), free)}
    names["DEFAULTS"] = {each.name: each.default for each in fields}
    exec("\n".join(lines), names)  # noqa: S102 - the names of fields, and nothing that comes from outside
    return cast("Callable[P, T]", names["build"])


def _only_stores(cls: type) -> bool:
    """Whether calling *cls* sets each field to an argument of the same name, and nothing else happens."""
    if not attrs.has(cls) or cls.__setattr__ is object.__setattr__ or cls.__dictoffset__:
        return False
    is_plain = all(
        each.init
        and each.kw_only
        and each.alias == each.name
        and each.converter is None
        and each.validator is None
        and not isinstance(each.default, attrs.Factory)  # type: ignore[arg-type] # a class, whatever its stub says
        for each in attrs.fields(cls)
    )
    return is_plain and not any(hasattr(cls, hook) for hook in _HOOKS)
