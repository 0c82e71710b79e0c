"""Which channels a customer hears of an event on: one table, and what keeps a channel silent."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from domain.notification import Channel, NotificationKind
from domain.order import Value


class Purpose(StrEnum):
    """Why a customer is told.

    No preference silences the mail of what is essential (money, or what the customer must do); an
    update may be silenced channel by channel; a promotion also waits out quiet hours and carries
    a link that ends all of them.
    """

    ESSENTIAL = "essential"
    UPDATE = "update"
    PROMOTION = "promotion"


class Rule(Value):
    """How one kind is told; `instead` names the channel that steps in for one that cannot."""

    purpose: Purpose
    channels: tuple[Channel, ...]
    instead: Mapping[Channel, Channel] = {}


class Silence(StrEnum):
    """Why a message was not even tried on a channel.

    `no_way_out` is a promotion that could not carry a link to end them.
    """

    CHANNEL_OFF = "channel_off"
    NO_ADDRESS = "no_address"
    ADDRESS_REFUSED = "address_refused"
    NOT_WANTED = "not_wanted"
    OPTED_OUT = "opted_out"
    NO_LONGER_TRUE = "no_longer_true"
    NO_WAY_OUT = "no_way_out"


_K, _C = NotificationKind, Channel
_ALL = (_C.EMAIL, _C.SMS, _C.PUSH)
_QUIETLY = (_C.EMAIL, _C.PUSH)
_TEXT_INSTEAD = {_C.EMAIL: _C.SMS}

# Mail always; the phone only for what cannot wait.
RULES: Mapping[NotificationKind, Rule] = {
    _K.ORDER_CONFIRMED: Rule(purpose=Purpose.ESSENTIAL, channels=_ALL),
    _K.ORDER_PROCESSING: Rule(purpose=Purpose.UPDATE, channels=_QUIETLY),
    _K.SHIPPING_DELAYED: Rule(purpose=Purpose.UPDATE, channels=_QUIETLY, instead=_TEXT_INSTEAD),
    _K.ORDER_SHIPPED: Rule(purpose=Purpose.UPDATE, channels=_ALL),
    _K.DELIVERY_UPDATE: Rule(purpose=Purpose.UPDATE, channels=_QUIETLY, instead=_TEXT_INSTEAD),
    _K.ORDER_DELIVERED: Rule(purpose=Purpose.UPDATE, channels=_ALL),
    _K.REVIEW_INVITATION: Rule(purpose=Purpose.PROMOTION, channels=(_C.EMAIL,)),
    _K.PAYMENT_DUE: Rule(purpose=Purpose.ESSENTIAL, channels=_ALL),
    _K.PAYMENT_FAILED: Rule(purpose=Purpose.ESSENTIAL, channels=_ALL),
    _K.OUT_OF_STOCK: Rule(purpose=Purpose.ESSENTIAL, channels=_QUIETLY, instead=_TEXT_INSTEAD),
    _K.ORDER_CANCELLED: Rule(purpose=Purpose.ESSENTIAL, channels=_ALL),
    _K.ORDER_REFUNDED: Rule(purpose=Purpose.ESSENTIAL, channels=(_C.EMAIL, _C.SMS)),
    _K.RETURN_REQUESTED: Rule(purpose=Purpose.UPDATE, channels=_QUIETLY),
    _K.RETURN_APPROVED: Rule(purpose=Purpose.ESSENTIAL, channels=_QUIETLY, instead=_TEXT_INSTEAD),
    _K.RETURN_DECLINED: Rule(purpose=Purpose.ESSENTIAL, channels=_QUIETLY, instead=_TEXT_INSTEAD),
    _K.RETURN_RECEIVED: Rule(purpose=Purpose.UPDATE, channels=_QUIETLY),
    _K.EXCHANGE_SHIPPED: Rule(purpose=Purpose.UPDATE, channels=_ALL),
    _K.RESENT_SHIPPED: Rule(purpose=Purpose.UPDATE, channels=_ALL),
}

# A customer who does not want a message on one channel does not want it on another instead.
_UNREACHABLE = frozenset({Silence.CHANNEL_OFF, Silence.NO_ADDRESS, Silence.ADDRESS_REFUSED})


class Standing(Value):
    """What is known of a customer on one channel."""

    on: bool = True
    address: bool = True
    refused: bool = False
    wanted: bool = True
    opted_out: bool = False


def silence(kind: NotificationKind, channel: Channel, standing: Standing) -> Silence | None:
    """Why this kind must not go out on this channel; None if it may."""
    if not standing.on:
        return Silence.CHANNEL_OFF
    if not standing.address:
        return Silence.NO_ADDRESS
    purpose = RULES[kind].purpose
    if purpose is Purpose.PROMOTION and standing.opted_out:
        return Silence.OPTED_OUT
    if not standing.wanted and may_be_silenced(purpose, channel):
        return Silence.NOT_WANTED
    return Silence.ADDRESS_REFUSED if standing.refused else None


def may_be_silenced(purpose: Purpose, channel: Channel) -> bool:
    """Whether a customer may switch this off: all but the mail of what is essential."""
    return purpose is not Purpose.ESSENTIAL or channel is not Channel.EMAIL


def steps_in(kind: NotificationKind, channel: Channel, why: Silence | None) -> Channel | None:
    """Who speaks for a channel that did not reach the customer.

    Args:
        kind: what the customer is told.
        channel: the one that did not.
        why: what kept it silent; None if it was tried and failed for good.
    """
    if why is not None and why not in _UNREACHABLE:
        return None
    return RULES[kind].instead.get(channel)
