"""All payment providers of the simulator side by side: its state, its journal and its page."""

from __future__ import annotations

from itertools import pairwise

import httpx
import pytest

from domain.payment import PaymentRequest
from gateways.payments.protocol import PaymentGateway
from tests.gateways.provider_traits import TRAITS
from tests.gateways.providers import Provider
from tests.gateways.simulated import Simulated

MOVES = {
    "stripe": ("pay", "decline", "process"),
    "paypal": ("pay", "decline", "process", "approve"),
    "alipay": ("pay", "decline", "scan"),
    "wechatpay": ("pay", "decline"),
}


@pytest.fixture
async def everywhere(
    simulated: Simulated, payment_adapters: dict[str, PaymentGateway]
) -> list[tuple[str, PaymentRequest]]:
    """Two payments at each provider, by turns, oldest first."""
    made = []
    for name in [*TRAITS, *TRAITS]:
        provider = Provider(name, payment_adapters[name], simulated)
        request = provider.request()
        await provider.created(request)
        made.append((name, request))
    return made


async def _get(simulated: Simulated, path: str, **query: str | int) -> httpx.Response:
    answer = await simulated.client.get(f"{simulated.url}/_sim/{path}", params=query)
    assert answer.status_code == 200, answer.text
    return answer


async def test_the_payments_of_all_providers_are_one_list_newest_first(
    simulated: Simulated, everywhere: list[tuple[str, PaymentRequest]]
) -> None:
    state = (await _get(simulated, "state", limit=8)).json()
    listed = [(p["gateway"], p["paymentId"], p["orderId"]) for p in state["payments"]]
    assert listed == [(name, r.payment_id, r.order_id) for name, r in reversed(everywhere)]


async def test_without_a_journal_each_providers_payments_stay_in_their_order(
    simulated: Simulated, everywhere: list[tuple[str, PaymentRequest]]
) -> None:
    await simulated.client.delete(f"{simulated.url}/_sim/journal")
    listed = [p["paymentId"] for p in (await _get(simulated, "state")).json()["payments"]]
    for name in TRAITS:
        ours = [request.payment_id for of, request in everywhere if of == name]
        assert all(listed.index(newer) < listed.index(older) for older, newer in pairwise(ours))


async def test_the_journal_tells_of_each_payment_by_order_and_by_payment(
    simulated: Simulated, everywhere: list[tuple[str, PaymentRequest]]
) -> None:
    for name, request in everywhere:
        ids = {"order_id": request.order_id, "payment_id": request.payment_id}
        for query in ({n: value} for n, value in ids.items()):
            entries = (await _get(simulated, "journal", **query)).json()["entries"]
            created = [e for e in entries if e["operation"] == "create"]
            assert [(e["party"], e["amount"]) for e in created] == [(name, "12345")]


async def test_the_page_offers_each_providers_own_moves(
    simulated: Simulated, everywhere: list[tuple[str, PaymentRequest]]
) -> None:
    page = (await _get(simulated, "")).text
    for name, request in everywhere:
        for move in MOVES[name]:
            assert f'action="/_sim/{name}/{request.payment_id}/{move}"' in page


@pytest.mark.parametrize(("name", "later"), [("stripe", "dispute-win"), ("alipay", "finish")])
async def test_the_page_offers_some_moves_once_there_is_money(
    simulated: Simulated, everywhere: list[tuple[str, PaymentRequest]], name: str, later: str
) -> None:
    request = next(request for of, request in everywhere if of == name)
    move = f'action="/_sim/{name}/{request.payment_id}/{later}"'
    assert move not in (await _get(simulated, "")).text
    await simulated.moves(f"{name}/{request.payment_id}/pay")
    assert move in (await _get(simulated, "")).text


async def test_a_move_that_makes_no_sense_there_is_explained_on_the_page(
    simulated: Simulated, everywhere: list[tuple[str, PaymentRequest]]
) -> None:
    for name, request in everywhere[:4]:
        pressed = await simulated.client.post(
            f"{simulated.url}/_sim/{name}/{request.payment_id}/dispute",
            headers={"Accept": "text/html"},
        )
        assert pressed.status_code == 303
        page = await simulated.client.get(simulated.url + pressed.headers["location"])
        assert 'class="refused notice"' in page.text
