"""The page docs/api.md: every endpoint and its method.

Write it anew with: python -m routee_async.products.reference > docs/api.md.
"""

import inspect
import re
import sys
from collections.abc import Callable, Iterator
from functools import cached_property
from types import ModuleType
from typing import Any

from routee_async import campaign_orders, protocol
from routee_async.client import RouteeClient
from routee_async.products import account, contacts, failover, lookup, numbers, pools, reports, two_step
from routee_async.protocol import Content, Endpoint

_MODULES: tuple[ModuleType, ...] = (
    protocol,
    campaign_orders,
    account,
    lookup,
    pools,
    numbers,
    failover,
    two_step,
    contacts,
    reports,
)
_MODULE = re.compile(r"\b(?:[a-z_]+\.)+(?=[A-Z])")
"""What stands in front of the name of a class."""
_HEAD = """<!-- Generated from the program: python -m routee_async.products.reference > docs/api.md -->

# Routee's endpoints and our methods

Each row is an endpoint of Routee's API, as it is declared in the program, and the method of a client that asks for it. *At most
once* means that a request is repeated by itself only when it surely was not carried out: carrying it out twice would cost money,
send twice or make two of a thing. All others are repeated after whatever can pass.

What has no method yet is asked for with `client.request(method, path, ...)`, with the same token, repeats and errors.

| Endpoint | Method | Gives | At most once | Query | Body | Scope | Section |
| --- | --- | --- | --- | --- | --- | --- | --- |
"""


def endpoints() -> tuple[Endpoint, ...]:
    """Collect all endpoints that a method asks for, in the order of their sections."""
    found: dict[tuple[str, str], Endpoint] = {}
    for module in _MODULES:
        for value in vars(module).values():
            if isinstance(value, Endpoint) and value.call:
                found[value.method, value.path] = value
    return tuple(sorted(found.values(), key=lambda each: tuple(map(int, each.section.split(".")))))


def method_of(endpoint: Endpoint) -> Callable[..., Any]:
    """Find the method that asks for an endpoint.

    Raises:
        AttributeError: There is none of that name.
    """
    *namespaces, name = endpoint.call.split(".")
    owner: type = RouteeClient
    for namespace in namespaces:
        owner = _namespace(owner, namespace)
    method: Callable[..., Any] = getattr(owner, name)
    return method


def _namespace(owner: type, name: str) -> type:
    descriptor = inspect.getattr_static(owner, name)
    assert isinstance(descriptor, cached_property)  # noqa: S101 - for the type checker
    given = descriptor.func.__annotations__["return"]
    module = sys.modules[f"routee_async.products.{name}"]
    namespace: type = getattr(module, given.strip('"'))
    return namespace


def _rows() -> Iterator[str]:
    for endpoint in endpoints():
        answer = inspect.formatannotation(inspect.signature(method_of(endpoint)).return_annotation)
        cells = (
            f"`{endpoint.method} {endpoint.path}`",
            f"`client.{endpoint.call}()`",
            f"`{_MODULE.sub('', answer)}`",
            "yes" if endpoint.paid else "",
            ", ".join(f"`{name}`" for name in endpoint.query),
            "" if endpoint.content is Content.NOTHING else endpoint.content.value,
            f"`{endpoint.scope}`",
            f"§{endpoint.section}",
        )
        yield f"| {' | '.join(cells)} |"


def page() -> str:
    """Make the page."""
    return _HEAD + "\n".join(_rows()) + "\n"


if __name__ == "__main__":
    sys.stdout.write(page())
