from __future__ import annotations

import pytest

from domain.masking import masked_address, masked_name, masked_phone
from domain.order import Address


@pytest.mark.parametrize(
    ("name", "masked"), [("李薇", "李**"), ("  Ada Lovelace ", "A**"), ("堃", "堃**"), ("", "")]
)
def test_of_a_name_the_first_letter_is_left(name: str, masked: str) -> None:
    assert masked_name(name) == masked


@pytest.mark.parametrize(
    ("phone", "masked"),
    [
        ("+8613800138000", "138****8000"),
        ("+16502530000", "****0000"),
        ("+8657188888888", "****8888"),
        ("12345", "****"),
        ("", "****"),
    ],
)
def test_of_a_phone_number_the_end_is_left(phone: str, masked: str) -> None:
    assert masked_phone(phone) == masked


def test_of_an_address_the_district_is_left() -> None:
    chinese = Address(
        street="文三路 90 号", city="北京市", province="北京市", district="海淀区", country="CN"
    )
    assert masked_address(chinese) == "北京市海淀区 ****"
    abroad = Address(street="1 Main St", city="Mountain View", province="CA", country="US")
    assert masked_address(abroad) == "****, Mountain View, CA, US"
