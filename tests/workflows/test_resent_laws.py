"""The audit finds what is wrong with goods that were sent again for a lost parcel."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from db.laws.resent import CHECKS
from tests.house import House
from tests.workflows.journey import ship
from tests.workflows.test_resent_again import third_order
from tests.workflows.test_resent_troubles import bring, pass_a_day, send_again

_LATER = "UPDATE orders SET updated_at = now() - interval '1 day' WHERE id = '{first}'"


async def found_after(house: House, *wrongs: str) -> str:
    """What the audit would say if these statements were true; they are undone."""
    async with house.sessions() as session:
        for wrong in wrongs:
            await session.execute(text(wrong))
        told = [line for check in CHECKS for line in await session.scalars(text(check.violations))]
        await session.rollback()
    return "\n".join(told)


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ("UPDATE refunds SET lines = '{{\"1\": 0}}' WHERE order_id = '{first}'", "but 1 came"),
        ("UPDATE orders SET status = 'refunded' WHERE id = '{again}'", "counts as delivered, but"),
        (
            "UPDATE order_items SET quantity = 3 WHERE order_id = '{again}'",
            "sends 3 × {product} again, but 2 were in parcel",
        ),
    ],
)
async def test_goods_that_were_sent_again_are_audited(house: House, wrong: str, told: str) -> None:
    product = await house.add_product(stock=5)
    first, number = await ship(house, product, quantity=2)
    again = await send_again(house, first, number)
    await bring(house, again, missing=[f"{product}:1:not_found"])
    await house.until(first, status="delivered", paymentStatus="partially_refunded")
    names = {"first": first, "again": again["orderId"], "product": product}

    assert product not in await found_after(house, _LATER.format(**names))
    assert told.format(**names) in await found_after(
        house, _LATER.format(**names), wrong.format(**names)
    )


async def test_what_a_third_parcel_lacks_is_audited(house: House) -> None:
    product = await house.add_product(stock=8)
    first, number = await ship(house, product, quantity=2)
    second, third = await third_order(house, first, number)
    await bring(house, third, missing=[f"{product}:1:not_found"])
    await pass_a_day(house, second["orderId"])
    await house.until(first, status="delivered", paymentStatus="partially_refunded")
    late = _LATER.format(first=first)
    unpaid = f"UPDATE refunds SET lines = '{{\"1\": 0}}' WHERE order_id = '{first}'"  # noqa: S608

    assert product not in await found_after(house, late)
    assert "but 1 came" in await found_after(house, late, unpaid)
