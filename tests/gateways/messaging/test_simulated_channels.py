"""The stand-ins for the SMS and push providers."""

from __future__ import annotations

import asyncio
import json
import stat
import subprocess
import sys
from pathlib import Path

from domain.notification import Accepted
from gateways.messaging.protocol import EmailSender, PushSender, SmsSender
from gateways.messaging.simulated import SimulatedPush, SimulatedSms
from tests.gateways.messaging.senders import sender


def lines(outbox: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in outbox.read_text(encoding="utf-8").splitlines()]


async def text(through: SmsSender, notification_id: str) -> Accepted:
    return await through.send(
        to="+8613800138000",
        template="order_shipped",
        params={"order_number": "EC-1"},
        text="您的订单EC-1已发货。",
        notification_id=notification_id,
    )


async def push(through: PushSender, notification_id: str) -> Accepted:
    return await through.send(
        customer_id="customer-7",
        title="您的订单已发货",
        body="订单 EC-1 已发货。",
        extra={"orderId": "O1"},
        notification_id=notification_id,
    )


async def test_a_text_message_becomes_a_line(tmp_path: Path) -> None:
    outbox = tmp_path / "not" / "yet" / "there" / "sms.jsonl"
    accepted = await text(SimulatedSms(outbox), "N1")
    assert accepted == Accepted(provider="simulated", message_id="simulated-N1")
    [line] = lines(outbox)
    assert line.pop("sentAt")
    assert line == {
        "notificationId": "N1",
        "channel": "sms",
        "to": "+8613800138000",
        "template": "order_shipped",
        "params": {"order_number": "EC-1"},
        "text": "您的订单EC-1已发货。",
    }
    assert stat.S_IMODE(outbox.stat().st_mode) == 0o600


async def test_a_push_message_becomes_a_line(tmp_path: Path) -> None:
    outbox = tmp_path / "push.jsonl"
    await push(SimulatedPush(outbox), "N1")
    [line] = lines(outbox)
    assert (line["channel"], line["customerId"], line["title"], line["extra"]) == (
        "push",
        "customer-7",
        "您的订单已发货",
        {"orderId": "O1"},
    )


async def test_the_same_notification_is_one_line_however_often_it_is_sent(tmp_path: Path) -> None:
    outbox = tmp_path / "sms.jsonl"
    first, second = SimulatedSms(outbox), SimulatedSms(outbox)
    answers = await asyncio.gather(
        *(text(through, f"N{n % 5}") for n in range(40) for through in (first, second))
    )
    assert sorted(str(line["notificationId"]) for line in lines(outbox)) == [
        f"N{n}" for n in range(5)
    ]
    assert answers[0] == answers[1]


def test_two_processes_share_an_outbox_and_write_each_message_once(tmp_path: Path) -> None:
    outbox = tmp_path / "sms.jsonl"
    program = f"""
import asyncio, pathlib
from gateways.messaging.simulated import SimulatedSms
async def main():
    through = SimulatedSms(pathlib.Path({str(outbox)!r}))
    for n in range(50):
        await through.send(to="+1", template="t", params={{}}, text="x", notification_id=f"N{{n}}")
asyncio.run(main())
"""
    running = [subprocess.Popen([sys.executable, "-c", program]) for _ in range(2)]
    assert [process.wait(timeout=60) for process in running] == [0, 0]
    assert len(lines(outbox)) == 50


async def test_a_half_written_line_of_a_killed_process_is_dropped(tmp_path: Path) -> None:
    outbox = tmp_path / "sms.jsonl"
    through = SimulatedSms(outbox)
    await text(through, "N1")
    with outbox.open("ab") as file:
        file.write('{"notificationId": "N2", "text": "您'.encode()[:-1])
    await text(through, "N2")
    assert [line["notificationId"] for line in lines(outbox)] == ["N1", "N2"]


async def test_an_outbox_that_was_emptied_starts_again(tmp_path: Path) -> None:
    outbox = tmp_path / "sms.jsonl"
    through = SimulatedSms(outbox)
    await text(through, "N1")
    outbox.unlink()
    await text(through, "N1")
    assert len(lines(outbox)) == 1


def test_the_senders_meet_their_contracts(tmp_path: Path) -> None:
    email: EmailSender = sender(25)
    sms: SmsSender = SimulatedSms(tmp_path / "sms.jsonl")
    pushes: PushSender = SimulatedPush(tmp_path / "push.jsonl")
    assert {email, sms, pushes}
