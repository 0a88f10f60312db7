"""What the control API says no with."""

from collections.abc import Mapping


class ControlError(Exception):
    """A request to the control API cannot be met.

    Attributes:
        status: HTTP status.
        message: What is wrong, and what to do.
        problems: Name of a field or parameter to what is wrong with it.
    """

    def __init__(self, status: int, message: str, problems: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.problems: dict[str, str] = dict(problems or {})

    def to_json(self) -> dict[str, object]:
        """Write the body of the answer."""
        return {"error": self.message} | ({"problems": self.problems} if self.problems else {})


def bad(problems: Mapping[str, str]) -> ControlError:
    """Make the error for fields or parameters that are wrong."""
    return ControlError(400, "; ".join(f"{name}: {problem}" for name, problem in problems.items()), problems)
