"""OpenTelemetry: a span for each call, its attempts as events, and metrics. In the extra `otel`.

    client = RouteeClient.from_env(observer=OpenTelemetryObserver())

Nothing comes of it until an SDK is configured. Names follow the semantic conventions for messaging where these have one; there is
no recipient, text, label or tracking id in any of it.

Source: opentelemetry.io/docs/specs/semconv/messaging.
"""

import time

from opentelemetry import metrics, trace
from opentelemetry.metrics import Counter, Histogram, Meter, MeterProvider
from opentelemetry.trace import Span, SpanKind, Status, StatusCode, TracerProvider

from routee_async.observing import Attempt, CallInfo

_NAME = "routee_async"
_SYSTEM = "routee"


class OpenTelemetryObserver:
    """Makes spans and metrics of the calls of a client.

    - Span `send <call>` for what sends messages, else `<call>` (`account.balance`): one for a call with all its attempts, each of
      which is an event `attempt`. A message that is sent once more after a look-up (`OnUnknown.RECONCILE`) has a span for each.
    - Histogram `messaging.client.operation.duration`, in seconds.
    - Counter `messaging.client.sent.messages`: messages that Routee accepted.
    - Counter `routee.client.sent.parts`: their parts.
    - Counter `routee.client.attempts`: exchanges, by HTTP status or failure.

    Args:
        tracer_provider: Whose spans; None for the global one.
        meter_provider: Whose metrics; None for the global one.
    """

    def __init__(self, tracer_provider: TracerProvider | None = None, meter_provider: MeterProvider | None = None) -> None:
        self._tracer = trace.get_tracer(_NAME, tracer_provider=tracer_provider)
        self._instruments = _Instruments(metrics.get_meter(_NAME, meter_provider=meter_provider))

    def begin(self, call: CallInfo) -> "_ObservedCall":
        """A call begins: its span does too."""
        sends = call.parts > 0
        name = call.name or f"{call.method} {call.path}"
        attributes: dict[str, str | int] = {
            "messaging.system": _SYSTEM,
            "messaging.operation.name": name,
            "http.request.method": call.method,
            "url.template": call.path,
        }
        if sends:
            attributes |= {"messaging.operation.type": "send", "routee.parts": call.parts}
        span = self._tracer.start_span(
            f"send {name}" if sends else name,
            kind=SpanKind.PRODUCER if sends else SpanKind.CLIENT,
            attributes=attributes,
        )
        return _ObservedCall(span, self._instruments, name, call.parts)


class _Instruments:
    """The metrics."""

    def __init__(self, meter: Meter) -> None:
        self.duration: Histogram = meter.create_histogram(
            "messaging.client.operation.duration", unit="s", description="Duration of a call"
        )
        self.messages: Counter = meter.create_counter(
            "messaging.client.sent.messages", unit="{message}", description="Accepted messages"
        )
        self.parts: Counter = meter.create_counter(
            "routee.client.sent.parts", unit="{part}", description="Parts of accepted messages"
        )
        self.attempts: Counter = meter.create_counter("routee.client.attempts", unit="{attempt}", description="Exchanges")


class _ObservedCall:
    """One call: a span and what is counted of it."""

    def __init__(self, span: Span, instruments: _Instruments, name: str, parts: int) -> None:
        self._span = span
        self._instruments = instruments
        self._common = {"messaging.system": _SYSTEM, "messaging.operation.name": name}
        self._parts = parts
        self._begun = time.perf_counter()

    def attempt(self, attempt: Attempt) -> None:
        """An exchange is over."""
        result: dict[str, str | int] = {}
        if attempt.status is not None:
            result["http.response.status_code"] = attempt.status
        if attempt.failure is not None:
            result["error.type"] = attempt.failure
        details: dict[str, str | int | float] = {"number": attempt.number, "seconds": attempt.seconds, "next": attempt.next}
        self._span.add_event("attempt", {**details, **result})
        self._instruments.attempts.add(1, {**self._common, **result})

    def end(self, error: BaseException | None) -> None:
        """The call is over."""
        attributes = dict(self._common)
        if error is not None:
            attributes["error.type"] = type(error).__name__
            self._span.set_attribute("error.type", type(error).__name__)
            self._span.set_status(Status(StatusCode.ERROR, type(error).__name__))
        elif self._parts:
            self._instruments.messages.add(1, self._common)
            self._instruments.parts.add(self._parts, self._common)
        self._instruments.duration.record(time.perf_counter() - self._begun, attributes)
        self._span.end()
