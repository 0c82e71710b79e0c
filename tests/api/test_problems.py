"""Whatever a caller sends, a problem has one shape, and tells nothing about our insides."""

from __future__ import annotations

import logging

import httpx
import pytest
from fastapi import FastAPI

from api.app import create_app
from tests.api.conftest import calling, codes
from tests.house import House, order_for

CALLS = [
    ("POST", "/orders"),
    ("GET", "/orders/O00000000000000000000000000"),
    ("POST", "/orders/O00000000000000000000000000/payments"),
    ("POST", "/orders/O00000000000000000000000000/cancel"),
    ("POST", "/orders/O00000000000000000000000000/refunds"),
    ("POST", "/orders/O00000000000000000000000000/returns"),
    ("GET", "/tasks"),
    ("POST", "/tasks/T00000000000000000000000000/done"),
    ("POST", "/addresses/state"),
    ("POST", "/addresses/lift"),
    ("POST", "/codec/decode"),
]


@pytest.mark.parametrize(("method", "path"), CALLS)
@pytest.mark.parametrize("authorization", ["", "Bearer", "Bearer wrong", "Basic {key}", "{key}"])
async def test_without_a_key_nothing_is_told(
    house: House, method: str, path: str, authorization: str
) -> None:
    headers = {"Authorization": authorization.format(key=house.api_key)} if authorization else {}

    answer = await house.http.request(method, house.api + path, headers=headers)

    assert answer.status_code == 401
    assert codes(answer) == ["unauthorized"]
    assert answer.headers["WWW-Authenticate"] == "Bearer"


async def test_without_configured_keys_nobody_is_let_in(house: House) -> None:
    settings = house.settings.model_copy(update={"api_keys": ()})

    async with calling(create_app(settings, client=house.client)) as api:
        for authorization in ("Bearer ", "Bearer x", ""):
            answer = await api.post("/orders", headers={"Authorization": authorization})
            assert answer.status_code == 401


async def test_every_configured_key_is_accepted(house: House) -> None:
    for key in house.settings.api_keys:
        headers = {"Authorization": f"bearer {key.get_secret_value()}"}
        answer = await house.http.get(f"{house.api}/orders/O1", headers=headers)
        assert answer.status_code == 404


async def test_a_key_of_strange_bytes_is_refused(house: House) -> None:
    answer = await house.http.get(
        f"{house.api}/orders/O1", headers={b"Authorization": b"Bearer \xff\xe9"}
    )

    assert answer.status_code == 401


async def test_an_unknown_path_and_a_wrong_method_are_problems(house: House) -> None:
    unknown = await house.call("GET", "/nothing/here")
    slash = await house.call("POST", "/orders/", json={})
    method = await house.call("DELETE", "/orders")

    assert (unknown.status_code, codes(unknown)) == (404, ["not_found"])
    assert (slash.status_code, codes(slash)) == (404, ["not_found"])
    assert (method.status_code, codes(method)) == (405, ["method_not_allowed"])
    assert method.headers["Allow"] == "POST"


@pytest.mark.parametrize("length", ["announced", "hidden"])
async def test_an_order_of_more_than_a_mebibyte_is_not_read(house: House, length: str) -> None:
    async def chunks() -> object:
        for _ in range(20):
            yield b" " * 65_536

    content = b" " * 1_100_000 if length == "announced" else chunks()

    answer = await house.call("POST", "/orders", content=content)

    assert answer.status_code == 413
    assert codes(answer) == ["body_too_large"]


async def test_an_unexpected_error_shows_its_number_and_nothing_else(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    app = create_app(house.settings, client=house.client)
    _add_broken_route(app, house.api_key)

    async with calling(app) as api:
        answer = await api.get("/broken")
        metrics = await api.get("/metrics")

    assert answer.status_code == 500
    assert codes(answer) == ["internal_error"]
    assert answer.headers["X-Request-Id"] in answer.text
    assert house.api_key not in answer.text
    assert "KeyError" not in answer.text
    (record,) = [entry for entry in caplog.records if entry.message == "request_failed"]
    assert record.levelno == logging.ERROR
    assert record.__dict__["request_id"] == answer.headers["X-Request-Id"]
    assert record.__dict__["error"] == "KeyError"
    assert house.api_key not in str(record.__dict__)
    assert 'route="/broken",status="500"' in metrics.text


async def test_every_answer_carries_a_request_id_of_its_own(house: House) -> None:
    answers = [await house.http.get(f"{house.api}/health/live") for _ in range(2)]

    assert len({answer.headers["X-Request-Id"] for answer in answers}) == 2


async def test_an_order_that_was_broken_off_does_no_harm(house: House, product: str) -> None:
    async def breaks_off() -> object:
        yield b'{"customerId":'
        raise ConnectionAbortedError

    with pytest.raises(ConnectionAbortedError):
        await house.call("POST", "/orders", content=breaks_off())

    answer = await house.call("POST", "/orders", json=order_for(product))
    assert answer.status_code == 201


async def test_the_documentation_is_there(house: House) -> None:
    page = await house.http.get(f"{house.api}/docs")
    document = (await house.http.get(f"{house.api}/openapi.json")).json()

    assert page.status_code == 200
    assert {path for _, path in CALLS if path == "/orders"} <= document["paths"].keys()
    assert "/codec/{token}/decode" not in document["paths"]
    assert all(
        operation.get("summary")
        for path in document["paths"].values()
        for operation in path.values()
    )


def _add_broken_route(app: FastAPI, private: str) -> None:
    async def broken() -> httpx.Response:
        raise KeyError(private)

    app.add_api_route("/broken", broken, response_model=None)
