"""Histories that older code wrote must replay on today's: running orders survive an upgrade."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from temporalio.client import WorkflowHistory
from temporalio.worker import Replayer
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions
from temporalio.workflow import NondeterminismError

import temporal
from codec import EncryptingCodec
from tests.house import PAYLOAD_KEYS
from tests.replay.record import HISTORIES
from worker import WORKFLOWS

# Workflows themselves are imported anew and watched: whoever asks the clock or for a random number
# fails here. Importing asyncpg or cryptography a second time would crash.
SANDBOX = SandboxedWorkflowRunner(
    restrictions=SandboxRestrictions.default.with_passthrough_modules(
        "activities", "domain", "pydantic"
    )
)

RECORDED = sorted(HISTORIES.glob("*.json"))


def replayer() -> Replayer:
    key_id, _, key = PAYLOAD_KEYS.partition(":")
    return Replayer(
        workflows=WORKFLOWS,
        data_converter=temporal.data_converter(EncryptingCodec.from_ring([(key_id, key)])),
        workflow_runner=SANDBOX,
    )


@pytest.mark.parametrize("recorded", RECORDED, ids=lambda path: path.stem)
async def test_a_recorded_order_replays_on_todays_code(recorded: Path) -> None:
    history = WorkflowHistory.from_json(recorded.stem, recorded.read_text())

    await replayer().replay_workflow(history)


async def test_a_history_with_another_order_of_steps_is_noticed() -> None:
    text = (HISTORIES / "completed.json").read_text().replace("send_picking_list", "another_step")

    with pytest.raises(NondeterminismError):
        await replayer().replay_workflow(WorkflowHistory.from_json("changed", text))


def test_no_workflow_asks_the_clock_on_the_wall() -> None:
    for module in (HISTORIES.parents[2] / "workflows").glob("*.py"):
        assert not re.search(r"\b(datetime|date)\.(now|utcnow|today)\(", module.read_text()), module


async def test_nothing_personal_is_readable_in_a_recorded_history() -> None:
    for recorded in RECORDED:
        text = recorded.read_text()
        for secret in ("李薇", "li.wei", "13800138000", "文三路"):
            assert secret not in text
