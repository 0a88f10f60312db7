"""What the package offers at its top."""

import subprocess
import sys

import attrs

import routee_async
from routee_async import callback_models, errors, models


def test_all_is_sorted_and_real() -> None:
    """`__all__` has no doubles, and each name is there."""
    assert len(set(routee_async.__all__)) == len(routee_async.__all__)
    assert all(hasattr(routee_async, name) for name in routee_async.__all__)


def test_every_error_is_exported() -> None:
    """Whoever has to catch an error can import it from the top."""
    tree = {name for name, value in vars(errors).items() if isinstance(value, type) and issubclass(value, Exception)}
    assert tree <= set(routee_async.__all__)


def test_every_value_is_exported() -> None:
    """Whoever gets a value can name its type."""
    modules = [*vars(models).items(), *vars(callback_models).items()]
    values = {name for name, value in modules if isinstance(value, type) and attrs.has(value)}
    assert values <= set(routee_async.__all__)


def test_import_is_light() -> None:
    """Importing the package loads neither the command, nor phonenumbers, nor the sandbox."""
    heavy = ("rich", "cyclopts", "phonenumbers", "routee_async.sandbox", "routee_async.cli")
    code = f"import sys, routee_async; print([name for name in {heavy} if name in sys.modules])"
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout  # noqa: S603 - our own
    assert printed.strip() == "[]"
