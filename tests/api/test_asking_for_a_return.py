"""A customer asks for a return on the order's own page."""

from __future__ import annotations

import asyncio
import re
from urllib.parse import urljoin

import pytest

from api.pages.words import page_words
from domain.return_causes import ReturnCause
from domain.returns import Refusal, ReturnKind, ReturnState
from tests.api.page_form import PageForm, form_on, ids, over, policies, returns_of, shown
from tests.customer_page import link, open_page
from tests.house import House, Json
from tests.workflows.returning import (
    arrive,
    decide,
    delivered,
    returned,
    until_return,
)


@pytest.fixture
async def order(house: House) -> Json:
    """Two units at the door."""
    return await delivered(house, await house.add_product(stock=2), quantity=2)


async def test_the_page_offers_what_can_come_back_and_until_when(house: House, order: Json) -> None:
    answer = await open_page(house, order["orderNumber"], lang="en")
    form = PageForm(answer)

    assert form.options["line-1"] == ["0", "1", "2"]
    assert form.options["cause"] == ["", *ReturnCause]
    assert form.fields["kind"] == "refund"
    assert re.fullmatch("[0-9a-f]{32}", form.fields["once"])
    assert re.search(r"until [A-Z][a-z]{2} \d+, \d+:\d\d", shown(answer))
    again = await form_on(house, order)
    assert again.fields["once"] != form.fields["once"]


async def test_only_a_page_with_a_form_may_send_one_and_all_else_stays_forbidden(
    house: House, order: Json, placed: Json
) -> None:
    with_form = policies(await open_page(house, order["orderNumber"]))
    without = policies(await open_page(house, placed["orderNumber"]))

    assert with_form ^ without == {"form-action 'self'", "form-action 'none'"}
    (style,) = (rule for rule in with_form if rule.startswith("style-src"))
    assert with_form == {
        "default-src 'none'",
        style,
        "img-src data:",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    }
    assert re.fullmatch(r"style-src 'sha256-[A-Za-z0-9+/]{43}='", style)


async def test_without_anything_to_return_there_is_no_form(
    house: House, order: Json, placed: Json
) -> None:
    assert not (await form_on(house, placed)).there
    await returned(house, order, {1: 2})
    assert not (await form_on(house, order)).there


async def test_after_the_window_there_is_no_form(house: House, order: Json) -> None:
    await over(house, order)
    assert not (await form_on(house, order)).there


@pytest.mark.parametrize(
    ("lang", "words"),
    [
        (
            "zh",
            (
                "审核通过",
                "退货退款",
                "收到时已破损",
                "最晚送达",
                "寄往 杭州仓",
                "在包裹内附上订单编号",
            ),
        ),
        (
            "en",
            ("Approved", "Return", "Arrived damaged", "reach us by", "杭州仓", "pack the items"),
        ),
    ],
)
async def test_a_customer_asks_and_is_shown_what_comes_next(
    house: House, order: Json, lang: str, words: tuple[str, ...]
) -> None:
    form = await form_on(house, order, lang)
    answer = await form.send(
        house.http, line_1="1", cause="damaged", note="盖子裂了\r\n the lid is cracked"
    )

    assert answer.status_code == 303
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["Cache-Control"] == "no-store"
    (case,) = await returns_of(house, order)
    target = urljoin(form.url, answer.headers["Location"])
    assert target == f"{link(house, order['orderNumber'], lang=lang)}#{case['returnId']}"
    assert (case["state"], case["kind"], case["requestedBy"], case["decidedBy"]) == (
        "approved",
        "refund",
        "customer",
        "rule",
    )
    assert case["reason"] == "damaged: 盖子裂了 the lid is cracked"
    assert [(line["lineNo"], line["quantity"]) for line in case["items"]] == [(1, 1)]
    page = await house.http.get(target)
    assert ids(page)[case["returnId"]] == 1
    for word in words:
        assert word in shown(page)
    # What somebody wrote may name somebody: it is the shop's to read.
    assert "裂" not in page.text
    await house.until_told(order["orderId"], "return_approved")
    await house.assert_laws_hold()


async def test_an_exchange_without_a_reason(house: House, order: Json) -> None:
    form = await form_on(house, order)
    assert (await form.send(house.http, line_1="2", kind="exchange")).status_code == 303
    (case,) = await returns_of(house, order)
    assert (case["kind"], case["reason"]) == ("exchange", "")


async def test_a_form_that_is_sent_many_times_is_one_return(house: House, order: Json) -> None:
    form = await form_on(house, order)

    answers = await asyncio.gather(*(form.send(house.http, line_1="1") for _ in range(4)))
    late = await form.send(house.http, line_1="1")

    assert {answer.status_code for answer in [*answers, late]} == {303}
    assert len({answer.headers["Location"] for answer in [*answers, late]}) == 1
    assert len(await returns_of(house, order)) == 1


async def test_a_sent_form_that_asks_for_something_else_is_told_of_the_first(
    house: House, order: Json
) -> None:
    form = await form_on(house, order)
    await form.send(house.http, line_1="1")

    answer = await form.send(house.http, line_1="1", kind="exchange", note="please")

    assert answer.status_code == 409
    assert "An earlier request of yours has already reached us" in shown(answer)
    once_more = PageForm(answer)
    assert once_more.fields["once"] != form.fields["once"]
    assert (once_more.fields["kind"], once_more.fields["note"]) == ("exchange", "please")
    assert (await once_more.send(house.http)).status_code == 303
    assert {case["kind"] for case in await returns_of(house, order)} == {"refund", "exchange"}


async def test_of_two_forms_for_the_same_units_one_is_taken(house: House, order: Json) -> None:
    forms = [await form_on(house, order, "zh") for _ in range(4)]

    answers = await asyncio.gather(*(form.send(house.http, line_1="2") for form in forms))

    assert sorted(answer.status_code for answer in answers) == [303, 409, 409, 409]
    refused = next(answer for answer in answers if answer.status_code == 409)
    assert "已经没有可退换的件数" in shown(refused)
    assert len(await returns_of(house, order)) == 1
    await house.assert_laws_hold()


async def test_many_units_are_typed_and_not_chosen_from_a_list(house: House) -> None:
    product = await house.add_product(stock=30, price_minor=1_000)
    order = await delivered(house, product, quantity=30)
    form = await form_on(house, order)

    assert "line-1" not in form.options
    assert form.fields["line-1"] == "0"
    assert (await form.send(house.http, line_1="030")).status_code == 303
    (case,) = await returns_of(house, order)
    assert case["items"][0]["quantity"] == 30


async def test_the_page_follows_a_return_to_its_end(house: House, order: Json) -> None:
    await (await form_on(house, order)).send(house.http, line_1="1")
    (case,) = await returns_of(house, order)
    await arrive(house, case, {1: (1, 0)})
    await until_return(house, case, "refunded")

    page = await open_page(house, order["orderNumber"], lang="en")

    text = shown(page)
    steps = ["Asked for (Done)", "Approved (Done)", "Received by our warehouse (Done)"]
    places = [text.index(step) for step in [*steps, "Refunded (Done)"]]
    assert places == sorted(places)
    assert "All done: your money goes back" in text
    assert "CN¥100.00 was returned to your payment method" in text
    assert PageForm(page).options["line-1"] == ["0", "1"]


async def test_an_expensive_return_is_shown_as_asked_for_and_declined_with_the_reason(
    house: House,
) -> None:
    product = await house.add_product(stock=1, price_minor=60_000)
    order = await delivered(house, product, quantity=1)
    await (await form_on(house, order)).send(house.http, line_1="1")
    (case,) = await returns_of(house, order)
    waiting = shown(await open_page(house, order["orderNumber"], lang="en"))
    await decide(house, case, "reject", "the seal is broken")

    assert case["state"] == "requested"
    assert "Please do not send anything yet" in waiting
    assert "Asked for (Now)" in waiting
    for lang, answer in (("en", "Our answer the seal is broken"), ("zh", "处理说明 the seal")):
        text = shown(await open_page(house, order["orderNumber"], lang=lang))
        assert answer in text
    assert (await form_on(house, order)).there


@pytest.mark.parametrize("locale", ["zh-CN", "en"])
def test_all_that_a_form_says_is_there_in_both_languages(locale: str) -> None:
    words, other = page_words("zh-CN" if locale == "zh-CN" else "en"), page_words("en")
    assert words.return_form.keys() == other.return_form.keys() >= set(ReturnKind)
    assert words.return_kinds.keys() == set(ReturnKind)
    assert words.return_causes.keys() == set(ReturnCause)
    assert words.return_steps.keys() == {*ReturnState, "carrier"}
    assert words.return_problems.keys() == other.return_problems.keys()
    assert words.notices.keys() == other.notices.keys()
    # These are said to operators and to the warehouse.
    of_customers = set(Refusal) - {Refusal.WRONG_STATE, Refusal.NO_SHELF}
    assert of_customers <= words.return_problems.keys()
