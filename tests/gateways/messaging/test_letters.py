"""What holds for every letter, in every language and on every channel."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import get_args

import pytest

from domain.notification import NotificationKind, OrderLetter
from domain.order import Locale
from gateways.messaging.letters import (
    render_email,
    render_push,
    render_sms,
)
from gateways.messaging.wording import wording
from tests.gateways.messaging.reading import read
from tests.gateways.messaging.samples import bare_letter, cny, full_letter

K = NotificationKind
LOCALES: tuple[Locale, ...] = get_args(Locale)
EVERY = [(kind, locale) for kind in K for locale in LOCALES]
# What is left in a text when a template was not filled in, or filled in with nothing.
HOLES = re.compile(
    r"\{\{|\}\}|\{%|%\}|\bNone\b|[Uu]ndefined|\$\{| ,| \.(?:\s|$)|  [a-z]|，，|，。|：。"
)
GSM7 = set(
    "@£$¥èéùìòÇØøÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡"
    "ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)

every_letter = pytest.mark.parametrize(("kind", "locale"), EVERY)


@every_letter
@pytest.mark.parametrize("build", [full_letter, bare_letter])
def test_every_letter_is_complete(
    kind: NotificationKind, locale: Locale, build: Callable[[NotificationKind, Locale], OrderLetter]
) -> None:
    letter = build(kind, locale)
    mail, sms, push = render_email(letter), render_sms(letter), render_push(letter)
    for text in (mail.subject, mail.text, sms.body, push.title, push.body):
        assert text.strip()
        assert not HOLES.search(text), text
    assert not HOLES.search(" ".join(read(mail.html).seen))
    assert letter.order_number in mail.subject
    assert letter.order_number in sms.body
    assert "\n" not in mail.subject


@every_letter
def test_the_text_part_says_what_the_html_part_says(kind: NotificationKind, locale: Locale) -> None:
    letter = full_letter(kind, locale)
    mail = render_email(letter)
    for words in read(mail.html).seen:
        said = " ".join(words.split())
        if said and not said.isdigit() and said not in COLUMNS[locale]:
            assert said in mail.text or said == render_push(letter).body


COLUMNS = {
    locale: {wording(locale).labels[key] for key in ("items", "quantity", "amount")}
    for locale in LOCALES
}


@every_letter
@pytest.mark.parametrize("build", [full_letter, bare_letter])
def test_every_letter_leads_to_the_customers_page(
    kind: NotificationKind, locale: Locale, build: Callable[[NotificationKind, Locale], OrderLetter]
) -> None:
    page = "https://orders.example.com/t/ORD2611210000001?k=k1.token"
    mail = render_email(build(kind, locale), page_url=page)
    assert read(mail.html).links == [page]
    assert page in mail.text


@every_letter
def test_html_uses_no_remote_content_and_no_script(kind: NotificationKind, locale: Locale) -> None:
    html = render_email(full_letter(kind, locale)).html
    assert not re.search(r"<script|<img|<link|url\(|@import|javascript:", html)
    assert f'<html lang="{locale}">' in html
    assert "prefers-color-scheme: dark" in html
    assert "max-width: 620px" in html


def test_the_languages_have_words_for_the_same_things() -> None:
    chinese, english = wording("zh-CN"), wording("en")
    for part in ("labels", "statuses", "status_notes", "carriers", "reasons"):
        assert getattr(chinese, part).keys() == getattr(english, part).keys()
    assert set(chinese.kinds) == set(english.kinds) == set(K)


@pytest.mark.parametrize("kind", K)
def test_chinese_letters_use_chinese_punctuation(kind: NotificationKind) -> None:
    letter = full_letter(kind, "zh-CN")
    for text in (render_email(letter).text, render_sms(letter).body, render_push(letter).body):
        assert not re.search(r"[\u4e00-\u9fff] ?[,:;?!()]", text), text


@every_letter
def test_a_text_message_is_short(kind: NotificationKind, locale: Locale) -> None:
    letter = full_letter(
        kind,
        locale,
        order_number="EC-20261121-8F3K2M9Z",
        name="A very long name " * 20,
        reason="A very long reason, told by a person. " * 20,
    )
    body = render_sms(letter).body
    if locale == "zh-CN":
        assert len(body) <= 70
    else:
        assert set(body) <= GSM7
        assert len(body) <= 160


@every_letter
def test_markup_in_what_customers_and_shops_write_is_only_text(
    kind: NotificationKind, locale: Locale
) -> None:
    evil = '<img src=x onerror="alert(1)">{{ 7 * 7 }}'
    letter = full_letter(kind, locale, name=evil, location=evil, reason=evil, carrier=evil)
    items = tuple(item.model_copy(update={"name": evil}) for item in letter.items)
    shortages = tuple(short.model_copy(update={"name": evil}) for short in letter.shortages)
    html = render_email(letter.model_copy(update={"items": items, "shortages": shortages})).html
    assert "<img" not in html
    assert "49" not in "".join(read(html).seen)
    assert "&lt;img" in html


def test_a_link_cannot_leave_its_attribute() -> None:
    url = 'https://shop.example.com/"><script>alert(1)</script>'
    html = render_email(full_letter(K.ORDER_SHIPPED, "en", tracking_url=url)).html
    assert read(html).links == [url]
    assert "script" not in read(html).elements


def test_a_letter_without_a_name_still_greets() -> None:
    assert "\nHello,\n" in render_email(bare_letter(K.ORDER_CONFIRMED, "en", name="")).text
    assert "\n您好：\n" in render_email(bare_letter(K.ORDER_CONFIRMED, "zh-CN", name="\r\n")).text


def test_a_mail_with_fifty_lines_is_not_clipped_by_mail_programs() -> None:
    letter = full_letter(K.ORDER_CONFIRMED, "zh-CN")
    line = letter.items[0]
    many = letter.model_copy(update={"items": (line,) * 50})
    # Gmail cuts a mail at 102 kB.
    assert len(render_email(many).html.encode()) < 60_000


def test_yen_have_no_decimals() -> None:
    words = wording("en")
    assert words.money(cny("1234.5")) == "CN¥1,234.50"
    assert words.money(cny("1234.5").model_copy(update={"currency": "JPY"})) == "¥123,450"
