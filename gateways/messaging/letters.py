"""Letters to customers: the same facts as a mail, a text message and a push message."""

from __future__ import annotations

from functools import cache
from typing import Literal, NamedTuple

from css_inline import CSSInliner
from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template, select_autoescape

from domain.notification import EmailContent, NotificationKind, OrderLetter, ShortContent
from gateways.messaging.wording import TEMPLATES, KindWording, one_line, wording


class _Shape(NamedTuple):
    """What a mail of one kind shows around its text.

    `stage` is how many steps of the progress line are done (0: no line), `facts` are the rows of
    the summary in order; one that the letter does not know is left out. `items` are the goods with
    what they cost in all.
    """

    stage: int
    facts: tuple[str, ...]
    table: Literal["items", "goods", "shortages", ""] = "items"
    tone: Literal["normal", "attention", "closed"] = "normal"


_PARCEL = ("order_number", "carrier", "tracking_number", "estimated_delivery")
_K = NotificationKind

_SHAPES: dict[NotificationKind, _Shape] = {
    _K.ORDER_CONFIRMED: _Shape(1, ("order_number", "ordered_at")),
    _K.ORDER_PROCESSING: _Shape(2, ("order_number", "ordered_at")),
    _K.SHIPPING_DELAYED: _Shape(2, ("order_number", "ordered_at"), tone="attention"),
    _K.ORDER_SHIPPED: _Shape(3, _PARCEL),
    _K.DELIVERY_UPDATE: _Shape(3, ("status", "location", *_PARCEL), table=""),
    _K.ORDER_DELIVERED: _Shape(4, ("order_number", "delivered_at", "carrier", "tracking_number")),
    _K.REVIEW_INVITATION: _Shape(0, ("order_number", "ordered_at"), table="goods"),
    _K.PAYMENT_DUE: _Shape(0, ("order_number", "amount_due", "held_until")),
    _K.PAYMENT_FAILED: _Shape(0, ("order_number", "amount_due", "held_until"), tone="attention"),
    _K.OUT_OF_STOCK: _Shape(0, ("order_number", "ordered_at"), table="shortages", tone="attention"),
    _K.ORDER_CANCELLED: _Shape(0, ("order_number", "refund"), tone="closed"),
    _K.ORDER_REFUNDED: _Shape(0, ("order_number", "refund"), table="", tone="closed"),
    _K.RETURN_REQUESTED: _Shape(0, ("order_number", "ordered_at"), table=""),
    _K.RETURN_APPROVED: _Shape(0, ("order_number", "ordered_at"), table=""),
    _K.RETURN_DECLINED: _Shape(0, ("order_number", "ordered_at"), table="", tone="attention"),
    _K.RETURN_RECEIVED: _Shape(0, ("order_number", "refund"), table=""),
    _K.EXCHANGE_SHIPPED: _Shape(3, _PARCEL, table="goods"),
    _K.RESENT_SHIPPED: _Shape(3, _PARCEL, table="goods"),
}

_ENVIRONMENT = Environment(
    loader=FileSystemLoader(TEMPLATES),
    # Phrases are plain text; the HTML layout escapes them as it escapes everything.
    autoescape=select_autoescape(["html"], default_for_string=False),
    undefined=StrictUndefined,
    auto_reload=False,
    trim_blocks=True,
    lstrip_blocks=True,
)
_INLINER = CSSInliner(keep_at_rules=True, load_remote_stylesheets=False)


def render_email(
    letter: OrderLetter, *, page_url: str = "", unsubscribe_url: str = ""
) -> EmailContent:
    """The mail, as text and as HTML that say the same; `unsubscribe_url` is for promotions.

    Its button leads to `page_url`, the customer's page of the order; without one, in what is about
    a parcel, to the carrier's.
    """
    said = _phrases(letter)
    link = page_url or (letter.tracking_url if said.kind.button else "")
    shape = _SHAPES[letter.kind]
    if letter.part and shape.table == "items":
        # What the order costs in all is not the price of this parcel.
        shape = shape._replace(table="goods")
    page = {
        "letter": letter,
        "words": wording(letter.locale),
        "shape": shape,
        "facts": [(key, said.facts[key]) for key in _shown_facts(letter, said.facts)],
        "title": said.say(said.kind.title),
        "greeting": said.say(wording(letter.locale).greeting),
        "preheader": said.say(said.kind.push),
        "paragraphs": said.say_all(said.kind.text),
        "next_title": said.kind.next_title,
        "next_steps": said.say_all(said.kind.next),
        "link": link,
        "button": said.kind.button or wording(letter.locale).labels["order_page"],
        "unsubscribe_url": unsubscribe_url,
        "one_line": one_line,
    }
    return EmailContent(
        kind=letter.kind,
        subject=said.say(said.kind.subject),
        text=_ENVIRONMENT.get_template("layout.txt").render(page),
        html=_INLINER.inline(_ENVIRONMENT.get_template("layout.html").render(page)),
        unsubscribe_url=unsubscribe_url,
    )


def render_sms(letter: OrderLetter) -> ShortContent:
    """The text message; the provider puts the shop's signature in front of it."""
    said = _phrases(letter)
    return ShortContent(body=said.say(said.kind.sms))


def render_push(letter: OrderLetter) -> ShortContent:
    """The push message."""
    said = _phrases(letter)
    return ShortContent(title=said.say(said.kind.push_title), body=said.say(said.kind.push))


def sms_params(letter: OrderLetter) -> dict[str, str]:
    """What a provider with approved templates fills in; absent facts are left out."""
    facts = _phrases(letter).facts
    return {key: value for key, value in facts.items() if value}


def push_extra(letter: OrderLetter) -> dict[str, str]:
    """What the app needs to open the right page."""
    return {
        "orderId": letter.order_id,
        "orderNumber": letter.order_number,
        "type": str(letter.kind),
    }


class _Phrases(NamedTuple):
    """A letter's facts in words, and the phrases of its kind that they fill."""

    kind: KindWording
    facts: dict[str, str]

    def say(self, phrase: str) -> str:
        return _compiled(phrase).render(self.facts)

    def say_all(self, phrases: tuple[str, ...]) -> list[str]:
        """A phrase that has nothing to say in this letter renders empty and is dropped."""
        return [said for phrase in phrases if (said := self.say(phrase))]


@cache
def _compiled(phrase: str) -> Template:
    return _ENVIRONMENT.from_string(phrase)


def _phrases(letter: OrderLetter) -> _Phrases:
    words = wording(letter.locale)
    refund = letter.refund_amount
    several = letter.parcel_count > 1
    facts = {
        "name": one_line(letter.name, 60),
        "order_number": letter.order_number,
        "parcel_number": str(letter.parcel_number) if several else "",
        "parcel_count": str(letter.parcel_count) if several else "",
        "ordered_at": words.moment(letter.created_at),
        "amount_due": words.money(letter.pricing.total),
        "reason": words.reason(letter.reason),
        "carrier": words.carrier(letter.carrier),
        "tracking_number": one_line(letter.tracking_number),
        "tracking_url": letter.tracking_url,
        "estimated_delivery": words.day(letter.estimated_delivery),
        "status": words.statuses.get(letter.shipping_status, ""),
        "status_note": words.status_notes.get(letter.shipping_status, ""),
        "location": one_line(letter.location, 100),
        "delivered_at": words.moment(letter.delivered_at),
        "held_until": words.moment(letter.payment_expires_at),
        "refund": words.money(refund) if refund and refund.minor else "",
    }
    return _Phrases(words.kinds[letter.kind], facts)


def _shown_facts(letter: OrderLetter, facts: dict[str, str]) -> list[str]:
    return [key for key in _SHAPES[letter.kind].facts if facts[key]]
