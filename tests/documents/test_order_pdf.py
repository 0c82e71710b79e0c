"""The order on paper: every fact on it, in every script, the same each time."""

from __future__ import annotations

import io
from datetime import UTC, datetime

import pypdf
import pytest
from pypdf.generic import DictionaryObject

from documents.fonts import BOLD, markup, printable
from documents.order_pdf import order_file_name, render_order
from domain.money import Money
from domain.order import Address, CustomerInfo, Locale, Order, OrderLine, Pricing

CHINESE = Address(
    street="文三路 90 号",
    city="北京市",
    district="西湖区",
    province="北京市",
    postal_code="310012",
    country="CN",
)
GERMAN = Address(street="Torstraße 1", city="Berlin", postal_code="10119", country="DE")


def cny(amount: str) -> Money:
    return Money.of(amount, "CNY")


def order(locale: Locale = "zh-CN", lines: int = 2, **changes: object) -> Order:
    items = tuple(
        OrderLine(
            line_no=number,
            product_id=f"P{number}",
            sku=f"SKU-{number}",
            name=f"无线降噪耳机 {number}",
            quantity=2,
            unit_price=cny("617.25"),
            total_price=cny("1234.50"),
        )
        for number in range(1, lines + 1)
    )
    made = Order(
        order_id="O1",
        order_number="ORD2611217654321",
        customer_id="C1",
        customer_info=CustomerInfo(
            name="王堃玥",
            email="a@example.com",
            phone="+8613800138000",
            address=CHINESE if locale == "zh-CN" else GERMAN,
        ),
        items=items,
        pricing=Pricing(
            subtotal=cny("2469.00"),
            shipping=cny("0"),
            tax=cny("12.30"),
            discount=cny("50"),
            total=cny("2431.30"),
        ),
        gateway="alipay",
        locale=locale,
        created_at=datetime(2026, 11, 21, 7, 42, tzinfo=UTC),
    )
    return made.model_copy(update=changes)


def read(pdf: bytes) -> tuple[str, pypdf.PdfReader]:
    reader = pypdf.PdfReader(io.BytesIO(pdf))
    return "".join("".join(page.extract_text().split()) for page in reader.pages), reader


@pytest.mark.parametrize(
    ("locale", "words"),
    [
        (
            "zh-CN",
            [
                "订单详情",
                "ORD2611217654321",
                "2026年11月21日15:42",
                "支付宝",
                "王堃玥",
                "北京市西湖区文三路90号310012",
                "无线降噪耳机2",
                "¥617.25",
                "优惠-¥50.00",
                "运费免运费",
                "合计¥2,431.30",
                "第1页，共1页",
            ],
        ),
        (
            "en",
            [
                "Orderdetails",
                "Nov21,2026,3:42PM",
                "Torstraße1,Berlin,10119,DE",
                "ShippingFree",
                "TotalCN¥2,431.30",
                "Page1of1",
            ],
        ),
    ],
)
def test_every_fact_can_be_read(locale: Locale, words: list[str]) -> None:
    text, reader = read(render_order(order(locale)))
    for word in words:
        assert word in text
    assert str(reader.root_object["/Lang"]) == locale
    assert {font[8:] for font in fonts(reader)} <= {"NotoSansSC-Regular", "NotoSansSC-Bold"}


def fonts(reader: pypdf.PdfReader) -> set[str]:
    """The fonts that are embedded, with the six letters of their subset."""
    found: set[str] = set()
    for page in reader.pages:
        resources = page["/Resources"].get_object()
        assert isinstance(resources, DictionaryObject)
        named = resources["/Font"].get_object()
        assert isinstance(named, DictionaryObject)
        for font in named.values():
            described = font.get_object()
            assert isinstance(described, DictionaryObject)
            if "/FontDescriptor" in described:
                found.add(str(described["/BaseFont"]))
    return found


def test_the_same_order_gives_the_same_file() -> None:
    assert render_order(order()) == render_order(order())


def test_a_long_order_repeats_its_head_and_counts_its_pages() -> None:
    text, reader = read(render_order(order(lines=60)))
    assert len(reader.pages) > 2
    assert text.count("商品单价数量金额") >= len(reader.pages) - 1
    assert f"第{len(reader.pages)}页，共{len(reader.pages)}页" in text


@pytest.mark.parametrize("wild", ["<b>&amp;</para>", "长" * 5000, "x" * 5000, "a\x00b\u202ec"])
def test_whatever_a_customer_writes_is_only_text(wild: str) -> None:
    info = order().customer_info.model_copy(update={"name": wild})
    render_order(order(customer_info=info, special_instructions=wild))
    line = order().items[0].model_copy(update={"name": wild, "sku": wild})
    render_order(order(items=(line,)))


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("堃玥體說䶮", "堃玥體說䶮"),
        ("请轻放🙏🏽谢谢❤️👨‍👩‍👧🇨🇳", "请轻放谢谢"),
        ("1️⃣ bell 🛎️ 2x", "1 bell  2x"),
        ("Zażółć Dvořák ŞENEL Łódź", "Zazólc Dvorák SENEL Lódz"),
        ("José Cafe\u0301", "José Café"),
        ("Αθήνα", "Αθηνα"),
        ("𝓛𝓲 ㎡ ﬁ", "Li ㎡ ﬁ"),
        ("สมชาย ใจดี", "[?] [?]"),
        ("王𠮷𡈽玥", "王[?]玥"),
        ("김하나", "[?]"),
        ("₿5 \ufffd", "[?]5 [?]"),
        ("a\u202e\x00b\tc\u2028d", "ab c d"),
    ],
)
def test_nothing_that_the_fonts_cannot_show_looks_broken(written: str, shown: str) -> None:
    assert printable(written) == shown


def test_labels_are_bold_and_mark_up_is_text() -> None:
    assert printable("合计堃", BOLD) == "合计[?]"
    assert markup("<b>&") == "&lt;b&gt;&amp;"


def test_emoji_leave_a_readable_order() -> None:
    info = order().customer_info.model_copy(update={"name": "小美🌸 สมชาย"})
    text, _ = read(render_order(order(customer_info=info, special_instructions="请轻放🙏🏽谢谢❤️")))
    assert "收货人小美[?]+8613800138000" in text
    assert "备注请轻放谢谢" in text
    assert "□" not in text


def test_a_note_of_emoji_alone_is_no_note() -> None:
    text, _ = read(render_order(order(special_instructions="🎁🎂")))
    assert "备注" not in text


def test_the_file_has_a_name_in_the_customers_language() -> None:
    assert order_file_name(order()) == "订单详情-ORD2611217654321.pdf"
    assert order_file_name(order("en")) == "Order details-ORD2611217654321.pdf"
