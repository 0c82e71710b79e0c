"""How we speak to Temporal: connection, encrypted payloads, tracing."""

from __future__ import annotations

import asyncio
import dataclasses

from temporalio.client import Client, Interceptor
from temporalio.contrib.opentelemetry import TracingInterceptor
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.converter import DataConverter, DefaultFailureConverterWithEncodedAttributes
from temporalio.envconfig import ClientConfig
from temporalio.runtime import PrometheusConfig, Runtime, TelemetryConfig
from temporalio.service import RetryConfig
from temporalio.worker import UnsandboxedWorkflowRunner, WorkflowRunner

from codec import EncryptingCodec
from settings import Settings

# An HTTP caller waits: give a dead server up after a moment instead of after ten seconds.
IMPATIENT = RetryConfig(max_elapsed_time_millis=2000, max_retries=3)


def data_converter(codec: EncryptingCodec) -> DataConverter:
    """Pydantic models in, encrypted payloads out; failures are encrypted as well."""
    return dataclasses.replace(
        pydantic_data_converter,
        payload_codec=codec,
        failure_converter_class=DefaultFailureConverterWithEncodedAttributes,
    )


def codec_of(settings: Settings) -> EncryptingCodec:
    """The codec for the key ring in `PAYLOAD_KEYS`."""
    ring = [(key_id, secret.get_secret_value()) for key_id, secret in settings.payload_keys]
    return EncryptingCodec.from_ring(ring)


def workflow_runner() -> WorkflowRunner:
    """Workflows run without the SDK's sandbox, which builds their modules anew for every run.

    That they are deterministic is held by `.importlinter`, and by the replay tests, which do use
    the sandbox; see ADR 15.
    """
    return UnsandboxedWorkflowRunner()


def interceptors() -> list[Interceptor]:
    """Traces lead from the caller through the workflow to the activities; workers inherit them."""
    return [TracingInterceptor()]


def worker_runtime(settings: Settings) -> Runtime:
    """A runtime that serves the SDK's metrics to Prometheus if a port is set."""
    if not settings.worker_metrics_port:
        return Runtime.default()
    address = f"{settings.worker_metrics_host}:{settings.worker_metrics_port}"
    return Runtime(telemetry=TelemetryConfig(metrics=PrometheusConfig(bind_address=address)))


async def connect(
    settings: Settings,
    *,
    lazy: bool = False,
    runtime: Runtime | None = None,
    retry: RetryConfig | None = None,
    attempts: int = 60,
) -> Client:
    """A client configured by Temporal's own `TEMPORAL_*` variables.

    The server may still be starting: connecting is tried once a second, `attempts` times.

    Raises:
        RuntimeError: the server could not be reached.
    """
    config = ClientConfig.load_client_connect_config()
    config.setdefault("target_host", "localhost:7233")
    while True:
        try:
            return await Client.connect(
                **config,
                data_converter=data_converter(codec_of(settings)),
                interceptors=interceptors(),
                lazy=lazy,
                runtime=runtime,
                retry_config=retry,
            )
        except RuntimeError:
            attempts -= 1
            if attempts <= 0:
                raise
            await asyncio.sleep(1)
