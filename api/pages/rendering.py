"""From templates to answers: one style, no script, and headers that forbid everything else."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from pathlib import Path

from fastapi import Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from domain.order import Locale
from gateways.messaging.wording import wording

_TEMPLATES = Path(__file__).parent / "templates"
_STYLE = (_TEMPLATES / "page.css").read_text(encoding="utf-8")
_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_HEADERS = {
    "Cache-Control": "no-store",
    # The address holds the token.
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "X-Robots-Tag": "noindex, nofollow",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Vary": "Accept-Language",
}

_ENVIRONMENT = Environment(
    loader=FileSystemLoader(_TEMPLATES),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def page(
    template: str,
    locale: Locale,
    facts: Mapping[str, object],
    *,
    status: int = 200,
    form: bool = False,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """A page as an answer; only one with a `form` may send one, and to us alone."""
    content = _ENVIRONMENT.get_template(template).render(
        locale=locale,
        shop=wording(locale).shop,
        style=Markup(_STYLE),  # noqa: S704 - our own file
        **facts,
    )
    target = "'self'" if form else "'none'"
    policy = (
        f"default-src 'none'; style-src 'sha256-{_HASH}'; img-src data:; form-action {target};"
        " base-uri 'none'; frame-ancestors 'none'"
    )
    own = {"Content-Security-Policy": policy, "Content-Language": locale}
    return Response(content, status, {**_HEADERS, **own, **(headers or {})}, media_type="text/html")


def see(address: str) -> Response:
    """Go to one of our pages, with a GET."""
    return Response(status_code=303, headers={**_HEADERS, "Location": address})
