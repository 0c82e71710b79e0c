"""Traces and durations of requests, without the name of anybody in them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from api.app import create_app
from settings import reveal
from tests.api.conftest import calling
from tests.house import House, order_for


@pytest.fixture(scope="module")
def spans() -> Iterator[InMemorySpanExporter]:
    """What is traced in this process; a provider can be set once only."""
    exporter = InMemorySpanExporter()
    provider = trace.get_tracer_provider()
    if not isinstance(provider, TracerProvider):
        provider = TracerProvider()
        trace.set_tracer_provider(provider)
    processor = SimpleSpanProcessor(exporter)
    provider.add_span_processor(processor)
    yield exporter
    processor.shutdown()


def of_trace(spans: InMemorySpanExporter, trace_id: int) -> list[ReadableSpan]:
    return [
        span
        for span in spans.get_finished_spans()
        if span.context is not None and span.context.trace_id == trace_id
    ]


async def test_a_request_is_one_span_in_its_callers_trace_and_names_nobody(
    house: House, product: str, spans: InMemorySpanExporter
) -> None:
    trace_id = 0x0AF7651916CD43DD8448EB211C80319C
    caller = {"traceparent": f"00-{trace_id:032x}-b7ad6b7169203331-01"}

    link = f"/codec/{reveal(house.settings.codec_token)}/decode"
    async with calling(create_app(house.settings, client=house.client), house.api_key) as api:
        await api.post(link, json={}, headers=caller)
        placed = await api.post("/orders", json=order_for(product), headers=caller)
        await api.get(f"/orders/{placed.json()['orderId']}", headers=caller)

    names = [span.name for span in of_trace(spans, trace_id)]
    assert names.count("POST /orders") == 1
    assert names.count("GET /orders/{orderId}") == 1
    assert names.count("POST /codec/{token}/decode") == 1
    written = str([(span.name, dict(span.attributes or {})) for span in of_trace(spans, trace_id)])
    for private in (link, "李薇", "li.wei", "13800138000", "文三路"):
        assert private not in written


async def test_durations_are_counted_by_route_and_not_by_path(house: House) -> None:
    async with calling(create_app(house.settings, client=house.client), house.api_key) as api:
        await api.get("/orders/O00000000000000000000000000")
        await api.get("/nothing/here")
        text = (await api.get("/metrics")).text

    counted = "orderflow_http_request_duration_seconds_count"
    assert f'{counted}{{method="GET",route="/orders/{{orderId}}",status="404"}} 1.0' in text
    assert f'{counted}{{method="GET",route="unknown",status="404"}} 1.0' in text
    assert "O0000" not in text
