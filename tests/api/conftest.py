from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from tests.house import House, Json

ROOT = Path(__file__).parents[2]


@asynccontextmanager
async def calling(app: FastAPI, api_key: str = "") -> AsyncIterator[httpx.AsyncClient]:
    """A client of `app` in this process, with its start and stop."""
    headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(
            transport=httpx.ASGITransport(app, raise_app_exceptions=False),
            base_url="http://orderflow",
            headers=headers,
        ) as client,
    ):
        yield client


def codes(answer: httpx.Response) -> list[str]:
    """The codes of an answer's errors; also checks the shape that every problem has."""
    problems = answer.json()
    assert set(problems) == {"errors", "warnings"}, answer.text
    assert all(set(error) == {"code", "field", "message"} for error in problems["errors"])
    return [error["code"] for error in problems["errors"]]


@pytest.fixture
async def product(house: House) -> str:
    """A product of this test's own, 10 in stock at 100.00 CNY."""
    return await house.add_product(stock=10)


@pytest.fixture
async def placed(house: House, product: str) -> Json:
    """An order that waits to be paid."""
    return await house.place(product)
