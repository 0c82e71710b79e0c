"""Answers that WeChat did not sign, not like this, not now: whatever they say is unknown."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable

import httpx
import pytest

from gateways.errors import GatewayAuthError, GatewayRejected, NotFound, OutcomeUnknown, RateLimited
from gateways.payments.wechat_pay import WeChatPayGateway
from tests.gateways.peer import Peer
from tests.gateways.wechat_pay_wire import (
    CLOSE,
    CREATE,
    PAYMENT,
    QUERY,
    QUERY_REFUND,
    REFUND,
    REFUND_ID,
    STRANGER,
    UNIX,
    WECHAT,
    new_gateway,
    payment_request,
    problem,
    refund,
    refund_request,
    signed,
    to_bytes,
    transaction,
    wechat_says,
)

Call = Callable[[WeChatPayGateway], Awaitable[object]]

CALLS: dict[str, tuple[Call, int, object]] = {
    CREATE: (lambda gateway: gateway.create(payment_request()), 200, {"code_url": "weixin://x"}),
    QUERY: (lambda gateway: gateway.query(PAYMENT), 200, transaction("SUCCESS")),
    CLOSE: (lambda gateway: gateway.close(PAYMENT), 204, b""),
    REFUND: (lambda gateway: gateway.refund(refund_request()), 200, refund("SUCCESS")),
    QUERY_REFUND: (
        lambda gateway: gateway.query_refund(PAYMENT, refund_id=REFUND_ID),
        200,
        refund("SUCCESS"),
    ),
}

Headers = dict[str, str]


def _without(name: str) -> Callable[[bytes], Headers]:
    return lambda body: {key: value for key, value in signed(body).items() if key != name}


def _with(name: str, value: str) -> Callable[[bytes], Headers]:
    return lambda body: signed(body) | {name: value}


def _flipped(body: bytes) -> Headers:
    headers = signed(body)
    signature = headers["Wechatpay-Signature"]
    other = "B" if signature[9] == "A" else "A"
    return headers | {"Wechatpay-Signature": signature[:9] + other + signature[10:]}


FLAWS: dict[str, Callable[[bytes], Headers]] = {
    "unsigned": lambda _: {},
    "no signature": _without("Wechatpay-Signature"),
    "no timestamp": _without("Wechatpay-Timestamp"),
    "no nonce": _without("Wechatpay-Nonce"),
    "no serial": _without("Wechatpay-Serial"),
    "empty serial": _with("Wechatpay-Serial", ""),
    "another serial": _with("Wechatpay-Serial", "PUB_KEY_ID_9"),
    "a certificate's serial": _with("Wechatpay-Serial", "5157F09EFDC096DE15EBE81A47057A7200000000"),
    "another kind": _with("Wechatpay-Signature-Type", "WECHATPAY2-SM2-WITH-SM3"),
    "another nonce": _with("Wechatpay-Nonce", "0000000000000000"),
    "another time": _with("Wechatpay-Timestamp", str(UNIX - 1)),
    "no time at all": _with("Wechatpay-Timestamp", "now"),
    "a broken signature": _flipped,
    "no base64": _with("Wechatpay-Signature", "!!!"),
    "an empty signature": _with("Wechatpay-Signature", ""),
    "a stranger's key": lambda body: signed(body, key=STRANGER),
    "stale": lambda body: signed(body, unix=UNIX - 300),
    "from the future": lambda body: signed(body, unix=UNIX + 300),
    "another body's": lambda body: signed(body + b" "),
}


@pytest.fixture
def gateway(client: httpx.AsyncClient, peer: Peer) -> WeChatPayGateway:
    return new_gateway(client, peer.url)


@pytest.mark.parametrize("flaw", FLAWS)
@pytest.mark.parametrize("call", CALLS)
async def test_a_success_that_wechat_did_not_sign_is_an_unknown_outcome(
    gateway: WeChatPayGateway, peer: Peer, call: str, flaw: str
) -> None:
    ask, status, answer = CALLS[call]
    body = to_bytes(answer)
    peer.says(call, body, status=status, headers=FLAWS[flaw](body))
    with pytest.raises(OutcomeUnknown, match="not to be believed") as unknown:
        await ask(gateway)
    assert type(unknown.value) is OutcomeUnknown
    assert len(peer.seen) == 1


@pytest.mark.parametrize("seconds", [-299, 0, 299])
async def test_an_answer_of_the_last_or_next_five_minutes_is_believed(
    gateway: WeChatPayGateway, peer: Peer, seconds: int
) -> None:
    body = to_bytes(transaction())
    peer.says(QUERY, body, headers=signed(body, unix=UNIX + seconds))
    await gateway.query(PAYMENT)


async def test_an_answer_that_does_not_name_its_kind_of_signature_is_believed(
    gateway: WeChatPayGateway, peer: Peer
) -> None:
    body = to_bytes(transaction())
    peer.says(QUERY, body, headers=_without("Wechatpay-Signature-Type")(body))
    await gateway.query(PAYMENT)


async def test_the_same_content_written_otherwise_is_not_what_was_signed(
    gateway: WeChatPayGateway, peer: Peer
) -> None:
    body = to_bytes(transaction("SUCCESS"))
    rewritten = json.dumps(json.loads(body)).encode()
    assert rewritten != body
    peer.says(QUERY, rewritten, headers=signed(body))
    with pytest.raises(OutcomeUnknown):
        await gateway.query(PAYMENT)


async def test_a_signed_answer_to_another_question_is_not_believed(
    gateway: WeChatPayGateway, peer: Peer
) -> None:
    wechat_says(peer, QUERY, transaction("SUCCESS", out_trade_no="P00000000000000000000000000"))
    with pytest.raises(OutcomeUnknown, match="not about payment"):
        await gateway.query(PAYMENT)


async def test_a_close_whose_answer_is_not_signed_is_not_followed_by_a_decision(
    gateway: WeChatPayGateway, peer: Peer
) -> None:
    wechat_says(peer, CLOSE, status=204)
    body = to_bytes(transaction("CLOSED"))
    peer.says(QUERY, body, headers=signed(body, key=STRANGER))
    with pytest.raises(OutcomeUnknown):
        await gateway.close(PAYMENT)


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [(400, "PARAM_ERROR", GatewayRejected), (404, "ORDER_NOT_EXIST", NotFound)],
)
async def test_a_refusal_may_be_unsigned_but_not_wrongly_signed(
    gateway: WeChatPayGateway, peer: Peer, status: int, code: str, kind: type[Exception]
) -> None:
    body = to_bytes(problem(code))
    peer.says(QUERY, body, status=status)
    peer.says(QUERY, body, status=status, headers=signed(body))
    peer.says(QUERY, body, status=status, headers=signed(body, key=STRANGER))
    for _ in range(2):
        with pytest.raises(kind):
            await gateway.query(PAYMENT)
    with pytest.raises(OutcomeUnknown):
        await gateway.query(PAYMENT)


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [(401, "SIGN_ERROR", GatewayAuthError), (429, "FREQUENCY_LIMITED", RateLimited)],
)
async def test_an_error_that_decides_nothing_needs_no_signature(
    gateway: WeChatPayGateway, peer: Peer, status: int, code: str, kind: type[Exception]
) -> None:
    body = to_bytes(problem(code))
    peer.says(QUERY, body, status=status, headers=signed(body, key=STRANGER))
    with pytest.raises(kind):
        await gateway.query(PAYMENT)


async def test_a_platform_certificate_serves_as_the_key(
    client: httpx.AsyncClient, peer: Peer
) -> None:
    serial = "5157F09EFDC096DE15EBE81A47057A7200000000"
    body = to_bytes(transaction())
    peer.says(QUERY, body, headers=signed(body) | {"Wechatpay-Serial": serial})
    gateway = new_gateway(client, peer.url, public_key=WECHAT.public, public_key_id=serial)
    await gateway.query(PAYMENT)
