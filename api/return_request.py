"""What a return is asked for: read from a body, whoever sent it."""

from __future__ import annotations

from collections.abc import Mapping

from api.command_body import REASON_LIMIT, CommandBody
from api.refund_items import read_items
from domain.returns import Requester, ReturnKind
from workflows.after_sales_messages import AskForReturn

_KINDS = {"": ReturnKind.REFUND, **{kind.value: kind for kind in ReturnKind}}
_REQUESTERS: dict[str, Requester] = {
    "": "customer",
    "customer": "customer",
    "operator": "operator",
}


def read_request(request: CommandBody, skus: Mapping[int, str], return_id: str) -> AskForReturn:
    """The return that a body asks for; `skus` are the order's, by line number.

    Raises:
        Refusal: something is wrong with the body: everything that is.
    """
    fields = request.fields
    kind = fields.text("kind", 20, str.lower)
    if kind not in _KINDS:
        fields.note("unknown_kind", "kind", "send refund or exchange")
    requester = fields.text("requestedBy", 20, str.lower)
    if requester not in _REQUESTERS:
        fields.note("unknown_requester", "requestedBy", "send customer or operator")
    reason = fields.text("reason", REASON_LIMIT)
    lines = read_items(fields, skus)
    if fields.get("items") is None:
        fields.note("required", "items", "send the lines that come back, at least one")
    request.refuse_if_wrong()
    return AskForReturn(
        return_id=return_id,
        kind=_KINDS[kind],
        lines=lines,
        reason=reason,
        requested_by=_REQUESTERS[requester],
    )
