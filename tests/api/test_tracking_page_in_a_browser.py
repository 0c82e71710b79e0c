"""A real browser shows the page and sends its form, and finds nothing that its policy forbids."""

from __future__ import annotations

import struct
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from domain.tracking import TrackingStatus
from tests.browser import CHROMIUM, Tab, tab
from tests.customer_page import add_parcel, link, set_to
from tests.house import House, Json
from tests.workflows.returning import delivered

WIDTHS = {"phone": 390, "desk": 1200}
# What a browser says of every answer that is not a success, policies or not.
REFUSED = "network: Failed to load resource: the server responded with a status of 422"

pytestmark = pytest.mark.skipif(not CHROMIUM, reason="chromium is not installed")


@pytest.fixture
async def shipped(house: House) -> AsyncIterator[Json]:
    product = await house.add_product(stock=10)
    placed = await house.place(product)
    await add_parcel(house, placed["orderId"], TrackingStatus.OUT_FOR_DELIVERY)
    await set_to(house, placed["orderId"], status="shipped", payment_status="paid")
    yield placed
    await house.forget(placed["orderId"], product)


@pytest.fixture
async def page(tmp_path: Path) -> AsyncIterator[Tab]:
    async with tab(tmp_path) as opened:
        yield opened


async def fits(page: Tab) -> bool:
    """Whether nobody has to scroll sideways."""
    root = "document.documentElement"
    return bool(await page.look(f"{root}.scrollWidth <= {root}.clientWidth"))


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", WIDTHS.values(), ids=WIDTHS)
@pytest.mark.parametrize("lang", ["zh", "en"])
async def test_the_page_is_drawn_and_breaks_no_policy(
    house: House, shipped: Json, page: Tab, tmp_path: Path, width: int, lang: str, *, dark: bool
) -> None:
    picture = tmp_path / "page.png"
    await page.show(width, 900, dark=dark)
    await page.open(link(house, shipped["orderNumber"], lang=lang))
    await page.picture(picture)

    assert page.complaints == []
    assert await fits(page)
    assert struct.unpack(">I", picture.read_bytes()[16:20]) == (width,)
    # A page that was not styled or not drawn is a much smaller picture.
    assert picture.stat().st_size > 15_000


async def test_the_browser_reads_the_progress_as_a_list(
    house: House, shipped: Json, page: Tab
) -> None:
    await page.open(link(house, shipped["orderNumber"], lang="en"))

    current = "[...document.querySelectorAll('ol > [aria-current=step]')].map(e => e.innerText)"
    (shown,) = await page.look(current)
    assert shown.startswith("Shipped")
    assert "Out for delivery" in await page.look("document.body.innerText")
    assert await page.look("document.scripts.length") == 0


async def test_a_browser_that_meets_a_forbidden_style_complains(
    house: House, shipped: Json, page: Tab
) -> None:
    await page.open(link(house, shipped["orderNumber"]))
    await page.look("document.body.setAttribute('style', 'color: red')")
    await page.until("document.body.hasAttribute('style')")
    (complaint,) = page.complaints
    assert complaint.startswith("security: Applying inline style violates")


@pytest.mark.parametrize("width", WIDTHS.values(), ids=WIDTHS)
@pytest.mark.parametrize("lang", ["zh", "en"])
async def test_a_customer_asks_for_a_return_without_a_script(
    house: House, page: Tab, width: int, lang: str
) -> None:
    order = await delivered(house, await house.add_product(stock=2), quantity=2)
    await page.show(width, 900)
    await page.open(link(house, order["orderNumber"], lang=lang))

    await page.click(".jump")
    await page.click("summary.button")
    await page.choose("#cause", "damaged")
    await page.click("#kind-exchange")
    await page.type("#note", "盖子裂了 <b>\n")
    await page.click("form button")

    await page.until("document.querySelector('.problem')")
    assert await page.look("document.activeElement.id") == "answer"
    assert await fits(page)
    await page.click(".problem a")
    assert await page.look("document.activeElement.id") == "items"
    await page.choose("#line-1", "1")
    await page.click("form button")

    await page.until("document.querySelector('.return')")
    (case,) = (await house.order(order["orderId"]))["returns"]
    assert (case["kind"], case["reason"]) == ("exchange", "damaged: 盖子裂了 <b>")
    assert await page.look("document.activeElement.id") == case["returnId"]
    assert await page.look("location.pathname") == f"/t/{order['orderNumber']}"
    assert await fits(page)
    assert [complaint[: len(REFUSED)] for complaint in page.complaints] == [REFUSED]


async def test_every_field_of_the_form_has_a_name_that_is_read_out(house: House, page: Tab) -> None:
    order = await delivered(house, await house.add_product(stock=2), quantity=1)
    await page.open(link(house, order["orderNumber"], lang="en"))
    await page.click("summary.button")

    tree = await page.tell("Accessibility.getFullAXTree")
    named = {
        (node["role"]["value"], node["name"]["value"])
        for node in tree["nodes"]
        if not node["ignored"] and "name" in node
    }
    assert named >= {
        ("group", "Which items, and how many?"),
        ("combobox", "测试"),
        ("group", "What would you like?"),
        ("radio", "My money back"),
        ("radio", "The same items again"),
        ("combobox", "Reason (optional)"),
        ("textbox", "Tell us more (optional)"),
        ("button", "Send request"),
    }
