from __future__ import annotations

import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from pathlib import Path
from urllib.parse import quote

import aiosmtplib
import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from gateways.messaging.mail_receipts import MailReceipts
from sandbox.child import Child
from sandbox.mail.store import MailStore
from sandbox.ports import plan_ports
from sandbox.probes import answers_ok
from sandbox.processes import Supervisor
from tests.serving import free_port, serve

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Mail:
    smtp_port: int
    web: httpx.AsyncClient
    supervisor: Supervisor

    async def send(self, message: EmailMessage, **envelope: object) -> str:
        outcome = await aiosmtplib.send(
            message,
            hostname="127.0.0.1",
            port=self.smtp_port,
            start_tls=False,
            **envelope,  # type: ignore[arg-type]  # sender and recipients only
        )
        return outcome[1]


@asynccontextmanager
async def running(directory: Path, callback_url: str = "http://127.0.0.1:9") -> AsyncIterator[Mail]:
    ports = plan_ports(0)
    url = f"http://127.0.0.1:{ports.mail}"
    child = Child(
        name="mail",
        command=(sys.executable, "-m", "sandbox.mail"),
        env={
            **os.environ,
            "MAIL_DIR": str(directory / "mail"),
            "MAIL_SMTP_PORT": str(ports.smtp),
            "MAIL_WEB_PORT": str(ports.mail),
            "SIM_CALLBACK_URL": callback_url,
            "SMTP_BOUNCE_SECRET": "secret-of-this-test",
        },
        cwd=ROOT,
        ready=answers_ok(url),
    )
    supervisor = Supervisor([child], directory, lambda _: None)
    async with httpx.AsyncClient(base_url=url, trust_env=False) as web:
        try:
            await supervisor.start("mail")
            yield Mail(ports.smtp, web, supervisor)
        finally:
            await supervisor.stop()


@pytest.fixture(scope="module")
async def mail(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Mail]:
    async with running(tmp_path_factory.mktemp("mail")) as mail:
        yield mail


def letter(
    subject: str, *, to: str = "li.lei@example.com", kind: str = "order_confirmed"
) -> EmailMessage:
    message = EmailMessage()
    message["From"] = "Orderflow <noreply@shop.example.com>"
    message["To"] = to
    message["Subject"] = subject
    message["Date"] = "Sat, 21 Nov 2026 10:15:00 +0000"
    message["X-Orderflow-Kind"] = kind
    message.set_content("您的订单已确认。")
    return message


async def listed(mail: Mail, query: str) -> list[dict[str, str]]:
    answer = await mail.web.get("/messages", params={"q": query})
    mails: list[dict[str, str]] = answer.json()
    return mails


async def test_an_accepted_mail_is_listed_with_its_kind(mail: Mail) -> None:
    await mail.send(letter("订单确认 EC-1001"))
    assert await listed(mail, "EC-1001") == [
        {
            "id": (await listed(mail, "EC-1001"))[0]["id"],
            "to": "li.lei@example.com",
            "subject": "订单确认 EC-1001",
            "date": "2026-11-21T10:15:00Z",
            "kind": "order_confirmed",
        }
    ]


async def test_the_newest_mail_comes_first(mail: Mail) -> None:
    for number in (1, 2, 3):
        await mail.send(letter(f"sequence {number}"))
    subjects = [each["subject"] for each in await listed(mail, "sequence")]
    assert subjects == ["sequence 3", "sequence 2", "sequence 1"]
    page = (await mail.web.get("/", params={"q": "sequence"})).text
    assert page.index("sequence 3") < page.index("sequence 1")


async def test_the_receiver_is_who_the_envelope_names(mail: Mail) -> None:
    await mail.send(letter("blind copy"), recipients=["han.mei@example.com"])
    assert [each["to"] for each in await listed(mail, "blind")] == ["han.mei@example.com"]


async def test_a_mail_is_shown_with_its_parts_and_nothing_in_it_runs(mail: Mail) -> None:
    message = letter('parts <script>alert("subject")</script>')
    message.add_alternative("<p>订单</p><script>alert(1)</script>", subtype="html")
    message.add_attachment(b"%PDF-1.7", "application", "pdf", filename="订单详情.pdf")
    message.add_attachment(b"<script>", "text", "html", filename='a "quote".html')
    await mail.send(message)
    path = f"/messages/{(await listed(mail, 'parts'))[0]['id']}"

    page = await mail.web.get(path)
    assert "<script" not in page.text
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    assert "您的订单已确认。" in page.text
    assert 'sandbox="allow-popups allow-popups-to-escape-sandbox"' in page.text
    assert "订单详情.pdf" in page.text

    html = await mail.web.get(f"{path}/html")
    assert "<p>订单</p>" in html.text
    policy = html.headers["Content-Security-Policy"]
    assert policy.startswith("sandbox allow-popups ")
    assert "allow-scripts" not in policy
    assert "default-src 'none'" in policy

    paper = await mail.web.get(f"{path}/attachments/0")
    assert (paper.content, paper.headers["Content-Type"]) == (b"%PDF-1.7", "application/pdf")
    name = quote("订单详情.pdf")
    assert paper.headers["Content-Disposition"] == f"inline; filename*=utf-8''{name}"
    other = await mail.web.get(f"{path}/attachments/1")
    assert other.headers["Content-Type"] == "application/octet-stream"
    name = "a%20%22quote%22.html"
    assert other.headers["Content-Disposition"] == f"attachment; filename*=utf-8''{name}"
    assert (await mail.web.get(f"{path}/attachments/2")).status_code == 404

    raw = await mail.web.get(f"{path}/raw")
    assert raw.content.startswith(b"Delivered-To: li.lei@example.com\r\n")
    assert raw.headers["Content-Type"].startswith("text/plain")


async def test_a_mail_that_is_badly_made_is_still_shown(mail: Mail) -> None:
    broken = (
        b"Subject: =?utf-9?B?////?= broken\r\nDate: yesterday\r\n"
        b"Content-Type: text/plain; charset=no-such\r\n\r\n\xff\xfe body"
    )
    async with aiosmtplib.SMTP(hostname="127.0.0.1", port=mail.smtp_port, start_tls=False) as smtp:
        await smtp.sendmail("a@example.com", ["b@example.com"], broken)
    found = await listed(mail, "b@example.com")
    assert " body" in (await mail.web.get(f"/messages/{found[0]['id']}")).text


async def test_test_addresses_are_refused_for_good_or_for_now(mail: Mail) -> None:
    for to, code in (("bounce+7@example.com", 550), ("greylist@example.com", 451)):
        with pytest.raises(aiosmtplib.SMTPRecipientsRefused) as refused:
            await mail.send(letter("refused", to=to))
        assert refused.value.recipients[0].code == code
    assert await listed(mail, "refused") == []


async def test_a_mail_beyond_the_size_limit_is_refused(mail: Mail) -> None:
    big = letter("big")
    big.add_attachment(bytes(11_000_000), "application", "zip", filename="big.zip")
    with pytest.raises(aiosmtplib.SMTPResponseException) as refused:
        await mail.send(big)
    assert refused.value.code == 552
    assert await listed(mail, "big") == []


@pytest.mark.parametrize(
    "name", ["no-such", "..%2F..%2Fsecrets.json", "20261121T101500000000-00000000"]
)
async def test_a_mail_that_does_not_exist_is_not_found(mail: Mail, name: str) -> None:
    assert (await mail.web.get(f"/messages/{name}")).status_code == 404
    assert (await mail.web.get(f"/messages/{name}/raw")).status_code == 404


async def test_mails_survive_a_kill(tmp_path: Path) -> None:
    async with running(tmp_path) as mail:
        await mail.send(letter("kept"))
        before = await listed(mail, "")
        mail.supervisor.kill("mail")
        await mail.supervisor.wait_until_ready()
        await mail.send(letter("and more"))
        after = await listed(mail, "")
    assert [each["subject"] for each in after] == ["and more", "kept"]
    assert after[1:] == before


def test_of_too_many_mails_the_oldest_go(tmp_path: Path) -> None:
    store = MailStore(tmp_path, keep=2)
    for number in (1, 2, 3):
        store.add(bytes(letter(f"mail {number}")), ["li.lei@example.com"])
    assert [each.subject for each in store.summaries()] == ["mail 3", "mail 2"]
    assert len(list(tmp_path.iterdir())) == 2
    assert MailStore(tmp_path, keep=2).summaries() == store.summaries()


@dataclass
class Receiver:
    """What an API gets that takes reports, or not."""

    status: int = 200
    taken: list[tuple[bytes, dict[str, str]]] = field(default_factory=list)

    def app(self) -> Starlette:
        async def take(request: Request) -> JSONResponse:
            self.taken.append((await request.body(), dict(request.headers)))
            return JSONResponse({"status": "taken"}, self.status)

        return Starlette(routes=[Route("/callbacks/messages/email", take, methods=["POST"])])


async def test_a_mail_bounces_with_a_report_that_orderflow_reads(tmp_path: Path) -> None:
    receiver = Receiver()
    message = letter("bounces")
    message["Message-ID"] = "<N0001@shop.example.com>"
    async with serve(receiver.app(), free_port()) as api, running(tmp_path, api) as mail:
        await mail.send(message, sender="bounces@shop.example.com")
        path = f"/_sim/messages/{(await listed(mail, 'bounces'))[0]['id']}"
        done = await mail.web.post(f"{path}/failed")
        assert (done.status_code, done.json()["answer"]) == (200, {"status": "taken"})
        await mail.web.post(f"{path}/failed", params={"code": "5.2.2"})
        await mail.web.post(f"{path}/delayed")

        reader = MailReceipts("secret-of-this-test")
        now = datetime.now(UTC)
        receipts = [reader.read("", headers, body, now)[0] for body, headers in receiver.taken]
        assert [(one.notification_id, one.status, one.code) for one in receipts] == [
            ("N0001", "undelivered", "5.1.1"),
            ("N0001", "undelivered", "5.2.2"),
            ("N0001", "sent", "4.4.1"),
        ]
        assert [one.bad_address for one in receipts] == [True, False, False]
        report = message_from_bytes(receiver.taken[0][0])
        assert report["To"] == "bounces@shop.example.com"
        assert report.get_content_type() == "multipart/report"
        assert [part.get_content_type() for part in report.get_payload()] == [  # type: ignore[union-attr]
            "text/plain",
            "message/delivery-status",
            "text/rfc822-headers",
        ]

        receiver.status = 503
        assert (await mail.web.post(f"{path}/failed")).status_code == 502
        assert (await mail.web.post(f"{path}/teleported")).status_code == 422
        assert (await mail.web.post(f"{path}/failed", params={"code": "x"})).status_code == 422
        assert (await mail.web.post("/_sim/messages/no-such/failed")).status_code == 404
