"""A link that can do nothing but end promotions, and tells nobody whose it is."""

from __future__ import annotations

import pytest

from domain.notification import Channel
from domain.unsubscribing import InvalidToken, OptOut, address_key, read_opt_out, sign_opt_out

ADDRESS, SECRET = "Li.Wei@Example.com", "secret"


def test_a_link_leads_back_to_its_address_without_naming_it() -> None:
    token = sign_opt_out(Channel.EMAIL, ADDRESS, SECRET)
    assert "li.wei" not in token.lower()
    key = address_key(Channel.EMAIL, " li.wei@example.com ")
    assert read_opt_out(token, SECRET) == OptOut(channel=Channel.EMAIL, address_key=key)


@pytest.mark.parametrize("secret", ["", "other"])
def test_another_secret_or_none_reads_nothing(secret: str) -> None:
    with pytest.raises(InvalidToken):
        read_opt_out(sign_opt_out(Channel.EMAIL, ADDRESS, SECRET), secret)


@pytest.mark.parametrize(
    "damage",
    [
        lambda token: token[:-1],
        lambda token: token.replace("email", "sms"),
        lambda token: token[:0],
        lambda token: f".{token[:0]}.",
        lambda token: f"{token}ä",
        lambda token: token[:8] + ("0" if token[8] != "0" else "1") + token[9:],
    ],
)
def test_a_damaged_link_reads_nothing(damage: object) -> None:
    assert callable(damage)
    with pytest.raises(InvalidToken):
        read_opt_out(damage(sign_opt_out(Channel.EMAIL, ADDRESS, SECRET)), SECRET)


def test_the_same_text_on_another_channel_is_another_address() -> None:
    assert address_key(Channel.EMAIL, "1") != address_key(Channel.SMS, "1")
