"""The mail pages. They work without scripts, and what a mail contains cannot run any."""

from __future__ import annotations

from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path
from urllib.parse import quote

from fastapi import APIRouter, FastAPI, HTTPException, Response
from fastapi.responses import FileResponse, HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from sandbox.mail.bounces import Postmaster
from sandbox.mail.control import control_router
from sandbox.mail.reading import Attachment, attachments, body, shown_headers
from sandbox.mail.store import MailStore, MailSummary

_TEMPLATES = Path(__file__).parent / "templates"
_PER_PAGE = 50
_TEXT_LIMIT = 200_000
_SHOWN_TYPES = {"application/pdf"}
_PAGE_POLICY = (
    "default-src 'none'; style-src 'self'; frame-src 'self'; form-action 'self';"
    " base-uri 'none'; frame-ancestors 'none'"
)
# Links of a mail open in a new tab, as in a mail program; nothing in it runs or loads.
_MAIL_POLICY = (
    "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none';"
    " img-src data:; style-src 'unsafe-inline'; frame-ancestors 'self'"
)


def build_app(store: MailStore, postmaster: Postmaster) -> FastAPI:
    """The pages and the JSON over one store, and what becomes of its mails."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    pages = Environment(
        loader=FileSystemLoader(_TEMPLATES), autoescape=True, undefined=StrictUndefined
    )
    pages.filters["clock"] = _clock
    app.include_router(_inbox(store, pages))
    app.include_router(_message(store, pages))
    app.include_router(_parts(store))
    app.include_router(control_router(store, postmaster))
    return app


def _inbox(store: MailStore, pages: Environment) -> APIRouter:
    router = APIRouter()

    @router.get("/")
    async def inbox(q: str = "", number: int = 1) -> HTMLResponse:
        mails = store.summaries(q)
        last = max(1, -(-len(mails) // _PER_PAGE))
        number = min(max(number, 1), last)
        shown = mails[(number - 1) * _PER_PAGE : number * _PER_PAGE]
        return _page(
            pages, "inbox", mails=shown, count=len(mails), query=q, number=number, last=last
        )

    @router.get("/messages")
    async def messages(q: str = "") -> list[MailSummary]:
        return store.summaries(q)

    @router.get("/style.css")
    async def style() -> FileResponse:
        return FileResponse(_TEMPLATES / "style.css", media_type="text/css")

    return router


def _message(store: MailStore, pages: Environment) -> APIRouter:
    router = APIRouter()

    @router.get("/messages/{mail_id}")
    async def message_page(mail_id: str) -> HTMLResponse:
        summary, message = _found(store, mail_id)
        return _page(
            pages,
            "message",
            mail=summary,
            headers=shown_headers(message),
            has_html=body(message, "html") is not None,
            text=(body(message, "plain") or "")[:_TEXT_LIMIT],
            attachments=attachments(message),
        )

    return router


def _parts(store: MailStore) -> APIRouter:
    router = APIRouter()

    @router.get("/messages/{mail_id}/html")
    async def html_part(mail_id: str) -> HTMLResponse:
        html = body(_found(store, mail_id)[1], "html") or ""
        return HTMLResponse(
            f'<base target="_blank">{html}', headers={"Content-Security-Policy": _MAIL_POLICY}
        )

    @router.get("/messages/{mail_id}/raw")
    async def raw(mail_id: str) -> Response:
        _found(store, mail_id)
        return Response(
            store.raw(mail_id),
            media_type="text/plain; charset=utf-8",
            headers={"X-Content-Type-Options": "nosniff"},
        )

    @router.get("/messages/{mail_id}/attachments/{index}")
    async def attachment(mail_id: str, index: int) -> Response:
        files = attachments(_found(store, mail_id)[1])
        if not 0 <= index < len(files):
            raise HTTPException(404, "no such attachment")
        return _file(files[index])

    return router


def _page(pages: Environment, name: str, **values: object) -> HTMLResponse:
    html = pages.get_template(f"{name}.html").render(values)
    return HTMLResponse(html, headers={"Content-Security-Policy": _PAGE_POLICY})


def _file(file: Attachment) -> Response:
    """A PDF for the browser to show, in which nothing of our pages is in reach; else a download."""
    shown = file.media_type in _SHOWN_TYPES
    how = "inline" if shown else "attachment"
    return Response(
        file.content,
        media_type=file.media_type if shown else "application/octet-stream",
        headers={
            "Content-Disposition": f"{how}; filename*=utf-8''{quote(file.name, safe='')}",
            "X-Content-Type-Options": "nosniff",
        },
    )


def _found(store: MailStore, mail_id: str) -> tuple[MailSummary, EmailMessage]:
    summary, message = store.summary(mail_id), store.message(mail_id)
    if summary is None or message is None:
        raise HTTPException(404, "no such mail")
    return summary, message


def _clock(moment: datetime) -> str:
    """Local time; the day too unless it is today."""
    local, today = moment.astimezone(), datetime.now(UTC).astimezone().date()
    return f"{local:%H:%M:%S}" if local.date() == today else f"{local:%Y-%m-%d %H:%M}"
