"""A form that asks for a return and is refused: why, in words, with everything kept."""

from __future__ import annotations

import re
from urllib.parse import urljoin

import pytest

from api.app import create_app
from api.pages.return_form import NOTE_LIMIT, ReturnForm, read_form
from api.pages.words import page_words
from tests.api.conftest import calling
from tests.api.page_form import PageForm, form_on, ids, over, policies, returns_of, shown
from tests.api.test_outages import without_database, without_temporal
from tests.customer_page import Outline, keys, link, open_page
from tests.house import House, Json
from tests.workflows.returning import (
    after_sales,
    decide,
    delivered,
    returned,
)

EVIL = "</textarea><script>alert(1)</script>\"'><img src=x onerror=alert(1)>{{ 7777*7 }}"


MISTAKES: dict[str, tuple[dict[str, str], str, str, str]] = {
    "nothing chosen": ({}, "items", "Choose at least one item", "请至少选择一件商品"),
    "not a number": ({"line_1": "both"}, "line-1", "from 0 to 2", "0 到 2 之间的整数"),
    "less than nothing": ({"line_1": "-1"}, "line-1", "from 0 to 2", "0 到 2 之间的整数"),
    "half a unit": ({"line_1": "1.5"}, "line-1", "from 0 to 2", "0 到 2 之间的整数"),
    "more than any order has": ({"line_1": "9" * 20}, "line-1", "from 0 to 2", "0 到 2 之间"),
    "a long text": (
        {"line_1": "1", "note": "很" * (NOTE_LIMIT + 1)},
        "note",
        f"has {NOTE_LIMIT + 1} characters",
        f"有 {NOTE_LIMIT + 1} 字",
    ),
    "a kind of our own making": (
        {"line_1": "1", "kind": "swap"},
        "kind",
        "Choose what you would like",
        "请选择退货退款或换货",
    ),
    "no name for it": ({"line_1": "1", "once": ""}, "", "form was lost", "丢失了一部分"),
    "a name of their own": ({"line_1": "1", "once": "x"}, "", "form was lost", "丢失了一部分"),
    "a line that is not there": ({"line_9": "1"}, "", "cannot be returned online", "无法在线办理"),
}


@pytest.fixture
async def order(house: House) -> Json:
    """Two units at the door."""
    return await delivered(house, await house.add_product(stock=2), quantity=2)


@pytest.fixture(scope="module")
async def mistaken(house: House) -> Json:
    """Two units at the door, of which nobody ever asks for one in the right way."""
    return await delivered(house, await house.add_product(stock=2), quantity=2)


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("mistake", MISTAKES)
async def test_what_is_filled_in_wrong_is_said_at_its_field_and_everything_is_kept(
    house: House, mistaken: Json, lang: str, mistake: str
) -> None:
    changes, field, english, chinese = MISTAKES[mistake]
    form = await form_on(house, mistaken, lang)
    answer = await form.send(house.http, **{"cause": "other", "note": "谢谢\nTom", **changes})

    assert answer.status_code == 422, answer.text
    assert answer.headers["Content-Language"].startswith(lang)
    assert (english if lang == "en" else chinese) in shown(answer)
    outline = Outline(answer.text)
    assert all(count == 1 for count in ids(answer).values())
    assert ids(answer)["answer"] == 1
    links = [a["href"] for a in outline.all("a") if (a["href"] or "").startswith("#")]
    assert links == ["#return", *([f"#{field}"] if field else [])]
    if field:
        wrong = [found for _, found in outline.tags if found.get("id") == field]
        assert f"{field}-wrong" in (wrong[0]["aria-describedby"] or "")
        assert ids(answer)[f"{field}-wrong"] == 1
    (details,) = [found for found in outline.all("details") if found.get("class") == "choose"]
    assert "open" in details
    kept = PageForm(answer)
    assert kept.url == form.url
    assert kept.fields["note"] == changes.get("note", "谢谢\nTom")
    assert kept.fields["cause"] == "other"
    if "once" not in changes:
        assert kept.fields["once"] == form.fields["once"]
    assert await returns_of(house, mistaken) == []


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"", "application/x-www-form-urlencoded"),
        (b'{"line-1": 1}', "application/json"),
        (b"\xff\xfe\x00&=&&%zz%00=%ff", "application/x-www-form-urlencoded"),
        (b"a=1&" * 1000, "application/x-www-form-urlencoded"),
        (b'--x\r\nContent-Disposition: form-data; name="line-1"\r\n\r\n1\r\n--x--', "multipart"),
    ],
)
async def test_whatever_is_sent_the_answer_is_a_page(
    house: House, mistaken: Json, content: bytes, kind: str
) -> None:
    form = await form_on(house, mistaken)
    answer = await house.http.post(form.url, content=content, headers={"Content-Type": kind})
    assert answer.status_code == 422
    assert "form was lost" in shown(answer)


async def test_too_much_text_to_read_is_answered_with_a_page(house: House, mistaken: Json) -> None:
    form = await form_on(house, mistaken)
    answer = await form.send(house.http, note="x" * 70_000)
    assert answer.status_code == 413
    assert "That was too much text" in shown(answer)


async def test_when_another_return_got_in_between_the_rest_is_offered(
    house: House, order: Json
) -> None:
    form = await form_on(house, order)
    await returned(house, order, {1: 1})

    answer = await form.send(house.http, line_1="2", note="both of them")

    assert answer.status_code == 409
    assert "测试: no more than 1 can come back now" in shown(answer)
    rest = PageForm(answer)
    assert rest.options["line-1"] == ["0", "1"]
    assert (rest.fields["line-1"], rest.fields["note"]) == ("1", "both of them")
    assert (await rest.send(house.http)).status_code == 303
    last = await form.send(house.http, line_1="1", once="0" * 32)
    assert last.status_code == 409
    assert "nothing more of it can come back" in shown(last)
    assert not PageForm(last).there


@pytest.mark.parametrize(
    ("lang", "said", "wrote"),
    [("zh", "退换货申请已于", "您填写的说明"), ("en", "Returns were possible until", "You wrote")],
)
async def test_when_the_window_closed_meanwhile_that_is_said_and_the_text_is_kept(
    house: House, order: Json, lang: str, said: str, wrote: str
) -> None:
    form = await form_on(house, order, lang)
    await over(house, order)

    answer = await form.send(house.http, line_1="1", note="a scratch")

    assert answer.status_code == 409
    assert said in shown(answer)
    assert f"{wrote} a scratch" in shown(answer)
    assert not PageForm(answer).there
    assert "form-action 'none'" in policies(answer)


async def test_when_the_money_went_back_meanwhile_only_an_exchange_is_left(
    house: House, order: Json
) -> None:
    form = await form_on(house, order)
    await house.call("POST", f"/orders/{order['orderId']}/refunds", json={"reason": "a gift"})
    await house.until(order["orderId"], status="refunded")

    answer = await form.send(house.http, line_1="1")

    assert answer.status_code == 409
    assert "They can only be exchanged" in shown(answer)
    rest = PageForm(answer)
    assert rest.fields["kind"] == "exchange"
    assert "You can ask for an exchange until" in shown(answer)


async def test_nothing_is_started_for_an_order_that_has_not_arrived(
    house: House, placed: Json, order: Json
) -> None:
    form = await form_on(house, order)
    url = form.url.replace(order["orderNumber"], placed["orderNumber"])
    url = re.sub(r"k=[^&]+", f"k={keys(house).sign(placed['orderNumber'])}", url)

    answer = await house.http.post(url, data={**form.fields, "line-1": "1"})

    assert answer.status_code == 409
    assert "Nothing of this order has arrived yet" in shown(answer)
    with pytest.raises(Exception, match="not found"):
        await after_sales(house, placed).describe()


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("token", ["", "k1.wrong", "another order's", "é\x00<script>"])
async def test_a_wrong_token_has_the_same_answer_everywhere_and_costs_no_look_up(
    house: House, mistaken: Json, method: str, token: str
) -> None:
    number = mistaken["orderNumber"]
    given = keys(house).sign("ORD2600000000000") if token.startswith("another") else token
    page = await house.http.get(f"{house.api}/t/{number}", params={"k": "k1.wrong"})

    async with without_database(house) as api:
        answer = await api.request(
            method, f"/t/{number}/returns", params={"k": given}, content="line-1=1"
        )

    assert answer.status_code == page.status_code == 404
    assert answer.content == page.content
    assert answer.headers["Content-Security-Policy"] == page.headers["Content-Security-Policy"]


async def test_nothing_that_was_written_becomes_part_of_the_page(house: House, order: Json) -> None:
    form = await form_on(house, order)
    refused = await form.send(house.http, note=EVIL, kind=EVIL, cause=EVIL, once=EVIL, line_1=EVIL)
    taken = await form.send(house.http, line_1="1", note=EVIL)
    (case,) = await returns_of(house, order)
    await decide(house, case, "reject", f"because of {EVIL}")
    page = await open_page(house, order["orderNumber"], lang="en")

    assert (refused.status_code, taken.status_code) == (422, 303)
    assert PageForm(refused).fields["note"] == EVIL
    assert case["reason"] == EVIL
    assert "Our answer because of </textarea><script>" in shown(page)
    for answer in (refused, page):
        outline = Outline(answer.text)
        assert not outline.all("script")
        assert not outline.all("img")
        assert "54439" not in answer.text.replace(EVIL, "")


@pytest.mark.parametrize("lang", ["zh", "en"])
async def test_without_temporal_the_same_form_can_be_sent_again(
    house: House, order: Json, lang: str
) -> None:
    form = await form_on(house, order, lang)
    path = form.url.removeprefix(house.api)

    async with without_temporal(house) as api:
        answer = await api.post(path, data={**form.fields, "line-1": "1", "note": "later"})

    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0
    title = page_words("zh-CN" if lang == "zh" else "en").return_problems["title_unsure"]
    assert title in shown(answer)
    kept = PageForm(answer)
    assert (kept.fields["line-1"], kept.fields["note"]) == ("1", "later")
    assert kept.fields["once"] == form.fields["once"]
    again = await house.http.post(form.url, data=kept.fields)
    assert again.status_code == 303
    (case,) = await returns_of(house, order)
    assert case["reason"] == "later"


async def test_without_the_database_what_was_filled_in_is_not_lost(
    house: House, order: Json
) -> None:
    form = await form_on(house, order)
    path = form.url.removeprefix(house.api)

    async with without_database(house) as api:
        page = await api.get(path.replace("/returns", ""))
        answer = await api.post(path, data={**form.fields, "line-1": "1", "note": "a\nb"})

    assert page.status_code == answer.status_code == 503
    assert "Please try again in a minute" in shown(page)
    assert not PageForm(page).there
    kept = PageForm(answer)
    assert kept.there
    again = await house.http.post(form.url, data=kept.fields)
    assert again.status_code == 303
    (case,) = await returns_of(house, order)
    assert case["reason"] == "a b"


async def test_an_unexpected_error_is_a_page_too(house: House, order: Json) -> None:
    await house.rows_changed(
        "UPDATE orders SET customer = '{\"email\": 7}' WHERE id = :id", id=order["orderId"]
    )
    async with calling(create_app(house.settings, client=house.client)) as api:
        answer = await api.get(link(house, order["orderNumber"], lang="en"))

    assert answer.status_code == 500
    assert "Something went wrong on our side" in shown(answer)
    assert "form-action 'none'" in policies(answer)
    await house.forget(order["orderId"], order["items"][0]["sku"])


async def test_the_address_of_a_refused_form_leads_back_to_the_page(
    house: House, mistaken: Json
) -> None:
    form = await form_on(house, mistaken, "en")
    answer = await house.http.get(form.url)
    assert answer.status_code == 303
    target = urljoin(form.url, answer.headers["Location"])
    assert target == link(house, mistaken["orderNumber"], lang="en")
    refused = await form.send(house.http)
    (switch,) = [a["href"] or "" for a in Outline(refused.text).all("a") if a.get("hreflang")]
    chinese = await house.http.get(urljoin(form.url, switch))
    assert "申请退换货" in shown(chinese)


def test_of_a_field_that_is_sent_twice_the_first_counts() -> None:
    form = read_form(b"note=a&note=b&line-1=1&line-0=4&line-x=4&cause=nothing&unknown=1")
    assert form == ReturnForm(units={1: "1"}, note="a")
