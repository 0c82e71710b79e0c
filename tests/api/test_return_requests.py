"""How returns are asked for over HTTP, and the precise words with which they are refused."""

from __future__ import annotations

import pytest

from domain.ids import RETURN, derived_id
from tests.api.conftest import codes
from tests.house import House, Json
from tests.workflows.returning import arrive, ask, delivered, returned, until_return

UNKNOWN = derived_id(RETURN, "nobody")


@pytest.fixture
async def order(house: House) -> Json:
    """Two units at the door."""
    return await delivered(house, await house.add_product(stock=2), quantity=2)


async def test_nothing_is_returned_before_it_has_arrived(house: House, placed: Json) -> None:
    answer = await ask(house, placed, {1: 1})

    assert answer.status_code == 409
    assert codes(answer) == ["not_delivered"]


async def test_all_that_is_wrong_with_a_request_is_said_at_once(house: House, order: Json) -> None:
    answer = await house.call(
        "POST",
        f"/orders/{order['orderId']}/returns",
        json={
            "kind": "swap",
            "requestedBy": "neighbor",
            "items": [{"lineNo": 7, "quantity": 1}, {"sku": "NOT-OURS", "quantity": 0}],
        },
    )

    assert answer.status_code == 422
    assert set(codes(answer)) >= {"unknown_kind", "unknown_requester", "unknown_line"}


@pytest.mark.parametrize("body", [{}, {"items": []}, {"items": "all"}])
async def test_a_return_names_what_comes_back(house: House, order: Json, body: Json) -> None:
    answer = await house.call("POST", f"/orders/{order['orderId']}/returns", json=body)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "items"


async def test_more_units_than_arrived_are_refused_with_the_numbers(
    house: House, order: Json
) -> None:
    too_many = await ask(house, order, {1: 3})
    await returned(house, order, {1: 1})
    second = await ask(house, order, {1: 2})

    assert codes(too_many) == codes(second) == ["too_many_units"]
    assert "2 of 2 units left to return, not 3" in too_many.text
    assert "1 of 2 units left to return, not 2 (2 delivered, 1 in returns)" in second.text


async def test_a_sku_and_snake_case_are_understood(house: House, order: Json) -> None:
    sku = order["items"][0]["sku"]
    answer = await house.call(
        "POST",
        f"/orders/{order['orderId']}/returns",
        json={"items": [{"sku": sku, "quantity": "2"}], "requested_by": "operator"},
    )
    case = answer.json()

    assert answer.status_code == 202
    assert (case["state"], case["requestedBy"]) == ("approved", "operator")
    shown = await house.order(order["orderId"])
    assert [one["returnId"] for one in shown["returns"]] == [case["returnId"]]
    listed = (await house.call("GET", "/returns?state=approved&limit=500")).json()["returns"]
    assert case["returnId"] in [one["returnId"] for one in listed]


async def test_what_came_is_checked_against_the_return(house: House, order: Json) -> None:
    case = await returned(house, order, {1: 1})

    more = await arrive(house, case, {1: (2, 0)})
    nothing = await arrive(house, case, {1: (0, 0)})
    elsewhere = await arrive(house, case, {1: (1, 0)}, warehouseId="WH-404")
    unknown = await arrive(house, case, {4: (1, 0)})

    assert (more.status_code, nothing.status_code, elsewhere.status_code) == (409, 409, 409)
    assert codes(elsewhere) == ["no_shelf"]
    assert (unknown.status_code, codes(unknown)) == (422, ["unknown_line"])
    assert (await arrive(house, case, {1: (1, 0)})).status_code == 202
    assert (await arrive(house, case, {1: (1, 0)})).status_code == 202
    await until_return(house, case, "refunded")


@pytest.mark.parametrize("name", [UNKNOWN, "B404", "x" * 300])
async def test_a_return_that_is_not_there_is_not_found(house: House, name: str) -> None:
    for verb in ("approve", "reject"):
        answer = await house.call("POST", f"/returns/{name}/{verb}", json={})
        assert (answer.status_code, codes(answer)) == (404, ["return_not_found"])
    assert (await house.call("GET", f"/returns/{name}")).status_code == 404
