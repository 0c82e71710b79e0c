"""What is known of an address, at a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import RenderableType
from rich.text import Text

from cli import output

Fact = tuple[str, str]

_MESSAGES = {"email": "mails", "sms": "text messages"}
_PROVIDERS = {"smtp": "the mail relay", "twilio": "Twilio", "aliyun": "Alibaba Cloud"}


def known(address: Mapping[str, Any]) -> RenderableType:
    """Whether messages go there; if not, who refused it, and how it becomes good again."""
    goes = _MESSAGES[address["channel"]]
    if address["state"] == "good":
        return _panel(address, f"{goes} go there", _promotions(address))
    asked = " --customer-asked" if address["state"] == "unsubscribed" else ""
    facts = [
        ("by", _by(address)),
        ("since", _since(address)),
        *_promotions(address),
        ("lift it", f"starter.py addresses lift {address['address']}{asked}"),
    ]
    return _panel(address, f"no {goes} go there", facts)


def lifted(address: Mapping[str, Any]) -> RenderableType:
    """The address as it is now, and what it was before."""
    goes, before = _MESSAGES[address["channel"]], address["before"]
    if before["state"] == "good":
        facts = [("before", "the same: nothing had to be lifted")]
        return _panel(address, f"{goes} go there", [*facts, *_promotions(address)])
    facts = [
        ("before", f"{before['state']} by {_by(before)}, since {_since(before)}"),
        *_promotions(address),
        ("now", "the next message goes out; those of the meantime are not made up for"),
    ]
    if before["state"] == "unsubscribed":
        facts.append(("but", "the provider has a list of its own, and may refuse it again"))
    return _panel(address, f"{goes} go there again", facts)


def _panel(address: Mapping[str, Any], sentence: str, facts: list[Fact]) -> RenderableType:
    head = Text.assemble(output.status(address["state"]), f"  {sentence}")
    if not facts:
        return output.panel(address["address"], head)
    told = output.table("", ("", ""), facts)
    told.show_header = False
    return output.panel(address["address"], head, Text(""), told)


def _by(facts: Mapping[str, Any]) -> str:
    provider = _PROVIDERS.get(facts["provider"], facts["provider"])
    return f"{provider} ({facts['code']})" if facts["code"] else provider


def _since(facts: Mapping[str, Any]) -> str:
    return f"{output.moment(facts['since'])} UTC"


def _promotions(address: Mapping[str, Any]) -> list[Fact]:
    ended = address["promotionsEndedAt"]
    return [("promotions", f"ended by the reader, {output.moment(ended)} UTC")] if ended else []
