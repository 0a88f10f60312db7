"""POST /oauth/token: credentials for a token. Source: routee-api.md §1.2 to §1.5."""

import base64
import binascii

from routee_async.sandbox.accounts import Application
from routee_async.sandbox.answers import oauth, spring
from routee_async.sandbox.carrier import Carrier
from routee_async.sandbox.routing import Request


def grant(carrier: Carrier, request: Request) -> dict[str, object]:
    """Give the application its token.

    Raises:
        Refusal: 401 in the Spring shape for the credentials; 400 in the OAuth shape for `grant_type` and `scope`.
    """
    application = _identify(carrier, request)
    parameters = {**request.parameters(), **request.form()}
    wanted = parameters.get("grant_type")
    if not wanted:
        raise oauth(400, "invalid_request", "Missing grant type")
    if wanted != "client_credentials":
        raise oauth(400, "unsupported_grant_type", f"Unsupported grant type: {wanted}")
    scopes = tuple(parameters.get("scope", "").replace(",", " ").split())
    return carrier.tokens.to_wire(carrier.tokens.grant(application, scopes))


def _identify(carrier: Carrier, request: Request) -> Application:
    kind, _, encoded = request.authorization.partition(" ")
    if kind.lower() != "basic":
        message = "Full authentication is required to access this resource"
        raise spring(401, "Unauthorized", message, request.path, carrier.now())
    try:
        name, _, secret = base64.b64decode(encoded.strip(), validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        name = secret = ""
    application = carrier.applications.get(name)
    if application is None or application.secret != secret:
        raise spring(401, "Unauthorized", "Bad credentials", request.path, carrier.now())
    return application
