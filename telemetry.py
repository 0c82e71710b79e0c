"""Logs as JSON, traces over OTLP: set up once by an entry point."""

from __future__ import annotations

import logging
import os
import sys
from typing import Any

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from pythonjsonlogger.json import JsonFormatter
from temporalio import activity, workflow

from settings import Settings

_QUIET = ("httpx", "httpcore", "stripe", "urllib3", "temporalio.worker._workflow")


class _DiscreetFormatter(JsonFormatter):
    """Leaves out PostgreSQL's DETAIL lines, which quote whole rows with names and addresses."""

    def formatException(self, ei: Any) -> Any:  # noqa: N802, ANN401 - logging names and types it
        text = super().formatException(ei)
        lines = text.splitlines() if isinstance(text, str) else text
        kept = [line for line in lines if not line.lstrip().startswith("DETAIL:")]
        return "\n".join(kept) if isinstance(text, str) else kept


def set_up(settings: Settings, service: str) -> None:
    """JSON logs on stderr, and spans to the collector that `OTEL_*` names, if it names one."""
    _set_up_logging(settings, service)
    _set_up_tracing(service)


def _set_up_logging(settings: Settings, service: str) -> None:
    output = logging.StreamHandler(sys.stderr)
    if settings.log_format == "json":
        output.setFormatter(
            _DiscreetFormatter(
                "%(asctime)s %(levelname)s %(name)s %(message)s",
                rename_fields={"asctime": "time", "levelname": "level", "message": "event"},
                static_fields={"service": service},
                json_ensure_ascii=False,
            )
        )
    else:
        output.setFormatter(logging.Formatter("%(asctime)s %(levelname)-7s %(name)s %(message)s"))
    logging.basicConfig(level=settings.log_level, handlers=[output], force=True)
    # An event is found by its name alone; what it belongs to are fields.
    activity.logger.activity_info_on_message = False
    workflow.logger.workflow_info_on_message = False
    for name in _QUIET:
        # They log URLs and bodies, which may hold personal data.
        logging.getLogger(name).setLevel(logging.WARNING)


def _set_up_tracing(service: str) -> None:
    named = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
    if not any(os.environ.get(name) for name in named):
        return
    provider = TracerProvider(resource=Resource.create({"service.name": f"orderflow-{service}"}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)


def flush() -> None:
    """Send what is still buffered; call it last, before the process exits."""
    provider = trace.get_tracer_provider()
    if isinstance(provider, TracerProvider):
        provider.force_flush()
    logging.shutdown()
