from __future__ import annotations

from collections.abc import Iterator

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from tests.house import House
from tests.serving import eventually


@pytest.fixture(scope="module")
def spans() -> Iterator[InMemorySpanExporter]:
    """Everything that is traced from now on; a process has one tracer provider for good."""
    exporter = InMemorySpanExporter()
    provider = trace.get_tracer_provider()
    if not isinstance(provider, TracerProvider):
        provider = TracerProvider()
        trace.set_tracer_provider(provider)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    yield exporter
    exporter.clear()


async def test_one_trace_leads_from_the_request_through_the_workflow_to_the_activities(
    spans: InMemorySpanExporter, house: House
) -> None:
    product = await house.add_product(stock=1)

    await house.place(product)

    def of_the_placement() -> list[ReadableSpan]:
        finished = spans.get_finished_spans()
        requests = [span for span in finished if "POST /orders" in span.name]
        if not requests or not requests[-1].context:
            return []
        trace_id = requests[-1].context.trace_id
        return [span for span in finished if span.context and span.context.trace_id == trace_id]

    eventually_named = await eventually(of_the_placement)
    names = {span.name for span in eventually_named}
    assert "RunActivity:create_payment" in names
    assert "RunActivity:reserve_stock" in names
    assert any("place" in name and "Update" in name for name in names)


async def test_no_span_carries_personal_data(spans: InMemorySpanExporter, house: House) -> None:
    product = await house.add_product(stock=1)

    await house.place(product)

    written = "".join(span.to_json() for span in spans.get_finished_spans())
    assert "RunActivity:create_payment" in written
    for secret in ("李薇", "li.wei", "13800138000", "文三路"):
        assert secret not in written
