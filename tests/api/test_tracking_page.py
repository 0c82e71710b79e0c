"""The customer's page: for whoever holds the link, in two languages, without a script."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from urllib.parse import quote
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import text

from api.pages.situation import SITUATIONS
from api.pages.words import asked_locale, page_words
from domain.page_links import LinkKeys
from domain.returns import ReturnState
from domain.statuses import OrderStatus
from domain.tracking import TrackingStatus
from gateways.messaging.wording import wording
from tests.customer_page import Outline, add_parcel, keys, link, open_page, set_to
from tests.house import House, Json, order_for

NAME, PHONE, STREET, MAIL = "欧阳震华", "+8613800138000", "文三路 90 号", "ouyang@example.com"


@pytest.fixture
async def order(house: House) -> AsyncIterator[Json]:
    product = await house.add_product(stock=10)
    body = order_for(product)
    info = {**body["customerInfo"], "name": NAME, "phone": PHONE, "email": MAIL}
    placed = await house.place(product, customerInfo=info)
    yield {**placed, "productId": product}
    await house.forget(placed["orderId"], product)


async def test_the_page_shows_the_order_and_hides_who_ordered(house: House, order: Json) -> None:
    answer = await open_page(house, order["orderNumber"])

    assert answer.status_code == 200, answer.text
    shown = Outline(answer.text).text
    assert order["orderNumber"] in shown
    assert "等待付款" in shown
    assert "欧**" in shown
    assert "138****8000" in shown
    assert "浙江省杭州市西湖区 ****" in shown
    for secret in (NAME, PHONE[3:], STREET, "90", MAIL, "310012", order["orderId"]):
        assert secret not in shown.replace(order["orderNumber"], "")


async def test_the_prices_of_the_goods_add_up_to_the_total(house: House, order: Json) -> None:
    product = order["productId"]
    placed = await house.place(product, couponCode="WELCOME10")
    pricing = (await house.order(placed["orderId"]))["pricing"]
    assert pricing["discount"] != "0.00"

    shown = Outline((await open_page(house, placed["orderNumber"])).text).text

    assert f"¥{pricing['subtotal']}" in shown
    assert f"优惠 -¥{pricing['discount']}" in " ".join(shown.split())
    assert f"合计 ¥{pricing['total']}" in " ".join(shown.split())
    for silent in ("运费", "税费"):
        assert silent not in shown
    await house.forget(placed["orderId"], product)


async def test_the_shop_is_told_the_pages_address(house: House, order: Json) -> None:
    url = (await house.order(order["orderId"]))["pageUrl"]
    assert url == link(house, order["orderNumber"])
    assert (await house.http.get(url)).status_code == 200


async def test_headers_forbid_scripts_leaks_copies_and_search(house: House, order: Json) -> None:
    answer = await open_page(house, order["orderNumber"])

    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert "script-src" not in policy
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Cache-Control"] == "no-store"
    assert "noindex" in answer.headers["X-Robots-Tag"]
    outline = Outline(answer.text)
    assert not outline.all("script")
    assert not any(name.startswith("on") or name == "style" for _, a in outline.tags for name in a)
    assert all((a.get("rel") or "") != "stylesheet" for a in outline.all("link"))


@pytest.mark.parametrize(
    ("query", "language", "locale"),
    [
        ("", "", "zh-CN"),
        ("", "en-GB,en;q=0.9,zh;q=0.8", "en"),
        ("", "fr-FR,zh-TW;q=0.7,en;q=0.3", "zh-CN"),
        ("", "fr", "zh-CN"),
        ("en", "zh-CN", "en"),
        ("zh", "en", "zh-CN"),
        ("xx", "en", "en"),
    ],
)
async def test_the_language_is_the_links_then_the_browsers_then_the_orders(
    house: House, order: Json, query: str, language: str, locale: str
) -> None:
    answer = await open_page(house, order["orderNumber"], language, lang=query)

    (page,) = Outline(answer.text).all("html")
    assert page["lang"] == answer.headers["Content-Language"] == locale
    assert answer.headers["Vary"] == "Accept-Language"


async def test_an_english_order_is_shown_in_english(house: House, order: Json) -> None:
    await set_to(house, order["orderId"], locale="en")
    answer = await open_page(house, order["orderNumber"])
    shown = Outline(answer.text)
    assert "Waiting for your payment" in shown.text
    (switch,) = [a for a in shown.all("a") if a.get("hreflang")]
    assert switch["hreflang"] == "zh-CN"
    other = await house.http.get(f"{house.api}/t/{order['orderNumber']}{switch['href']}")
    assert "等待付款" in other.text


FORGERIES: dict[str, Callable[[House, str], tuple[str, str]]] = {
    "no token": lambda _, number: (number, ""),
    "another order's token": lambda house, number: (number, keys(house).sign("ORD2600000000000")),
    "an order that is not there": lambda house, _: (
        "ORD2600000000000",
        keys(house).sign("ORD2600000000000"),
    ),
    "another key": lambda _, number: (number, LinkKeys.from_ring([("k1", "AAAA")]).sign(number)),
    "an unknown key": lambda _, number: (number, LinkKeys.from_ring([("k9", "AAAA")]).sign(number)),
    "a shortened token": lambda house, number: (number, keys(house).sign(number)[:-1]),
    "text of all kinds": lambda _, number: (number, "é\x00.'\"<script>"),
    "a very long token": lambda _, number: (number, "k1." + "x" * 5000),
    "no order number": lambda house, _: ("../etc/passwd", keys(house).sign("../etc/passwd")),
}


@pytest.mark.parametrize("forgery", FORGERIES)
async def test_whatever_is_wrong_with_a_link_the_answer_is_the_same(
    house: House, order: Json, forgery: str
) -> None:
    plain = await house.http.get(f"{house.api}/t/{order['orderNumber']}?k=k1.wrong")
    number, token = FORGERIES[forgery](house, order["orderNumber"])

    path = f"{quote(number, safe='')}?k={quote(token, safe='')}"
    answer = await house.http.get(f"{house.api}/t/{path}")

    assert answer.status_code == plain.status_code == 404
    if "/" not in number:
        assert answer.content == plain.content
        assert _stable(answer) == _stable(plain)
        assert "找不到这个页面" in answer.text


def _stable(answer: httpx.Response) -> dict[str, str]:
    varying = ("date", "x-request-id", "traceparent")
    return {name: value for name, value in answer.headers.items() if name not in varying}


async def test_the_page_goes_some_time_after_the_order_has_ended(house: House, order: Json) -> None:
    life = house.settings.tracking_link_life
    for age, status in ((life - timedelta(hours=1), 200), (life + timedelta(hours=1), 404)):
        await set_to(
            house,
            order["orderId"],
            status="cancelled",
            payment_status="failed",
            updated_at=datetime.now(UTC) - age,
        )
        assert (await open_page(house, order["orderNumber"])).status_code == status


def test_a_replaced_key_opens_for_as_long_as_it_is_in_the_ring() -> None:
    old = LinkKeys.from_ring([("k1", "b2xk")])
    both = LinkKeys.from_ring([("k2", "bmV3"), ("k1", "b2xk")])
    token = old.sign("ORD2611210000001")
    assert both.opens("ORD2611210000001", token)
    assert both.sign("ORD2611210000001").startswith("k2.")
    assert not LinkKeys.from_ring([("k2", "bmV3")]).opens("ORD2611210000001", token)
    assert not LinkKeys().opens("ORD2611210000001", "")
    assert LinkKeys().sign("ORD2611210000001") == ""


STANDINGS = [
    (OrderStatus.PENDING, "pending", "等待付款", "Waiting for your payment"),
    (OrderStatus.PENDING_RESTOCK, "pending", "等待到货", "Waiting for stock"),
    (OrderStatus.CONFIRMED, "paid", "订单已确认", "Order confirmed"),
    (OrderStatus.PROCESSING, "paid", "正在配货", "Being packed"),
    (OrderStatus.SHIPPED, "paid", "运输中", "On its way"),
    (OrderStatus.DELIVERED, "paid", "已送达", "Delivered"),
    (OrderStatus.COMPLETED, "paid", "已送达", "Delivered"),
    (OrderStatus.CANCELLED, "failed", "订单已取消", "Order cancelled"),
    (OrderStatus.REFUNDED, "refunded", "订单已退款", "Order refunded"),
    (OrderStatus.CANCELLED, "review", "付款核实中", "We are checking your payment"),
]


@pytest.mark.parametrize(("status", "money", "chinese", "english"), STANDINGS)
async def test_each_status_has_its_headline_and_one_current_step(
    house: House, order: Json, status: OrderStatus, money: str, chinese: str, english: str
) -> None:
    await set_to(
        house,
        order["orderId"],
        status=status.value,
        payment_status=money,
        updated_at=datetime.now(UTC),
    )
    for lang, title in (("zh", chinese), ("en", english)):
        outline = Outline((await open_page(house, order["orderNumber"], lang=lang)).text)
        assert title in outline.text
        current = [a for a in outline.all("li") if a.get("aria-current") == "step"]
        assert len(current) == 1


@pytest.mark.parametrize("status", TrackingStatus)
async def test_each_status_of_a_parcel_is_said_in_words(
    house: House, order: Json, status: TrackingStatus
) -> None:
    number = await add_parcel(house, order["orderId"], status)
    await set_to(house, order["orderId"], status="shipped", payment_status="paid")

    answer = await open_page(house, order["orderNumber"], lang="en")

    outline = Outline(answer.text)
    assert number in outline.text
    assert "SF Express" in outline.text
    links = [a["href"] for a in outline.all("a") if a.get("target") == "_blank"]
    assert links == [f"https://www.sf-express.com/chn/sc/waybill/waybill-detail/{number}"]
    assert wording("en").statuses.get(status, "In transit") in outline.text
    assert "_" not in outline.text
    if status in {TrackingStatus.IN_TRANSIT, TrackingStatus.OUT_FOR_DELIVERY}:
        assert "Expected Mon, Nov 23" in outline.text


async def test_names_from_outside_cannot_write_into_the_page(house: House, order: Json) -> None:
    evil = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>{{ 7777*7 }}"
    await add_parcel(house, order["orderId"], TrackingStatus.IN_TRANSIT)
    async with house.sessions.begin() as session:
        await session.execute(
            text("UPDATE order_items SET name = :evil WHERE order_id = :id"),
            {"evil": evil, "id": order["orderId"]},
        )
        await session.execute(
            text("UPDATE shipments SET carrier = :evil WHERE order_id = :id"),
            {"evil": evil, "id": order["orderId"]},
        )
    await set_to(house, order["orderId"], status="shipped", payment_status="paid")

    answer = await open_page(house, order["orderNumber"])

    assert answer.status_code == 200
    outline = Outline(answer.text)
    assert not outline.all("script")
    assert not outline.all("img")
    assert not outline.all("b")
    assert "54439" not in answer.text
    hrefs = [a["href"] or "" for a in outline.all("a")]
    assert all(re.match(r"https://|\?k=", href) for href in hrefs)


async def test_a_refund_is_shown_with_its_state(house: House, order: Json) -> None:
    async with house.sessions.begin() as session:
        await session.execute(text("SET LOCAL session_replication_role = replica"))
        await session.execute(
            text(
                "INSERT INTO refunds (id, payment_id, order_id, state, amount_minor, currency,"
                " reason, idempotency_key, created_at, settled_at)"
                " VALUES (:id, :payment, :order, 'succeeded', 1234, 'CNY', '', :id, :at, :at)"
            ),
            {
                "id": uuid4().hex,
                "payment": order["payment"]["paymentId"],
                "order": order["orderId"],
                "at": datetime(2026, 11, 21, 4, tzinfo=UTC),
            },
        )
    chinese = Outline((await open_page(house, order["orderNumber"])).text).text
    assert "¥12.34 已于 2026年11月21日 12:00 原路退还" in chinese


async def test_the_mail_links_to_the_page(house: House, order: Json) -> None:
    await house.pay(order["payment"]["paymentId"])
    number = await house.ship(order["orderId"])
    await house.until_told(order["orderId"], "order_shipped")
    link_start = f"{house.settings.public_url}/t/{order['orderNumber']}?k="

    mails = [
        message_from_bytes(envelope.content, policy=policy.default)
        for envelope in house.mailbox.envelopes
        if isinstance(envelope.content, bytes)
    ]
    texts = [body.get_content() for mail in mails if (body := mail.get_body(("plain",)))]
    (shipped,) = [each for each in texts if number in each and order["orderNumber"] in each]
    (found,) = re.findall(re.escape(link_start) + r"\S+", shipped)
    page = await house.http.get(found)
    assert page.status_code == 200
    assert number in page.text


@pytest.mark.parametrize("locale", ["zh-CN", "en"])
def test_every_situation_step_and_return_has_words(locale: str) -> None:
    words = page_words("zh-CN" if locale == "zh-CN" else "en")
    assert words.situations.keys() == SITUATIONS
    assert words.returns.keys() == {*ReturnState, "carrier"}
    assert words.labels.keys() == page_words("en").labels.keys()
    assert words.steps.keys() == page_words("en").steps.keys()


def test_a_browser_that_asks_for_nothing_sensible_gets_the_orders_language() -> None:
    assert asked_locale("", "*;q=0.1, xx;q=oops, ;;") is None
    assert asked_locale("", "en;q=0") is None
    assert asked_locale("ZH_cn", "") == "zh-CN"
