"""The mail side's control: what becomes of a mail that was accepted."""

from __future__ import annotations

import re

from fastapi import APIRouter, HTTPException

from sandbox.mail.bounces import USUAL, Postmaster
from sandbox.mail.store import MailStore

_CODE = re.compile(r"[245]\.\d{1,3}\.\d{1,3}", re.ASCII)


def control_router(store: MailStore, postmaster: Postmaster) -> APIRouter:
    """`POST /_sim/messages/{mail_id}/{action}?code=5.1.1`, with RFC 3464's actions."""
    router = APIRouter(prefix="/_sim")

    @router.post("/messages/{mail_id}/{action}")
    async def report(mail_id: str, action: str, code: str = "") -> dict[str, object]:
        """Have a report about a mail reach Orderflow."""
        if action not in USUAL:
            raise HTTPException(422, f"{action!r} is none of: {', '.join(USUAL)}")
        if code and not _CODE.fullmatch(code):
            raise HTTPException(422, f"{code!r} is no status code as in RFC 3463")
        if store.summary(mail_id) is None:
            raise HTTPException(404, "no such mail")
        answer = await postmaster.report(mail_id, action, code)
        if answer is None or answer.is_error:
            what = "no answer" if answer is None else f"status {answer.status_code}"
            raise HTTPException(502, f"Orderflow did not take the report: {what}")
        return {"mailId": mail_id, "action": action, "answer": answer.json()}

    return router
