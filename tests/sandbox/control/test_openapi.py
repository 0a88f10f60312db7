"""Tests of `control/openapi.py` and `control/schemas.py`: the description is valid, complete, and names only what is there."""

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from routee_async.sandbox.control.calls import ControlRoute
from routee_async.sandbox.control.openapi import describe
from routee_async.sandbox.control.schemas import SCHEMAS
from routee_async.sandbox.control.table import ROUTES
from routee_async.sandbox.routes import ROUTES as EMULATED
from tests.sandbox.control.conftest import Control


async def test_it_is_valid(control: Control) -> None:
    """What is served is an OpenAPI 3.1 document."""
    document = await control("GET", "/openapi.json")
    assert document["openapi"] == "3.1.0"
    OpenAPIV31SpecValidator(document).validate()


def test_every_route_is_in_it() -> None:
    """Each route of the control API, each emulated endpoint and the one for tokens is described."""
    paths = describe(ROUTES)["paths"]
    described = {f"{method.upper()} {path}" for path, operations in paths.items() for method in operations}
    assert described == {route.name for route in ROUTES} | {route.name for route in EMULATED} | {"POST /oauth/token"}


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.name)
def test_schemas_are_known(route: ControlRoute) -> None:
    """The schemas that a route names exist."""
    assert route.answer in SCHEMAS
    assert route.body in {"", *SCHEMAS}
