"""Makes messages of rows."""

from routee_async import Sms
from routee_async.cli import template
from routee_async.cli.failures import UsageError
from routee_async.cli.recipients import BODY, LABEL, RECIPIENT, SENDER_ID, Recipients, Row
from routee_async.cli.template import Template


class Writing:
    """Makes messages of rows.

    Args:
        recipients: The file, whose columns are checked.
        sender_id: For rows that have none of their own.
        body: Text with placeholders; None for column `body` as it is.

    Raises:
        UsageError: A column is missing that the text needs.
    """

    def __init__(self, recipients: Recipients, *, sender_id: str | None, body: str | None) -> None:
        columns = recipients.columns
        if body is None and BODY not in columns:
            raise UsageError(f'there is no text: give --body "...", or a column {BODY} in the file')
        if sender_id is None and SENDER_ID not in columns:
            raise UsageError(f"there is no sender: give --sender-id, or a column {SENDER_ID} in the file")
        self._template = Template(("", ""), (BODY,)) if body is None else template.parse(body)
        for column in self._template.columns:
            if column not in columns:
                raise UsageError(f"--body: there is no column '{column}'; the columns are: {', '.join(filter(None, columns))}")
        self._sender_id = sender_id or ""

    def compose(self, row: Row) -> Sms:
        """Make the message of a row. What is wrong with it shows when it is sent."""
        cells = row.cells
        return Sms(
            to=cells[RECIPIENT],
            body=self._template.render(cells),
            sender_id=cells.get(SENDER_ID) or self._sender_id,
            label=cells.get(LABEL) or None,
        )
