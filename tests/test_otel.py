"""Spans and metrics."""

from typing import Any

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from routee_async import NotFoundError, OutcomeUnknownError, Sms
from routee_async.otel import OpenTelemetryObserver
from routee_async.sandbox import Fault, Sandbox, faults


class Telemetry:
    """An SDK that keeps everything in memory."""

    def __init__(self) -> None:
        self._exporter = InMemorySpanExporter()
        self.tracers = TracerProvider(shutdown_on_exit=False)
        self.tracers.add_span_processor(SimpleSpanProcessor(self._exporter))
        self._reader = InMemoryMetricReader()
        self.meters = MeterProvider([self._reader], shutdown_on_exit=False)
        self.observer = OpenTelemetryObserver(self.tracers, self.meters)

    def spans(self) -> dict[str, ReadableSpan]:
        """Spans by name."""
        return {span.name: span for span in self._exporter.get_finished_spans()}

    def points(self) -> dict[str, list[Any]]:
        """Points by metric."""
        data = self._reader.get_metrics_data()
        assert data is not None
        return {
            metric.name: list(metric.data.data_points)
            for resource in data.resource_metrics
            for scope in resource.scope_metrics
            for metric in scope.metrics
        }


async def test_span_of_a_send(sandbox: Sandbox, sms: Sms) -> None:
    """One span a message, its attempts as events, and nothing in it that is private."""
    telemetry = Telemetry()
    sandbox.faults.add(Fault(faults.error(429, retry_after="0"), path="/sms", times=1))
    async with sandbox.client(observer=telemetry.observer) as client:
        await client.send(sms)
    span = telemetry.spans()["send send"]
    assert span.kind is SpanKind.PRODUCER
    assert span.attributes is not None
    assert span.attributes["messaging.system"] == "routee"
    assert span.attributes["routee.parts"] == 1
    assert [dict(event.attributes or {})["http.response.status_code"] for event in span.events] == [429, 200]
    assert span.status.status_code is StatusCode.UNSET
    assert sms.to not in span.to_json()
    assert sms.body not in span.to_json()
    points = telemetry.points()
    assert [point.value for point in points["messaging.client.sent.messages"]] == [1]
    assert [point.value for point in points["routee.client.sent.parts"]] == [1]
    assert sum(point.value for point in points["routee.client.attempts"]) == 2


async def test_span_of_a_read_that_fails(sandbox: Sandbox) -> None:
    """What is no message is a client's span, and an error has its class."""
    telemetry = Telemetry()
    sandbox.faults.add(Fault(faults.error(503, retry_after="0"), path="/campaigns/nobody", times=1))
    async with sandbox.client(observer=telemetry.observer) as client:
        with pytest.raises(NotFoundError):
            await client.fetch_campaign("nobody")
        await client.request("GET", "/accounts/me/balance")
    span = telemetry.spans()["fetch_campaign"]
    assert span.kind is SpanKind.CLIENT
    assert (span.status.status_code, span.status.description) == (StatusCode.ERROR, "NotFoundError")
    assert len(span.events) == 2
    assert "GET *" in telemetry.spans()
    durations = telemetry.points()["messaging.client.operation.duration"]
    assert {point.attributes.get("error.type") for point in durations} == {"NotFoundError", None}


async def test_exchange_without_an_answer(sandbox: Sandbox, sms: Sms) -> None:
    """Where there was no answer, the phase and the class of the reason are told; nothing counts as sent."""
    telemetry = Telemetry()
    sandbox.faults.add(Fault(faults.close(accepted=True), path="/sms", times=1))
    async with sandbox.client(observer=telemetry.observer) as client:
        with pytest.raises(OutcomeUnknownError):
            await client.send(sms)
    (event,) = telemetry.spans()["send send"].events
    assert str((event.attributes or {})["error.type"]).startswith("wait: ")
    assert "messaging.client.sent.messages" not in telemetry.points()


async def test_without_an_sdk(sandbox: Sandbox, sms: Sms) -> None:
    """Until somebody configures OpenTelemetry, nothing comes of it, and nothing breaks."""
    async with sandbox.client(observer=OpenTelemetryObserver()) as client:
        assert (await client.send(sms)).tracking_id
