"""A small chaos run: every provider, most stories, some of everything that may go wrong."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from bench.chaos.plan import plans
from bench.chaos.stories import GATEWAYS

ROOT = Path(__file__).resolve().parents[2]
SEED = 3


async def test_whatever_goes_wrong_the_laws_hold_and_books_and_providers_agree() -> None:
    options = ("--orders", "24", "--in-flight", "12", "--seed", str(SEED))
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bench", "chaos", *options),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    printed = (await process.communicate())[0].decode()

    assert process.returncode == 0, printed
    assert "audit: 0 violations" in printed
    assert f"seed {SEED}, 24 orders" in printed


def test_the_same_seed_makes_the_same_plans_with_callbacks_lost_at_every_provider() -> None:
    planned = plans(SEED, 200, GATEWAYS)

    assert planned == plans(SEED, 200, GATEWAYS)
    assert {plan.gateway for plan in planned} == GATEWAYS
    for behavior in ("drop_callbacks", "duplicate_callbacks", "delay_callbacks"):
        befallen = {
            misfortune.party
            for plan in planned
            for misfortune in plan.misfortunes
            if misfortune.behavior == behavior
        }
        assert befallen == GATEWAYS
