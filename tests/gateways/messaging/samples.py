"""Letters of every kind, as full as they come and as bare as they come."""

from __future__ import annotations

from datetime import UTC, datetime

from domain.money import Money
from domain.notification import NotificationKind, OrderLetter, ShortLine
from domain.order import Locale, OrderLine, Pricing

PLACED = datetime(2026, 11, 21, 7, 42, tzinfo=UTC)
ITEMS = {
    "zh-CN": ("无线降噪耳机 Pro（曜石黑）", "Type-C 快充数据线 1.5 米"),
    "en": ("Wireless noise-cancelling headphones Pro, obsidian", "USB-C fast charging cable"),
}
NAMES = {"zh-CN": "王堃玥", "en": "Anna Müller"}


def cny(amount: str) -> Money:
    return Money.of(amount, "CNY")


def lines(locale: Locale) -> tuple[OrderLine, ...]:
    first, second = ITEMS[locale]
    return (
        OrderLine(
            line_no=1,
            product_id="P-100",
            sku="HP-PRO-BLK",
            name=first,
            quantity=1,
            unit_price=cny("1234.50"),
            total_price=cny("1234.50"),
        ),
        OrderLine(
            line_no=2,
            product_id="P-200",
            sku="CBL-C-15",
            name=second,
            quantity=3,
            unit_price=cny("39.90"),
            total_price=cny("119.70"),
        ),
    )


def bare_letter(kind: NotificationKind, locale: Locale, **changes: object) -> OrderLetter:
    """Only what every letter has."""
    letter = OrderLetter(
        kind=kind,
        locale=locale,
        order_id="O01JD7ZK3M4N5P6Q7R8S9TABCDE",
        order_number="EC-20261121-8F3K2M",
        customer_id="customer-7",
        name=NAMES[locale],
        email="anna@example.com",
        phone="+8613800138000",
        items=lines(locale),
        pricing=Pricing(
            subtotal=cny("1354.20"),
            shipping=cny("0"),
            tax=cny("0"),
            discount=cny("50"),
            total=cny("1304.20"),
        ),
        created_at=PLACED,
    )
    return letter.model_copy(update=changes)


def full_letter(kind: NotificationKind, locale: Locale, **changes: object) -> OrderLetter:
    """Everything that a letter of this kind may know."""
    first, _ = ITEMS[locale]
    known: dict[str, object] = {}
    if kind in {
        NotificationKind.ORDER_SHIPPED,
        NotificationKind.DELIVERY_UPDATE,
        NotificationKind.ORDER_DELIVERED,
    }:
        known |= {
            "tracking_url": "https://carrier.example.com/track?a=1&n=SF123456789012",
            "tracking_number": "SF123456789012",
            "carrier": "sf-express",
            "estimated_delivery": datetime(2026, 11, 24, 4, 0, tzinfo=UTC),
        }
    match kind:
        case NotificationKind.DELIVERY_UPDATE:
            city = {"zh-CN": "杭州市西湖区", "en": "Hangzhou"}[locale]
            known |= {"shipping_status": "out_for_delivery", "location": city}
        case NotificationKind.ORDER_DELIVERED:
            known |= {"delivered_at": datetime(2026, 11, 24, 6, 5, tzinfo=UTC)}
        case NotificationKind.PAYMENT_DUE:
            known |= {"payment_expires_at": datetime(2026, 11, 21, 7, 57, tzinfo=UTC)}
        case NotificationKind.PAYMENT_FAILED:
            known |= {
                "reason": "insufficient_funds",
                "payment_expires_at": datetime(2026, 11, 21, 7, 57, tzinfo=UTC),
            }
        case NotificationKind.OUT_OF_STOCK:
            short = ShortLine(sku="HP-PRO-BLK", name=first, requested=3, available=1, shortfall=2)
            known |= {"shortages": (short,)}
        case NotificationKind.ORDER_CANCELLED:
            known |= {"reason": "cancelled by the customer", "refund_amount": cny("1304.20")}
        case NotificationKind.ORDER_REFUNDED:
            known |= {"reason": "late payment", "refund_amount": cny("1304.20")}
        case _:
            pass
    return bare_letter(kind, locale, **known | changes)
