"""The page docs/cli.md. Write it anew with: python -m routee_async.cli.reference > docs/cli.md."""

from routee_async.cli import app, output

_HEAD = "<!-- Generated from the program: python -m routee_async.cli.reference > docs/cli.md -->\n\n"


def page() -> str:
    """Make the page from the help of all commands."""
    return _HEAD + app.generate_docs().strip() + "\n"


if __name__ == "__main__":
    output.results().out(page(), end="")
