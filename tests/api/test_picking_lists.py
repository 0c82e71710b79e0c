from __future__ import annotations

from datetime import datetime, timedelta
from io import BytesIO
from pathlib import Path

import pytest
from pypdf import PdfReader

from tests.cli.terminal import Terminal
from tests.house import PAYLOAD_KEYS, House, Json, order_for


@pytest.fixture
async def picked(house: House) -> Json:
    """A paid express order of goods from the catalog: a cup, a kettle, a lamp."""
    items = [{"productId": product, "quantity": 1} for product in ("P1004", "P1007", "P1014")]
    body = {**order_for("P1004"), "items": items, "serviceLevel": "express"}
    answer = await house.call("POST", "/orders", json=body)
    assert answer.status_code == 201, answer.text
    placed: Json = answer.json()
    await house.pay(placed["payment"]["paymentId"])
    await house.until(placed["orderId"], status="processing")
    return placed


async def lists_of(house: House, order: Json) -> list[Json]:
    answer = await house.call("GET", f"/orders/{order['orderId']}/picking-lists")
    assert answer.status_code == 200, answer.text
    found: list[Json] = answer.json()["pickingLists"]
    return found


async def test_a_list_tells_what_is_picked_where_in_which_order_and_how_urgently(
    house: House, picked: Json
) -> None:
    (found,) = await lists_of(house, picked)
    assert (found["state"], found["warehouseId"]) == ("accepted", "WH-HZ")
    assert (found["serviceLevel"], found["priority"]) == ("express", "high")
    assert 50 <= found["priorityScore"] <= 100
    order = await house.order(picked["orderId"])
    assert order["serviceLevel"] == "express"
    placed_at = datetime.fromisoformat(order["createdAt"])
    assert datetime.fromisoformat(found["promisedAt"]) == placed_at + timedelta(hours=24)
    assert [line["step"] for line in found["lines"]] == [1, 2, 3]
    assert all(line["batch"].startswith("HZ-2611-") for line in found["lines"])
    # The kettle is heavy, cup and lamp are fragile.
    assert found["lines"][0]["productId"] == "P1007"
    route = found["route"]
    assert route["algorithm"] in {"ratliff_rosenthal", "exact"}
    assert 0 < route["distanceM"] <= route["baselineDistanceM"]
    assert route["savedM"] == pytest.approx(route["baselineDistanceM"] - route["distanceM"])


async def test_the_warehouse_got_what_the_api_shows(house: House, picked: Json) -> None:
    (found,) = await lists_of(house, picked)
    journal = await house.http.get(f"{house.simulator}/_sim/journal")
    sent = [
        entry
        for entry in journal.json()["entries"]
        if entry["operation"] == "picking_list" and entry["orderId"] == picked["orderId"]
    ]
    assert [entry["idempotencyKey"] for entry in sent] == [found["pickingListId"]]
    one = await house.call(
        "GET", f"/orders/{picked['orderId']}/picking-lists/{found['pickingListId']}"
    )
    assert one.json() == found


async def test_a_list_is_printed_with_chinese_names(house: House, picked: Json) -> None:
    (found,) = await lists_of(house, picked)
    path = f"/orders/{picked['orderId']}/picking-lists/{found['pickingListId']}.pdf"
    answer = await house.call("GET", path)
    assert answer.headers["content-type"] == "application/pdf"
    text = PdfReader(BytesIO(answer.content)).pages[0].extract_text()
    assert "青瓷品茗杯" in text
    assert "电热水壶" in text
    assert found["pickingListId"] in text


async def test_an_unpaid_order_has_no_list_and_an_unknown_one_is_not_found(
    house: House, placed: Json
) -> None:
    assert await lists_of(house, placed) == []
    base = f"/orders/{placed['orderId']}/picking-lists"
    for path in (f"{base}/K1", f"{base}/K1.pdf", "/orders/O0/picking-lists"):
        answer = await house.call("GET", path)
        assert answer.status_code == 404, path
    unsigned = await house.http.get(f"{house.api}{base}")
    assert unsigned.status_code == 401


async def test_an_order_is_standard_unless_it_says_otherwise(house: House, placed: Json) -> None:
    assert (await house.order(placed["orderId"]))["serviceLevel"] == "standard"


async def test_a_service_level_that_we_do_not_have_is_refused(house: House) -> None:
    body = {**order_for("P1004"), "serviceLevel": "yesterday"}
    answer = await house.call("POST", "/orders", json=body)
    assert answer.status_code == 422
    (error,) = answer.json()["errors"]
    assert (error["code"], error["field"]) == ("unknown_service_level", "serviceLevel")


async def test_the_command_line_shows_the_list_and_writes_the_pdf(
    house: House, picked: Json, tmp_path: Path
) -> None:
    terminal = Terminal(
        tmp_path,
        {
            "ORDERFLOW_API": house.api,
            "ORDERFLOW_API_KEY": house.api_key,
            "DATABASE_URL": house.settings.database_url,
            "PAYLOAD_KEYS": PAYLOAD_KEYS,
        },
    )
    shown = await terminal.run("picking", picked["orderNumber"], "--pdf", "list.pdf", COLUMNS="140")
    assert shown.code == 0, shown.err
    assert "saves" in shown.out
    assert "A-07-04-3" in shown.out
    assert PdfReader(tmp_path / "list.pdf").pages
    status = await terminal.run("status", picked["orderNumber"], COLUMNS="140")
    assert "goods picking  express" in status.out
    asked = await terminal.run("picking", picked["orderId"], "--json")
    assert asked.json[0]["state"] == "accepted"
