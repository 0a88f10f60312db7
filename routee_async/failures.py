"""What an exception of aiohttp's means: where it went wrong, whether a byte may have been written, whether to try again.

The rows of failure-taxonomy.md, as tables. Never quotes an exception: its text and `repr` may hold the token.
"""

import ssl

import aiohttp

from routee_async.protocol import Failure, Phase

_BAD_GATEWAY = 502


class SpokeFirstError(aiohttp.ClientConnectionError):
    """A new connection was closed, or something came over it, before anything was asked."""


class UnreadableError(Exception):
    """The body is compressed in a way that cannot be undone."""


class TooLargeError(Exception):
    """The body is larger than any answer of Routee's."""


# Class of the exception to phase and whether repeating is pointless, first match first (failure-taxonomy.md, table).
_BEFORE_WRITING: tuple[tuple[type[BaseException], Phase, bool], ...] = (
    (aiohttp.InvalidURL, Phase.LOCAL, True),
    (aiohttp.ClientConnectorCertificateError, Phase.TLS, True),
    (aiohttp.ClientConnectorSSLError, Phase.TLS, True),
    (aiohttp.ServerFingerprintMismatch, Phase.TLS, True),
    (ssl.SSLError, Phase.TLS, True),
    (aiohttp.ClientHttpProxyError, Phase.PROXY, True),
    (aiohttp.ClientProxyConnectionError, Phase.PROXY, False),
    (aiohttp.ClientResponseError, Phase.PROXY, False),  # nobody else has been asked anything yet
    (aiohttp.ClientConnectorError, Phase.CONNECT, False),
    (TimeoutError, Phase.CONNECT, False),
    (aiohttp.ClientOSError, Phase.CONNECT, False),
    (aiohttp.ClientConnectionError, Phase.CONNECT, False),
    (RuntimeError, Phase.CLOSE, True),
)
# For reads, which have no mark and may be repeated either way: what can only come from making a connection.
ONLY_WHILE_CONNECTING = (
    aiohttp.InvalidURL,
    aiohttp.ClientConnectorError,
    aiohttp.ServerFingerprintMismatch,
    aiohttp.ClientHttpProxyError,
    aiohttp.ConnectionTimeoutError,
    SpokeFirstError,
    RuntimeError,
)
_AFTER_WRITING: tuple[tuple[type[BaseException], Phase], ...] = (
    (TooLargeError, Phase.BODY),
    (UnreadableError, Phase.BODY),
    (aiohttp.ClientPayloadError, Phase.BODY),
    (aiohttp.ClientResponseError, Phase.HEAD),
    (aiohttp.http_exceptions.HttpProcessingError, Phase.HEAD),
    (aiohttp.ClientConnectionResetError, Phase.WRITE),
)


def explain(error: BaseException, *, written: bool, status: int | None = None, one_write: bool = False) -> Failure:
    """Say what an exception of aiohttp's means, without quoting it.

    Args:
        error: What was raised.
        written: The mark: whether a byte may have been written.
        status: HTTP status, if a head had been read.
        one_write: True when head and body are small enough to go out in a single write.
    """
    reason = _name(error)
    if not written:
        phase, permanent = next(
            ((phase, permanent) for cls, phase, permanent in _BEFORE_WRITING if isinstance(error, cls)),
            (Phase.LOCAL, True),
        )
        if isinstance(error, aiohttp.ClientHttpProxyError):
            permanent = error.status != _BAD_GATEWAY
        return Failure(phase=phase, reason=reason, written=False, permanent=permanent)
    if one_write and status is None and _was_closed_before_writing(error):
        return Failure(phase=Phase.WRITE, reason=reason, written=False)
    default = Phase.WAIT if status is None else Phase.BODY
    phase = next((phase for cls, phase in _AFTER_WRITING if isinstance(error, cls)), default)
    return Failure(phase=phase, reason=reason, written=True, status=status)


def _was_closed_before_writing(error: BaseException) -> bool:
    """True when asyncio refused the first write because the connection was already closing.

    aiohttp raises this exception before it hands bytes to the transport, or after a write so large that it has to wait for room;
    a small body goes out in one write together with the head, so that nothing had been written. `tests/test_transport.py` holds
    aiohttp to that.
    """
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, aiohttp.ClientConnectionResetError):
            return True
        seen = seen.__cause__ or seen.__context__
    return False


def _name(error: BaseException) -> str:
    """Class name of *error*, with what is behind it: `ClientConnectorError (ConnectionRefusedError)`.

    Of a certificate it is said what is wrong with it (`certificate has expired`): that holds no secret, and is what to look at.
    """
    certificate = getattr(error, "certificate_error", None)
    behind = getattr(error, "os_error", None) or error.__cause__
    detail = getattr(certificate, "verify_message", "") or (type(behind).__name__ if behind is not None else "")
    return f"{type(error).__name__} ({detail})" if detail else type(error).__name__
