"""What goes out on which channel, what keeps it silent, and who steps in."""

from __future__ import annotations

import pytest

from domain.notification import Channel, NotificationKind
from domain.notification_rules import (
    RULES,
    Purpose,
    Silence,
    Standing,
    may_be_silenced,
    silence,
    steps_in,
)

K, C = NotificationKind, Channel


def test_every_kind_has_a_rule_and_a_mail() -> None:
    assert set(RULES) == set(NotificationKind)
    assert all(rule.channels[0] is C.EMAIL for rule in RULES.values())


def test_only_the_invitation_is_a_promotion_and_goes_by_mail_alone() -> None:
    promotions = [kind for kind, rule in RULES.items() if rule.purpose is Purpose.PROMOTION]
    assert promotions == [K.REVIEW_INVITATION]
    assert RULES[K.REVIEW_INVITATION].channels == (C.EMAIL,)


def test_only_a_text_steps_in_and_never_for_a_promotion() -> None:
    """Two runs may tell at once: a text is claimed first. And nobody waits for the morning then."""
    with_stand_ins = [rule for rule in RULES.values() if rule.instead]
    assert with_stand_ins
    for rule in with_stand_ins:
        assert dict(rule.instead) == {C.EMAIL: C.SMS}
        assert C.SMS not in rule.channels
        assert rule.purpose is not Purpose.PROMOTION


def test_what_cannot_wait_reaches_the_phone() -> None:
    on_the_phone = {kind for kind, rule in RULES.items() if C.SMS in rule.channels}
    assert on_the_phone == {
        K.ORDER_CONFIRMED,
        K.ORDER_SHIPPED,
        K.ORDER_DELIVERED,
        K.PAYMENT_DUE,
        K.PAYMENT_FAILED,
        K.ORDER_CANCELLED,
        K.ORDER_REFUNDED,
        K.EXCHANGE_SHIPPED,
        K.RESENT_SHIPPED,
    }


@pytest.mark.parametrize(
    ("kind", "channel", "standing", "why"),
    [
        (K.ORDER_CONFIRMED, C.EMAIL, Standing(), None),
        (K.ORDER_CONFIRMED, C.SMS, Standing(on=False), Silence.CHANNEL_OFF),
        (K.ORDER_CONFIRMED, C.PUSH, Standing(address=False), Silence.NO_ADDRESS),
        (K.ORDER_CONFIRMED, C.EMAIL, Standing(wanted=False), None),
        (K.ORDER_CONFIRMED, C.SMS, Standing(wanted=False), Silence.NOT_WANTED),
        (K.ORDER_PROCESSING, C.EMAIL, Standing(wanted=False), Silence.NOT_WANTED),
        (K.ORDER_CONFIRMED, C.EMAIL, Standing(opted_out=True), None),
        (K.REVIEW_INVITATION, C.EMAIL, Standing(opted_out=True), Silence.OPTED_OUT),
        (K.REVIEW_INVITATION, C.EMAIL, Standing(wanted=False), Silence.NOT_WANTED),
        (K.ORDER_SHIPPED, C.SMS, Standing(refused=True), Silence.ADDRESS_REFUSED),
    ],
)
def test_what_keeps_a_channel_silent(
    kind: NotificationKind, channel: Channel, standing: Standing, why: Silence | None
) -> None:
    assert silence(kind, channel, standing) is why


def test_only_the_mail_of_what_is_essential_cannot_be_switched_off() -> None:
    fixed = {(p, c) for p in Purpose for c in Channel if not may_be_silenced(p, c)}
    assert fixed == {(Purpose.ESSENTIAL, C.EMAIL)}


@pytest.mark.parametrize(
    ("kind", "channel", "why", "other"),
    [
        (K.OUT_OF_STOCK, C.EMAIL, None, C.SMS),
        (K.OUT_OF_STOCK, C.EMAIL, Silence.ADDRESS_REFUSED, C.SMS),
        (K.OUT_OF_STOCK, C.EMAIL, Silence.NO_ADDRESS, C.SMS),
        (K.OUT_OF_STOCK, C.PUSH, None, None),
        (K.DELIVERY_UPDATE, C.EMAIL, Silence.NOT_WANTED, None),
        (K.DELIVERY_UPDATE, C.EMAIL, Silence.NO_LONGER_TRUE, None),
        (K.REVIEW_INVITATION, C.EMAIL, None, None),
        (K.ORDER_CONFIRMED, C.EMAIL, None, None),
    ],
)
def test_who_steps_in_for_a_channel_that_cannot(
    kind: NotificationKind, channel: Channel, why: Silence | None, other: Channel | None
) -> None:
    assert steps_in(kind, channel, why) is other


def test_a_channel_never_steps_in_where_it_speaks_anyway() -> None:
    for rule in RULES.values():
        assert not set(rule.instead.values()) & set(rule.channels)
