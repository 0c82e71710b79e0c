"""What each kind of letter tells its reader."""

from __future__ import annotations

import re
from typing import get_args

import pytest

from domain.money import Money
from domain.notification import NotificationKind
from domain.order import Locale
from domain.tracking import TrackingStatus
from gateways.messaging.letters import push_extra, render_email, render_sms, sms_params
from gateways.messaging.wording import wording
from tests.gateways.messaging.reading import both, read
from tests.gateways.messaging.samples import ITEMS, cny, full_letter

K = NotificationKind
every_locale = pytest.mark.parametrize("locale", get_args(Locale))


@pytest.mark.parametrize(
    ("kind", "subject"),
    [
        (K.ORDER_CONFIRMED, "订单确认 - EC-20261121-8F3K2M"),
        (K.ORDER_SHIPPED, "您的订单已发货 - EC-20261121-8F3K2M"),
        (K.ORDER_DELIVERED, "订单已送达 - EC-20261121-8F3K2M"),
        (K.REVIEW_INVITATION, "分享您的购物体验 - EC-20261121-8F3K2M"),
    ],
)
def test_chinese_subjects_are_the_shops(kind: NotificationKind, subject: str) -> None:
    assert render_email(full_letter(kind, "zh-CN")).subject == subject


@every_locale
def test_a_confirmation_lists_lines_and_totals(locale: Locale) -> None:
    letter = full_letter(K.ORDER_CONFIRMED, locale)
    for part in both(letter):
        for name in ITEMS[locale]:
            assert name in part
        for amount in ("¥1,234.50", "¥119.70", "¥1,354.20", "¥50.00", "¥1,304.20"):
            assert amount in part


@every_locale
def test_a_shipment_tells_carrier_number_link_and_day(locale: Locale) -> None:
    letter = full_letter(K.ORDER_SHIPPED, locale)
    carrier = {"zh-CN": "顺丰速运", "en": "SF Express"}[locale]
    day = {"zh-CN": "11月24日（周二）", "en": "Tue, Nov 24"}[locale]
    for part in both(letter):
        assert all(fact in part for fact in (carrier, "SF123456789012", day))
    mail = render_email(letter)
    assert letter.tracking_url in mail.text
    assert read(mail.html).links == [letter.tracking_url]


def test_times_are_told_in_china_and_say_so() -> None:
    letter = full_letter(K.ORDER_DELIVERED, "en")
    assert "Nov 24, 2026, 2:05 PM (UTC+8)" in render_email(letter).text
    letter = full_letter(K.ORDER_DELIVERED, "zh-CN")
    assert "2026年11月24日 14:05" in render_email(letter).text
    assert "北京时间" in render_email(letter).text


@every_locale
def test_a_failed_payment_tells_why_how_to_try_again_and_until_when(locale: Locale) -> None:
    letter = full_letter(K.PAYMENT_FAILED, locale)
    why = {"zh-CN": "余额不足", "en": "insufficient funds"}[locale]
    how = {"zh-CN": "如何重新支付", "en": "How to try again"}[locale]
    until = {"zh-CN": "15:57", "en": "3:57 PM"}[locale]
    for part in both(letter):
        assert all(fact in part for fact in (why, how, until))
    assert until in render_sms(letter).body


@every_locale
def test_a_shortage_tells_how_much_is_missing_and_what_happens_now(locale: Locale) -> None:
    letter = full_letter(K.OUT_OF_STOCK, locale)
    patience = {"zh-CN": "7 天", "en": "7 days"}[locale]
    text, seen = both(letter)
    assert re.search(r"3 / \S+( \S+)? 1 / \S+ 2", text)
    assert re.search(r" 3 1 2 ", seen)
    assert patience in text
    assert patience in seen


@every_locale
def test_a_cancellation_names_the_money_that_goes_back(locale: Locale) -> None:
    paid = full_letter(K.ORDER_CANCELLED, locale)
    for part in (render_sms(paid).body, render_email(paid).text.split("- ")[0]):
        assert "¥1,304.20" in part


@every_locale
@pytest.mark.parametrize("refund", [None, cny("0")])
def test_a_cancellation_without_a_refund_names_no_amount(
    locale: Locale, refund: Money | None
) -> None:
    letter = full_letter(K.ORDER_CANCELLED, locale, refund_amount=refund)
    assert "¥" not in render_sms(letter).body
    assert wording(locale).labels["refund"] + wording(locale).labels["separator"] not in (
        render_email(letter).text
    )


@every_locale
def test_the_items_that_arrived_are_to_be_paid_by_a_time(locale: Locale) -> None:
    letter = full_letter(K.PAYMENT_DUE, locale)
    until = {"zh-CN": "15:57", "en": "3:57 PM"}[locale]
    for part in (*both(letter), render_sms(letter).body):
        assert until in part
        assert "¥1,304.20" in part


@every_locale
def test_a_refund_tells_the_amount_that_went_back_not_the_total(locale: Locale) -> None:
    letter = full_letter(K.ORDER_REFUNDED, locale, refund_amount=cny("99.90"))
    for part in (*both(letter), render_sms(letter).body):
        assert "¥99.90" in part
        assert "1,304.20" not in part


@every_locale
@pytest.mark.parametrize("status", TrackingStatus)
def test_every_tracking_status_has_words(locale: Locale, status: TrackingStatus) -> None:
    letter = full_letter(K.DELIVERY_UPDATE, locale, shipping_status=str(status))
    said = render_email(letter)
    assert str(status) not in said.text or locale == "en"
    assert "_" not in said.text.replace(letter.tracking_url, "")
    assert (status in wording(locale).statuses) == (status != TrackingStatus.UNKNOWN)


@every_locale
def test_a_providers_code_is_never_shown_to_a_customer(locale: Locale) -> None:
    for code in ("do_not_retry_xyz", "ACQ.TRADE_HAS_CLOSE", "ORDERNOTEXIST", "pi_3Abc", "51"):
        assert code not in render_email(full_letter(K.PAYMENT_FAILED, locale, reason=code)).text


@pytest.mark.parametrize(
    ("locale", "written", "shown"),
    [
        ("en", "Ordered twice,\r\n by mistake.", "Ordered twice, by mistake."),
        ("zh-CN", "买错了。", "买错了。"),
        ("zh-CN", "颜色不对\n想换一个", "颜色不对 想换一个。"),
    ],
)
def test_a_reason_that_a_person_wrote_is_shown_on_one_line(
    locale: Locale, written: str, shown: str
) -> None:
    for part in both(full_letter(K.ORDER_CANCELLED, locale, reason=written)):
        assert shown in part
        assert shown + shown[-1] not in part


@pytest.mark.parametrize(
    ("locale", "foreign"), [("zh-CN", "Your card was declined."), ("en", "余额不足")]
)
def test_a_reason_in_another_language_is_left_out(locale: Locale, foreign: str) -> None:
    for part in both(full_letter(K.PAYMENT_FAILED, locale, reason=foreign)):
        assert foreign.rstrip(".") not in part


@every_locale
def test_what_the_warehouse_said_stays_in_the_house(locale: Locale) -> None:
    reason = "the warehouse cannot ship the order: bin A-07 burnt down"
    letter = full_letter(K.ORDER_CANCELLED, locale, reason=reason)
    expected = {"zh-CN": "仓库无法发出这些商品", "en": "our warehouse cannot ship these items"}
    for part in both(letter):
        assert expected[locale] in part
        assert "A-07" not in part


def test_template_parameters_are_words_and_never_empty() -> None:
    params = sms_params(full_letter(K.ORDER_SHIPPED, "zh-CN"))
    assert params["carrier"] == "顺丰速运"
    assert params["tracking_number"] == "SF123456789012"
    assert all(params.values())
    assert "refund" not in params


def test_a_push_message_leads_to_its_order() -> None:
    assert push_extra(full_letter(K.ORDER_SHIPPED, "en")) == {
        "orderId": "O01JD7ZK3M4N5P6Q7R8S9TABCDE",
        "orderNumber": "EC-20261121-8F3K2M",
        "type": "order_shipped",
    }


@every_locale
def test_one_of_several_parcels_says_which_of_how_many_it_is(locale: Locale) -> None:
    letter = full_letter(
        K.ORDER_SHIPPED, locale, part=True, parcel_number=1, parcel_count=2
    ).model_copy(update={"items": full_letter(K.ORDER_SHIPPED, locale).items[:1]})
    which = {"zh-CN": "第 1 个包裹，共 2 个", "en": "parcel 1 of 2"}[locale]
    mail = render_email(letter)

    assert which in mail.subject
    for part in both(letter):
        assert which in part
        assert ITEMS[locale][0] in part
        assert ITEMS[locale][1] not in part
        # What the order costs in all is not the price of this parcel.
        assert "¥1,304.20" not in part
    assert which.replace(" ", "") in render_sms(letter).body.replace(" ", "")


@every_locale
def test_the_only_parcel_that_comes_is_not_numbered(locale: Locale) -> None:
    letter = full_letter(K.ORDER_SHIPPED, locale, part=True, parcel_number=1, parcel_count=1)

    assert render_email(letter).subject == render_email(full_letter(letter.kind, locale)).subject
