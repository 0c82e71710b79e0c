"""What the adapter sends, judged by the signing code of somebody else's SDK."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from datetime import timedelta
from urllib.parse import urlsplit

import httpx
import pytest
from wechatpayv3.utils import load_public_key, rsa_verify  # type: ignore[import-untyped]

from domain.money import Money
from domain.payment import PaymentRejected
from gateways.errors import OutcomeUnknown
from gateways.keys import InvalidKey, private_key
from gateways.payments.protocol import PaymentGateway
from gateways.payments.wechat_pay import WeChatPayGateway
from gateways.payments.wechat_pay_signing import Merchant, authorization
from tests.gateways.peer import Peer, Seen
from tests.gateways.wechat_pay_wire import (
    APPID,
    CLOSE,
    CREATE,
    KEY_ID,
    MCHID,
    MERCHANT,
    NOTIFY_URL,
    NOW,
    ORDER_ID,
    PAYMENT,
    PAYMENT_ID,
    QUERY,
    QUERY_REFUND,
    REFUND,
    REFUND_ID,
    SERIAL,
    UNIX,
    new_gateway,
    payment_request,
    refund,
    refund_request,
    transaction,
    wechat_says,
)

CODE_URL = "weixin://wxpay/bizpayurl?pr=p4lpSuKzz"


@pytest.fixture
def gateway(client: httpx.AsyncClient, peer: Peer) -> WeChatPayGateway:
    return new_gateway(client, peer.url + "/")


@pytest.fixture
def wechat(peer: Peer) -> Peer:
    """A peer that is content with everything."""
    wechat_says(peer, CREATE, {"code_url": CODE_URL})
    wechat_says(peer, QUERY, transaction())
    wechat_says(peer, CLOSE, status=204)
    wechat_says(peer, REFUND, refund())
    wechat_says(peer, QUERY_REFUND, refund())
    return peer


def _claims(request: Seen) -> dict[str, str]:
    scheme, _, rest = request.headers["authorization"].partition(" ")
    assert scheme == "WECHATPAY2-SHA256-RSA2048"
    return dict(re.findall(r'(\w+)="([^"]*)"', rest))


def _is_signed(peer: Peer, request: Seen) -> bool:
    claims = _claims(request)
    query = "&".join(f"{name}={value}" for name, (value,) in request.query.items())
    target = f"{urlsplit(peer.url).path}{request.path}" + (f"?{query}" if query else "")
    # The SDK judges three lines, as answers have them; the first two of a request come before.
    first = f"{request.method}\n{target}\n{claims['timestamp']}"
    key = load_public_key(MERCHANT.public)
    body, signature = request.body.decode(), claims["signature"]
    return bool(rsa_verify(first, claims["nonce_str"], body, signature, key))


Call = Callable[[WeChatPayGateway], Awaitable[object]]

CALLS: dict[str, Call] = {
    CREATE: lambda gateway: gateway.create(payment_request()),
    QUERY: lambda gateway: gateway.query(PAYMENT),
    CLOSE: lambda gateway: gateway.close(PAYMENT),
    REFUND: lambda gateway: gateway.refund(refund_request("不想要了")),
    QUERY_REFUND: lambda gateway: gateway.query_refund(PAYMENT, refund_id=REFUND_ID),
}


def test_it_meets_the_contract(gateway: WeChatPayGateway) -> None:
    contract: PaymentGateway = gateway
    assert contract.name == "wechatpay"


@pytest.mark.parametrize("call", CALLS)
async def test_every_request_is_signed_over_the_bytes_and_the_path_that_were_sent(
    gateway: WeChatPayGateway, wechat: Peer, call: str
) -> None:
    await CALLS[call](gateway)
    for request in wechat.seen:
        claims = _claims(request)
        assert claims.keys() == {"mchid", "nonce_str", "timestamp", "serial_no", "signature"}
        assert (claims["mchid"], claims["serial_no"]) == (MCHID, SERIAL)
        assert claims["timestamp"] == str(UNIX)
        assert _is_signed(wechat, request)
        assert not _is_signed(wechat, Seen(**(vars(request) | {"body": request.body + b" "})))
        assert not _is_signed(wechat, Seen(**(vars(request) | {"path": request.path + "/"})))


@pytest.mark.parametrize("call", CALLS)
async def test_every_request_asks_for_an_answer_signed_with_the_key_that_we_hold(
    gateway: WeChatPayGateway, wechat: Peer, call: str
) -> None:
    await CALLS[call](gateway)
    headers = wechat.only(call).headers
    assert headers["wechatpay-serial"] == KEY_ID
    assert headers["accept"] == "application/json"
    assert headers["content-type"] == "application/json"
    assert headers["user-agent"] == "orderflow"


async def test_no_two_requests_have_the_same_nonce(gateway: WeChatPayGateway, wechat: Peer) -> None:
    for _ in range(3):
        await gateway.query(PAYMENT)
    nonces = {_claims(request)["nonce_str"] for request in wechat.seen}
    assert len(nonces) == 3
    assert all(re.fullmatch("[0-9A-F]{32}", nonce) for nonce in nonces)


def test_a_signature_is_the_one_that_the_sdk_makes() -> None:
    key = private_key(MERCHANT.private)
    target, body = "/v3/pay/transactions/native", '{"description":"订单"}'
    header = authorization(
        Merchant(MCHID, SERIAL, key), "POST", target, body.encode(), now=NOW, nonce="N1"
    )
    signature = MERCHANT.sign(f"POST\n{target}\n{UNIX}\nN1\n{body}\n")
    assert header == (
        f'WECHATPAY2-SHA256-RSA2048 mchid="{MCHID}",nonce_str="N1",timestamp="{UNIX}",'
        f'serial_no="{SERIAL}",signature="{signature}"'
    )


async def test_creating_sends_a_native_order_that_ends_in_chinas_time(
    gateway: WeChatPayGateway, wechat: Peer
) -> None:
    await gateway.create(payment_request())
    assert wechat.only(CREATE).json == {
        "appid": APPID,
        "mchid": MCHID,
        "description": "订单支付 - EC-1",
        "out_trade_no": PAYMENT_ID,
        "time_expire": "2026-11-22T00:45:59+08:00",
        "attach": ORDER_ID,
        "notify_url": NOTIFY_URL,
        "amount": {"total": 12345, "currency": "CNY"},
    }


async def test_the_same_payment_is_ordered_with_the_same_bytes(
    gateway: WeChatPayGateway, wechat: Peer
) -> None:
    for _ in range(2):
        await gateway.create(payment_request())
    first, second = wechat.requests(CREATE)
    assert first.body == second.body


async def test_a_description_is_cut_to_what_wechat_takes(
    gateway: WeChatPayGateway, wechat: Peer
) -> None:
    await gateway.create(payment_request(description="订" * 200))
    assert wechat.only(CREATE).json["description"] == "订" * 127


async def test_another_currency_is_rejected_without_asking(
    gateway: WeChatPayGateway, wechat: Peer
) -> None:
    outcome = await gateway.create(payment_request(Money.of("1", "USD")))
    assert isinstance(outcome, PaymentRejected)
    assert outcome.code == "currency_not_supported"
    assert not wechat.seen


async def test_a_query_names_the_merchant(gateway: WeChatPayGateway, wechat: Peer) -> None:
    await gateway.query(PAYMENT)
    assert wechat.only(QUERY).query == {"mchid": [MCHID]}
    assert wechat.only(QUERY).body == b""


async def test_capturing_only_asks(gateway: WeChatPayGateway, wechat: Peer) -> None:
    await gateway.capture(PAYMENT, f"{PAYMENT_ID}:capture:1")
    assert [request.method for request in wechat.seen] == ["GET"]


async def test_closing_closes_then_queries(gateway: WeChatPayGateway, wechat: Peer) -> None:
    await gateway.close(PAYMENT)
    assert [f"{seen.method} {seen.path}" for seen in wechat.seen] == [CLOSE, QUERY]
    assert wechat.only(CLOSE).json == {"mchid": MCHID}


async def test_a_refund_names_what_was_asked_and_what_goes_back(
    gateway: WeChatPayGateway, wechat: Peer
) -> None:
    await gateway.refund(refund_request())
    assert wechat.only(REFUND).json == {
        "out_trade_no": PAYMENT_ID,
        "out_refund_no": REFUND_ID,
        "notify_url": NOTIFY_URL,
        "amount": {"refund": 345, "total": 12345, "currency": "CNY"},
    }


async def test_a_refund_says_the_same_once_wechats_own_number_is_known(
    gateway: WeChatPayGateway, wechat: Peer
) -> None:
    request = refund_request()
    known = PAYMENT.model_copy(update={"capture_ref": "4200001234", "captured_before": True})
    await gateway.refund(request)
    await gateway.refund(request.model_copy(update={"payment": known}))
    first, second = wechat.requests(REFUND)
    assert first.body == second.body


@pytest.mark.parametrize(
    ("reason", "sent"),
    [("不想要了", "不想要了"), ("码" * 30, "码" * 26), ("a" * 100, "a" * 80)],
)
async def test_a_reason_is_cut_to_80_bytes_and_never_inside_a_character(
    gateway: WeChatPayGateway, wechat: Peer, reason: str, sent: str
) -> None:
    await gateway.refund(refund_request(reason))
    assert wechat.only(REFUND).json["reason"] == sent


async def test_a_refund_is_asked_for_by_either_reference(
    gateway: WeChatPayGateway, wechat: Peer
) -> None:
    by_id = await gateway.query_refund(PAYMENT, refund_id=REFUND_ID)
    by_ref = await gateway.query_refund(PAYMENT, refund_ref=by_id.provider_ref)
    assert by_id == by_ref
    assert len(wechat.requests(QUERY_REFUND)) == 2


@pytest.mark.parametrize("number", ["a/../b", "a?b=c", "退款", "a b", "a|b*c@d"])
async def test_a_number_never_leaves_its_place_in_the_path(
    gateway: WeChatPayGateway, peer: Peer, number: str
) -> None:
    call = f"GET /v3/refund/domestic/refunds/{number}"
    wechat_says(peer, call, refund(out_refund_no=number))
    view = await gateway.query_refund(PAYMENT, refund_ref=number)
    assert view.provider_ref == number


@pytest.mark.parametrize(
    "build",
    [
        lambda client: new_gateway(client, private_key=""),
        lambda client: new_gateway(client, private_key="not a key"),
        lambda client: new_gateway(client, private_key=MERCHANT.public),
        lambda client: new_gateway(client, public_key=""),
        lambda client: new_gateway(client, public_key="/nowhere/wechatpay.pem"),
        lambda client: new_gateway(client, public_key_id=""),
        lambda client: new_gateway(client, apiv3_key="not a key of 32 characters"),
        lambda client: new_gateway(client, apiv3_key="密" * 32),
    ],
)
def test_a_key_that_cannot_be_used_is_noticed_at_once_and_not_shown(
    client: httpx.AsyncClient, build: Callable[[httpx.AsyncClient], WeChatPayGateway]
) -> None:
    with pytest.raises(InvalidKey) as unusable:
        build(client)
    assert "not a key" not in str(unusable.value)
    assert "密" not in str(unusable.value)


async def test_it_asks_the_clock_for_each_request_and_each_answer(
    client: httpx.AsyncClient, wechat: Peer
) -> None:
    times = iter([NOW, NOW, NOW, NOW + timedelta(hours=1)])
    gateway = new_gateway(client, wechat.url, clock=lambda: next(times))
    await gateway.query(PAYMENT)
    with pytest.raises(OutcomeUnknown, match="stale"):
        await gateway.query(PAYMENT)
