"""Texts with placeholders: `Hi {name}`. A placeholder is a column and nothing more: no attributes, no indices, no formats."""

import re
from collections.abc import Mapping

import attrs

from routee_async.cli.failures import UsageError

_MARK = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")


@attrs.frozen
class Template:
    """A text with placeholders.

    Attributes:
        texts: The text before each placeholder, and the text after the last one: one more than there are columns.
        columns: The column that each placeholder stands for.
    """

    texts: tuple[str, ...]
    columns: tuple[str, ...]

    def render(self, cells: Mapping[str, str]) -> str:
        """Fill in the *cells* of one row."""
        pieces = [self.texts[0]]
        for column, text in zip(self.columns, self.texts[1:], strict=True):
            pieces += (cells[column], text)
        return "".join(pieces)


def parse(text: str) -> Template:
    """Read a template: `{column}` is a placeholder, `{{` and `}}` are braces.

    Raises:
        UsageError: A brace has no counterpart.
    """
    texts, columns = [""], []
    end = 0
    for mark in _MARK.finditer(text):
        texts[-1] += text[end : mark.start()]
        end = mark.end()
        if mark[0] in {"{{", "}}"}:
            texts[-1] += mark[0][0]
        elif mark[1] is not None:
            columns.append(mark[1].strip())
            texts.append("")
        else:
            raise UsageError(f"--body: '{mark[0]}' at character {mark.start() + 1} stands alone; write {{{{ or }}}} for a brace")
    texts[-1] += text[end:]
    return Template(tuple(texts), tuple(columns))
