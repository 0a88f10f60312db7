"""Ask the control API over a real socket, and check each answer against its description."""

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from jsonschema import Draft202012Validator

from routee_async.sandbox import Sandbox
from routee_async.sandbox.control.schemas import SCHEMAS
from routee_async.sandbox.control.table import PREFIX, ROUTES
from routee_async.sandbox.routing import Table

TABLE = Table(ROUTES)


class Control:
    """The control API of a sandbox."""

    def __init__(self, sandbox: Sandbox, session: aiohttp.ClientSession) -> None:
        self.sandbox = sandbox
        self.session = session

    async def __call__(self, method: str, path: str, /, json: Any = None, status: int | str = 200, **query: str) -> Any:  # noqa: ANN401
        """Ask for *path*, and give the JSON of the answer, which must have that *status* and be as it is described.

        A *status* that is a text is a filter, and 200 is expected.
        """
        if isinstance(status, str):
            query["status"], status = status, 200
        url = f"{self.sandbox.base_url}{PREFIX}{path}"
        async with self.session.request(method, url, json=json, params=query) as answer:
            body = await answer.json(content_type=None)
            assert answer.status == status, body
        found = TABLE.find(method, PREFIX + path)
        validate(body, "Error" if status >= 400 or found is None else found[0].answer)
        if status == 200 and found is not None and found[0].body and json is not None:
            validate(json, found[0].body)
        return body


def validate(value: object, schema: str) -> None:
    """Check *value* against the schema of that name."""
    whole = {"$ref": f"#/components/schemas/{schema}", "components": {"schemas": SCHEMAS}}
    Draft202012Validator(whole).validate(value)


@pytest.fixture
async def control(sandbox: Sandbox) -> AsyncIterator[Control]:
    """The control API of the sandbox."""
    async with aiohttp.ClientSession() as session:
        yield Control(sandbox, session)
