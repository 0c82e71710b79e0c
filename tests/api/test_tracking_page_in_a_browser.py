"""A real browser shows the page, and finds nothing that the page's own policy forbids."""

from __future__ import annotations

import asyncio
import os
import shutil
import struct
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from domain.tracking import TrackingStatus
from tests.api.test_tracking_page import add_parcel, link, set_to
from tests.house import House, Json

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or ""
WIDTHS = {"phone": (390, 844), "desk": (1200, 900)}

pytestmark = pytest.mark.skipif(not CHROMIUM, reason="chromium is not installed")


@pytest.fixture
async def shipped(house: House) -> AsyncIterator[Json]:
    product = await house.add_product(stock=10)
    placed = await house.place(product)
    await add_parcel(house, placed["orderId"], TrackingStatus.OUT_FOR_DELIVERY)
    await set_to(house, placed["orderId"], status="shipped", payment_status="paid")
    yield placed
    await house.forget(placed["orderId"], product)


async def browse(url: str, directory: Path, *options: str) -> tuple[str, str]:
    """Open a page; the document as the browser has it, and what it complains of."""
    environment = {**os.environ, "HOME": str(directory), "LANG": "C.UTF-8"}
    process = await asyncio.create_subprocess_exec(
        CHROMIUM,
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--hide-scrollbars",
        "--enable-logging=stderr",
        "--virtual-time-budget=1000",
        f"--user-data-dir={directory / 'profile'}",
        *options,
        url,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=environment,
    )
    out, complaints = await process.communicate()
    said = [line for line in complaints.decode(errors="replace").splitlines() if "CONSOLE" in line]
    return out.decode(errors="replace"), "\n".join(said)


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("lang", ["zh", "en"])
async def test_the_page_is_drawn_and_breaks_no_policy(
    house: House, shipped: Json, tmp_path: Path, width: str, lang: str
) -> None:
    picture = tmp_path / "page.png"
    size = WIDTHS[width]
    url = link(house, shipped["orderNumber"], lang=lang)

    _, complaints = await browse(
        url, tmp_path, f"--window-size={size[0]},{size[1]}", f"--screenshot={picture}"
    )

    assert complaints == ""
    assert struct.unpack(">II", picture.read_bytes()[16:24]) == size
    # A page that was not styled or not drawn is a much smaller picture.
    assert picture.stat().st_size > 15_000


async def test_the_browser_reads_the_progress_as_a_list(
    house: House, shipped: Json, tmp_path: Path
) -> None:
    document, complaints = await browse(
        link(house, shipped["orderNumber"], lang="en"), tmp_path, "--dump-dom"
    )

    assert complaints == ""
    assert document.count('aria-current="step"') == 1
    assert "Out for delivery" in document
    assert "<script" not in document
