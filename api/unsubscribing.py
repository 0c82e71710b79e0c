"""The way out of promotions: one click in a mail program (RFC 8058), or a page with one button.

A GET changes nothing: mail filters open every link. Who holds the link need not say who they are,
and learns nothing about whose it is.
"""

from __future__ import annotations

import base64
import hashlib
from datetime import UTC, datetime
from html import escape
from typing import Annotated, NamedTuple
from urllib.parse import parse_qs, quote

from fastapi import APIRouter, Query, Request, Response

from api.problems import refusal
from api.resources import Uses
from db.reachability import opt_out
from domain.unsubscribing import InvalidToken, OptOut, read_opt_out

router = APIRouter(tags=["customers"])

_ONE_CLICK = ("List-Unsubscribe", "One-Click")
_CONFIRMED = ("confirm", "yes")


class _Words(NamedTuple):
    lang: str
    title: str
    question: str
    detail: str
    button: str
    done: str
    done_detail: str
    invalid: str
    invalid_detail: str


_WORDS = {
    "zh-CN": _Words(
        "zh-CN",
        "退订",
        "不再接收评价邀请？",
        "确认后，我们不会再向这个邮箱发送评价邀请。订单、付款和物流通知不受影响。",
        "确认退订",
        "已退订",
        "您不会再收到评价邀请。订单、付款和物流通知照常发送。",
        "链接无效",
        "链接可能不完整。请从邮件中重新打开，或复制完整的链接。",
    ),
    "en": _Words(
        "en",
        "Unsubscribe",
        "No more review invitations?",
        "We will stop sending review invitations to this address. You will still hear about your"
        " orders, payments and parcels.",
        "Unsubscribe",
        "You are unsubscribed",
        "You will get no more review invitations. We still write about your orders, payments and"
        " parcels.",
        "This link does not work",
        "It may be incomplete. Please open it from the mail again, or copy all of it.",
    ),
}

_STYLE = """
body{margin:0;background:#f2f4f3;color:#1d2a28;font:16px/1.65 -apple-system,"Segoe UI",
"PingFang SC","Microsoft YaHei","Noto Sans CJK SC",sans-serif}
main{max-width:30rem;margin:12vh auto 0;padding:2.25rem;background:#fff;border:1px solid #e1e6e4;
border-radius:12px}
h1{margin:0 0 .75rem;font-size:1.4rem;line-height:1.35}
p{margin:0;color:#50605d}
button{margin:1.75rem 0 0;padding:.7rem 1.6rem;border:0;border-radius:6px;background:#0f766e;
color:#fff;font:inherit;font-weight:600;cursor:pointer}
button:focus-visible{outline:3px solid #7cc4bb;outline-offset:2px}
@media(max-width:34rem){main{margin:0;border:0;border-radius:0;min-height:100vh}}
@media(prefers-color-scheme:dark){body{background:#101514;color:#eef2f1}
main{background:#1a2120;border-color:#2b3533}p{color:#a9b5b2}}
"""
_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": (
        f"default-src 'none'; style-src 'sha256-{_HASH}'; form-action 'self'; base-uri 'none';"
        " frame-ancestors 'none'"
    ),
}

Token = Annotated[str, Query(alias="k", max_length=200)]
Language = Annotated[str, Query(alias="l", max_length=10)]


@router.get("/unsubscribe", summary="A page that asks before it ends promotions")
async def ask(uses: Uses, token: Token = "", language: Language = "zh-CN") -> Response:
    """One button, which posts to this very address."""
    words = _WORDS.get(language, _WORDS["en"])
    if _read(token, uses.unsubscribe_secret) is None:
        return _page(words, words.invalid, words.invalid_detail, status=404)
    action = f"?k={quote(token, safe='')}&l={quote(words.lang, safe='')}"
    form = (
        f'<form method="post" action="{escape(action)}">'
        f'<input type="hidden" name="{_CONFIRMED[0]}" value="{_CONFIRMED[1]}">'
        f"<button>{escape(words.button)}</button></form>"
    )
    return _page(words, words.question, words.detail, form)


@router.post("/unsubscribe", summary="End promotions to the address that the link was sent to")
async def unsubscribe(
    uses: Uses, request: Request, token: Token = "", language: Language = "zh-CN"
) -> Response:
    """From a mail program (`List-Unsubscribe=One-Click`) or our page; repeating is harmless."""
    words = _WORDS.get(language, _WORDS["en"])
    out = _read(token, uses.unsubscribe_secret)
    if out is None:
        return _page(words, words.invalid, words.invalid_detail, status=404)
    source = _source(await request.body())
    if not source:
        raise refusal(400, "not_confirmed", "send List-Unsubscribe=One-Click as a form")
    async with uses.writing() as session:
        await opt_out(session, out.channel, out.address_key, source, datetime.now(UTC))
    return _page(words, words.done, words.done_detail)


def _read(token: str, secret: str) -> OptOut | None:
    try:
        return read_opt_out(token, secret)
    except InvalidToken:
        return None


def _source(body: bytes) -> str:
    """Who asks: a mail program, our page, or nobody that we know. Multipart forms count, too."""
    text = body.decode("utf-8", "replace")
    form = parse_qs(text)
    if form.get(_CONFIRMED[0]) == [_CONFIRMED[1]]:
        return "page"
    multipart = f'name="{_ONE_CLICK[0]}"' in text and _ONE_CLICK[1] in text
    return "one_click" if form.get(_ONE_CLICK[0]) == [_ONE_CLICK[1]] or multipart else ""


def _page(words: _Words, title: str, text: str, form: str = "", status: int = 200) -> Response:
    html = (
        f'<!doctype html><html lang="{words.lang}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta name="robots" content="noindex"><title>{escape(words.title)}</title>'
        f"<style>{_STYLE}</style></head><body><main><h1>{escape(title)}</h1>"
        f"<p>{escape(text)}</p>{form}</main></body></html>"
    )
    return Response(html, status, headers=_HEADERS, media_type="text/html")
