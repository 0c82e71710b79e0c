"""An order on paper: what was bought, what it costs, and where it goes."""

from __future__ import annotations

from io import BytesIO

from reportlab.lib.pagesizes import A4
from reportlab.lib.units import mm
from reportlab.platypus import Flowable, Paragraph, SimpleDocTemplate, Spacer, Table, TableStyle

from documents.fonts import BOLD, markup, register_fonts
from documents.order_words import OrderWords, order_words
from documents.pages import ACCENT, INK, RULE, pages_with_foot, style
from domain.money import Money
from domain.order import Address, Order, OrderLine

_MARGIN = 20 * mm
_WIDTH = A4[0] - 2 * _MARGIN
# A row that is taller than a page could not be laid out.
_LONGEST_NAME = 300
_COLUMNS = (_WIDTH - 85 * mm, 30 * mm, 20 * mm, 35 * mm)

_TITLE, _TEXT, _NUMBER = style(20, bold=True), style(9.5), style(9.5, right=True)
_LABEL, _HEAD_NUMBER, _SMALL = (
    style(9, quiet=True),
    style(9, quiet=True, right=True),
    style(8, quiet=True),
)
_GRAND = style(12, bold=True, right=True)
_SHOP = style(11, bold=True).clone("shop", textColor=ACCENT)


def render_order(order: Order) -> bytes:
    """The order as a PDF in its own language; the same order gives the same bytes.

    Takes about 20 ms of processor time: call it in a thread.
    """
    register_fonts()
    words = order_words(order.locale)
    buffer = BytesIO()
    document = SimpleDocTemplate(
        buffer,
        pagesize=A4,
        # reportlab's frames have 6 points of padding of their own.
        leftMargin=_MARGIN - 6,
        rightMargin=_MARGIN - 6,
        topMargin=18 * mm,
        bottomMargin=24 * mm,
        title=f"{words.title} {order.order_number}",
        author=words.shop,
        lang=order.locale,
    )
    story: list[Flowable] = [
        Paragraph(markup(words.shop), _SHOP),
        Spacer(0, 5 * mm),
        Paragraph(markup(words.title), _TITLE),
        Spacer(0, 6 * mm),
        _facts(order, words),
        Spacer(0, 8 * mm),
        _goods(order.items, words),
        Spacer(0, 4 * mm),
        _sums(order, words),
    ]

    foot = f"{order.order_number}  ·  {words.closing}"
    document.build(story, canvasmaker=pages_with_foot(foot, page=words.page, margin=_MARGIN))
    return buffer.getvalue()


def _facts(order: Order, words: OrderWords) -> Table:
    customer = order.customer_info
    facts = [
        (words.number, order.order_number),
        (words.placed, words.time(order.created_at)),
        (words.payment, words.gateways[order.gateway]),
        (words.recipient, "  ".join(filter(None, (customer.name, customer.phone)))),
        (words.address, _address(customer.address, order)),
        (words.note, order.special_instructions),
    ]
    rows = [
        [Paragraph(markup(label), _LABEL), Paragraph(shown, _TEXT)]
        for label, value in facts
        if (shown := markup(value[:500]).strip())
    ]
    table = Table(rows, colWidths=(28 * mm, _WIDTH - 28 * mm), hAlign="LEFT")
    table.setStyle(
        TableStyle(
            [
                ("VALIGN", (0, 0), (-1, -1), "TOP"),
                ("LEFTPADDING", (0, 0), (-1, -1), 0),
                ("RIGHTPADDING", (0, 0), (-1, -1), 0),
                ("TOPPADDING", (0, 0), (-1, -1), 1.5),
                ("BOTTOMPADDING", (0, 0), (-1, -1), 1.5),
            ]
        )
    )
    return table


def _address(address: Address, order: Order) -> str:
    parts = (address.province, address.city, address.district, address.street)
    if order.locale == "zh-CN":
        # Municipalities are their own province: 北京市北京市 helps nobody.
        once = dict.fromkeys(part for part in parts if part)
        return " ".join(filter(None, ("".join(once), address.postal_code)))
    western = (address.street, address.district, address.city, address.province)
    return ", ".join(filter(None, (*western, address.postal_code, address.country)))


def _goods(lines: tuple[OrderLine, ...], words: OrderWords) -> Table:
    head: list[Flowable | list[Flowable]] = [
        Paragraph(markup(words.item), _LABEL),
        Paragraph(markup(words.price), _HEAD_NUMBER),
        Paragraph(markup(words.quantity), _HEAD_NUMBER),
        Paragraph(markup(words.amount), _HEAD_NUMBER),
    ]
    rows: list[list[Flowable | list[Flowable]]] = [head, *(_line(line, words) for line in lines)]
    table = Table(rows, colWidths=_COLUMNS, repeatRows=1, hAlign="LEFT")
    table.setStyle(
        TableStyle(
            [
                ("VALIGN", (0, 0), (-1, -1), "TOP"),
                ("LEFTPADDING", (0, 0), (-1, -1), 0),
                ("RIGHTPADDING", (0, 0), (-1, -1), 0),
                ("TOPPADDING", (0, 1), (-1, -1), 6),
                ("BOTTOMPADDING", (0, 0), (-1, -1), 6),
                ("LINEBELOW", (0, 0), (-1, 0), 0.8, INK),
                ("LINEBELOW", (0, 1), (-1, -1), 0.4, RULE),
            ]
        )
    )
    return table


def _line(line: OrderLine, words: OrderWords) -> list[Flowable | list[Flowable]]:
    name = Paragraph(markup(line.name[:_LONGEST_NAME]), _TEXT)
    sku = Paragraph(markup(line.sku[:60]), _SMALL)
    return [
        [name, sku],
        Paragraph(markup(words.money(line.unit_price)), _NUMBER),
        Paragraph(str(line.quantity), _NUMBER),
        Paragraph(markup(words.money(line.total_price)), _NUMBER),
    ]


def _sums(order: Order, words: OrderWords) -> Table:
    pricing = order.pricing
    sums: list[tuple[str, str]] = [(words.subtotal, words.money(pricing.subtotal))]
    if pricing.discount.minor:
        sums.append((words.discount, f"-{words.money(pricing.discount)}"))
    sums.append((words.shipping, _or_free(pricing.shipping, words)))
    if pricing.tax.minor:
        sums.append((words.tax, words.money(pricing.tax)))
    rows: list[list[Flowable]] = [
        [Paragraph(markup(label), _HEAD_NUMBER), Paragraph(markup(amount), _NUMBER)]
        for label, amount in sums
    ]
    total = words.money(pricing.total)
    rows.append([Paragraph(markup(words.total, BOLD), _GRAND), Paragraph(markup(total), _GRAND)])
    table = Table(rows, colWidths=(_WIDTH - 45 * mm, 45 * mm), hAlign="LEFT")
    table.setStyle(
        TableStyle(
            [
                ("VALIGN", (0, 0), (-1, -1), "MIDDLE"),
                ("LEFTPADDING", (0, 0), (-1, -1), 0),
                ("RIGHTPADDING", (0, 0), (-1, -1), 0),
                ("TOPPADDING", (0, 0), (-1, -2), 1),
                ("BOTTOMPADDING", (0, 0), (-1, -2), 1),
                ("TOPPADDING", (0, -1), (-1, -1), 6),
            ]
        )
    )
    return table


def _or_free(shipping: Money, words: OrderWords) -> str:
    return words.money(shipping) if shipping.minor else words.free


def order_file_name(order: Order) -> str:
    """What the file is called where the customer keeps it."""
    return f"{order_words(order.locale).title}-{order.order_number}.pdf"
