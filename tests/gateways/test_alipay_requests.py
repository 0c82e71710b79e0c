from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from domain.errors import PermanentError
from gateways.errors import (
    GatewayAuthError,
    OutcomeUnknown,
    RateLimited,
)
from gateways.http import build_client
from gateways.keys import InvalidKey
from gateways.payments.alipay import AlipayGateway
from tests.accounts import provider_keys
from tests.gateways import alipay_wire as wire
from tests.gateways.alipay_wire import (
    BUYER,
    CALL,
    CLOSE,
    PRECREATE,
    QUERY,
    REFUND,
    REFUND_QUERY,
    TRADE_NO,
    all_asked,
    answer,
    merchant_signature,
    only_asked,
    payment_ref,
    payment_request,
    precreated,
    provider_sdk,
    refund_done,
    refund_found,
    refund_request,
    says,
    success,
    trade,
)
from tests.gateways.peer import Peer

Call = Callable[[AlipayGateway], Awaitable[object]]

CALLS: dict[str, Call] = {
    PRECREATE: lambda gateway: gateway.create(payment_request()),
    QUERY: lambda gateway: gateway.query(payment_ref()),
    CLOSE: lambda gateway: gateway.close(payment_ref()),
    REFUND: lambda gateway: gateway.refund(refund_request()),
    REFUND_QUERY: lambda gateway: gateway.query_refund(payment_ref(), refund_id="R00001"),
}


ANSWERS = {
    PRECREATE: precreated(),
    QUERY: trade("TRADE_SUCCESS"),
    CLOSE: success(out_trade_no="P00001", trade_no=TRADE_NO),
    REFUND: refund_done(),
    REFUND_QUERY: refund_found(),
}


@pytest.fixture(scope="module")
async def client() -> AsyncIterator[httpx.AsyncClient]:
    """One for all: making one costs more than what most of these tests do."""
    async with build_client(answer_timeout=timedelta(seconds=5)) as client:
        yield client


@pytest.fixture
def alipay(client: httpx.AsyncClient, peer: Peer) -> AlipayGateway:
    return wire.gateway(client, peer.url)


@pytest.mark.parametrize("method", CALLS)
async def test_every_request_is_signed_so_that_the_foreign_sdk_accepts_it(
    alipay: AlipayGateway, peer: Peer, method: str
) -> None:
    says(peer, method, ANSWERS[method])
    says(peer, QUERY, trade("TRADE_CLOSED"))
    await CALLS[method](alipay)
    request = all_asked(peer)[0]
    params = dict(request.params)
    signature = params.pop("sign")
    signed = {**params, "biz_content": request.biz_content}
    text = "&".join(f"{name}={value}" for name, value in provider_sdk()._ordered_data(signed))
    assert provider_sdk()._verify(text, signature)
    assert params == {
        "app_id": wire.APP_ID,
        "method": method,
        "format": "JSON",
        "charset": "utf-8",
        "sign_type": "RSA2",
        "timestamp": "2026-11-21 18:30:00",
        "version": "1.0",
    } | ({"notify_url": wire.NOTIFY_URL} if method == PRECREATE else {})
    seen = peer.requests(CALL)[0]
    content_type = "application/x-www-form-urlencoded;charset=utf-8"
    assert seen.headers["content-type"] == content_type


@pytest.mark.parametrize("method", CALLS)
async def test_an_answer_that_alipay_did_not_sign_is_an_unknown_outcome(
    alipay: AlipayGateway, peer: Peer, method: str
) -> None:
    fields = ANSWERS[method]
    text = json.dumps(fields, ensure_ascii=False, separators=(",", ":"))
    for body in (
        answer(method, fields, ""),
        answer(method, fields, merchant_signature(text)),
        answer(method, fields, "AAAA"),
        b"<html>busy</html>",
        b"",
    ):
        peer.says(CALL, body)
    for _ in range(5):
        with pytest.raises(OutcomeUnknown):
            await CALLS[method](alipay)
    assert len(peer.seen) == 5


@pytest.mark.parametrize("method", CALLS)
async def test_a_status_that_is_not_alipays_decides_nothing_though_the_answer_is_signed(
    alipay: AlipayGateway, peer: Peer, method: str
) -> None:
    meanings: dict[int, type[Exception]] = {
        500: OutcomeUnknown,
        404: OutcomeUnknown,
        302: OutcomeUnknown,
        401: GatewayAuthError,
        429: RateLimited,
    }
    for status in meanings:
        headers = {"Retry-After": "7", "Location": "/elsewhere"}
        peer.says(CALL, answer(method, ANSWERS[method]), status=status, headers=headers)
    for error in meanings.values():
        with pytest.raises(error) as raised:
            await CALLS[method](alipay)
        if isinstance(raised.value, RateLimited):
            assert raised.value.retry_after == timedelta(seconds=7)
    assert len(peer.seen) == len(meanings)


@pytest.mark.parametrize("method", CALLS)
async def test_a_request_that_is_never_answered_is_an_unknown_outcome(
    hasty_client: httpx.AsyncClient, peer: Peer, method: str
) -> None:
    peer.hangs(CALL)
    with pytest.raises(OutcomeUnknown):
        await CALLS[method](wire.gateway(hasty_client, peer.url))
    assert len(peer.seen) == 1


@pytest.mark.parametrize("method", CALLS)
async def test_a_request_that_was_never_sent_may_simply_be_repeated(
    client: httpx.AsyncClient, deaf_url: str, method: str
) -> None:
    with pytest.raises(ConnectionError) as error:
        await CALLS[method](wire.gateway(client, deaf_url))
    assert not isinstance(error.value, PermanentError)


async def test_many_payments_at_once_do_not_get_mixed_up(
    client: httpx.AsyncClient, alipay: AlipayGateway, peer: Peer
) -> None:
    says(peer, QUERY, trade("TRADE_SUCCESS"))
    views = await asyncio.gather(*(alipay.query(payment_ref()) for _ in range(20)))
    assert {view.payment_id for view in views} == {"P00001"}
    assert len({request.params["sign"] for request in all_asked(peer)}) == 1


async def test_requests_carry_the_time_of_china_as_it_is_now(
    client: httpx.AsyncClient, peer: Peer
) -> None:
    keys = provider_keys()
    gateway = AlipayGateway(
        client,
        app_id=wire.APP_ID,
        seller_id=wire.SELLER_ID,
        private_key=str(keys.alipay_merchant),
        public_key=str(keys.public_half(keys.alipay_provider)),
        base_url=f"{peer.url}/gateway.do",
        notify_url="",
    )
    says(peer, PRECREATE, precreated())
    await gateway.create(payment_request())
    params = only_asked(peer).params
    sent = datetime.fromisoformat(params["timestamp"] + "+08:00")
    assert abs(datetime.now(UTC) - sent) < timedelta(seconds=10)
    assert "notify_url" not in params


@pytest.mark.parametrize(("private", "public"), [("", "ok"), ("ok", ""), ("ok", "x"), ("x", "ok")])
def test_a_key_that_cannot_be_read_is_refused_at_once(
    client: httpx.AsyncClient, private: str, public: str
) -> None:
    keys = provider_keys()
    good = {
        "private": str(keys.alipay_merchant),
        "public": str(keys.public_half(keys.alipay_provider)),
    }
    with pytest.raises(InvalidKey):
        AlipayGateway(
            client,
            app_id=wire.APP_ID,
            seller_id=wire.SELLER_ID,
            private_key=good["private"] if private == "ok" else private,
            public_key=good["public"] if public == "ok" else public,
            base_url="http://127.0.0.1:9/gateway.do",
            notify_url="",
        )


async def test_errors_name_no_keys_no_signatures_and_no_buyer(
    alipay: AlipayGateway, peer: Peer
) -> None:
    says(peer, QUERY, trade("NEWS"))
    says(peer, QUERY, trade("TRADE_SUCCESS", trade_no=""))
    peer.says(CALL, answer(QUERY, trade("TRADE_SUCCESS"), "AAAA"))
    peer.says(CALL, b"secret page", status=400)
    for _ in range(4):
        with pytest.raises(OutcomeUnknown) as unknown:
            await alipay.query(payment_ref())
        text = f"{unknown.value!r} {unknown.value.__cause__!r}"
        for secret in (BUYER, "AAAA", "secret page", "2088102169481075", "PRIVATE", "sign="):
            assert secret not in text
