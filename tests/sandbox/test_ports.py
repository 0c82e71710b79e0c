from __future__ import annotations

import socket
from dataclasses import astuple

import pytest

from sandbox.errors import SandboxError
from sandbox.ports import PortPlan, plan_ports


def test_ports_follow_the_base_in_the_documented_order() -> None:
    base = plan_ports(0).api
    assert plan_ports(base) == PortPlan(
        api=base,
        temporal=base + 1,
        ui=base + 2,
        postgres=base + 3,
        simulator=base + 4,
        mail=base + 5,
        smtp=base + 6,
        temporal_metrics=base + 7,
        worker_metrics=base + 8,
    )


def test_base_zero_never_gives_the_same_ports_twice() -> None:
    first, second = plan_ports(0), plan_ports(0)
    assert not set(astuple(first)) & set(astuple(second))


def test_a_port_in_use_is_named_with_its_part_its_user_and_the_remedy() -> None:
    plan = plan_ports(0)
    with (
        socket.create_server(("127.0.0.1", plan.postgres)),
        pytest.raises(SandboxError) as refused,
    ):
        plan_ports(plan.api)
    message = str(refused.value)
    assert f"port {plan.postgres} (PostgreSQL) is used by process " in message
    assert "pytest" in message or "python" in message
    assert "--port-base" in message
    assert str(plan.simulator) not in message


def test_connections_that_linger_from_the_last_run_do_not_block_a_port() -> None:
    plan = plan_ports(0)
    with socket.create_server(("127.0.0.1", plan.api)) as server:
        client = socket.create_connection(("127.0.0.1", plan.api))
        accepted, _ = server.accept()
        accepted.close()
        client.recv(1)
        client.close()
    assert plan_ports(plan.api).api == plan.api


@pytest.mark.parametrize("base", [-1, 65_530, 99_999])
def test_a_base_that_leaves_no_room_is_refused(base: int) -> None:
    with pytest.raises(SandboxError, match="--port-base must be"):
        plan_ports(base)
