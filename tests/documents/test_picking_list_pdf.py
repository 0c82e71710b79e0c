from __future__ import annotations

from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import cast

from pypdf import PdfReader
from pypdf.generic import DictionaryObject
from reportlab.lib.pagesizes import A4

from db.warehouse_layouts import warehouse_layouts
from documents.picking_list import render_picking_list
from domain.fulfillment import PickingLine, PickingList
from domain.order import Address
from domain.picking_route import plan_route

NOW = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)


def piece(name: str, bin_code: str, weight_g: int = 100, *, fragile: bool = False) -> PickingLine:
    return PickingLine(
        sku=f"SKU-{bin_code}",
        product_id="P1",
        name=name,
        quantity=3,
        bin=bin_code,
        weight_g=weight_g,
        length_mm=420,
        width_mm=320,
        height_mm=220,
        fragile=fragile,
        batch="HZ-2611-007",
    )


def picking_list(*lines: PickingLine, instructions: str = "") -> PickingList:
    picked, route = plan_route(lines, warehouse_layouts()["WH-HZ"])
    return PickingList(
        picking_list_id="K4PDRNVPA4XDKZH5CB4GXQRB69A",
        order_id="O3F7S3KBAJE7M119RX3WAF3MH66",
        order_number="ORD2611217654321",
        warehouse_id="WH-HZ",
        priority="high",
        priority_score=63,
        service_level="express",
        promised_at=NOW + timedelta(hours=9),
        route=route,
        lines=picked,
        recipient="李薇",
        phone="+8613800138000",
        address=Address(street="文三路 90 号", city="杭州市", country="CN"),
        special_instructions=instructions,
        created_at=NOW,
    )


TEA = piece("西湖龙井 100 克", "A-01-01-1")
SET = piece("景德镇手绘茶具八件套", "B-12-02-2", 3200, fragile=True)
KETTLE = piece("电热水壶 1.7 升", "A-07-04-3", 1250)


def read(content: bytes) -> PdfReader:
    return PdfReader(BytesIO(content))


def words(content: bytes) -> str:
    return "\n".join(page.extract_text() for page in read(content).pages)


def test_a_picker_finds_everything_on_the_paper() -> None:
    paper = words(render_picking_list(picking_list(TEA, SET, KETTLE, instructions="多包一层")))
    for text in ("西湖龙井 100 克", "景德镇手绘茶具八件套", "电热水壶 1.7 升", "多包一层"):
        assert text in paper
    for text in ("A-01-01-1", "420 × 320 × 220", "3200 g", "HZ-2611-007", "ORD2611217654321"):
        assert text in paper
    assert "易碎 FRAGILE" in paper
    assert "重 HEAVY" in paper
    assert "高 HIGH · 63" in paper
    assert "加急 Express" in paper
    # The warehouse's clock, not ours.
    assert "2026-11-22 03:00" in paper
    assert paper.index("电热水壶") < paper.index("景德镇")


def test_the_paper_says_how_many_meters_the_route_saves() -> None:
    written = picking_list(TEA, SET, KETTLE)
    assert written.route is not None
    paper = words(render_picking_list(written))
    assert f"Saves {written.route.saved_m:.1f} m" in paper
    assert f"Route {written.route.distance_m:.1f} m" in paper
    assert f"S-shape {written.route.baseline_distance_m:.1f} m" in paper


def test_a_picker_does_not_learn_who_the_customer_is() -> None:
    paper = words(render_picking_list(picking_list(TEA)))
    for secret in ("李薇", "13800138000", "文三路"):
        assert secret not in paper


def test_the_page_is_a4_and_both_fonts_are_in_the_file() -> None:
    page = read(render_picking_list(picking_list(TEA))).pages[0]
    assert [round(float(side)) for side in page.mediabox[2:]] == [round(side) for side in A4]
    resources = cast(DictionaryObject, page["/Resources"])
    fonts = cast(DictionaryObject, resources["/Font"])
    described = [cast(DictionaryObject, font.get_object()) for font in fonts.values()]
    embedded = [font for font in described if "/FontFile2" in font.get("/FontDescriptor", {})]
    names = {str(font["/BaseFont"]) for font in embedded}
    assert any("Bold" in name for name in names)
    assert any("Bold" not in name for name in names)


def test_the_same_list_gives_the_same_bytes() -> None:
    assert render_picking_list(picking_list(TEA, SET)) == render_picking_list(
        picking_list(TEA, SET)
    )


def test_a_long_list_has_its_head_on_every_page() -> None:
    lines = [piece(f"商品 {n}", f"A-{n % 12 + 1:02}-{n % 9 + 1:02}-1") for n in range(60)]
    found = read(render_picking_list(picking_list(*lines)))
    assert len(found.pages) > 1
    for number, page in enumerate(found.pages, 1):
        text = page.extract_text()
        assert f"{number} / {len(found.pages)}" in text
        assert "货位 Bin" in text


def test_whatever_a_name_or_a_note_holds_is_printed_as_text() -> None:
    strange = piece("<b>杯</b> & <a href='x'>\x00\u202e🍵 堃玥體" + "长" * 400, "堃-01-01-1")
    paper = words(
        render_picking_list(picking_list(strange, instructions="<img src='/etc'/> &amp;"))
    )
    assert "<b>杯</b> & <a href='x'> 堃玥體" in paper.replace("\n", "")
    assert "<img src='/etc'/> &amp;" in paper


def test_a_list_from_before_there_were_routes_is_printed_as_well() -> None:
    old = picking_list(TEA).model_copy(update={"route": None, "promised_at": None})
    paper = words(render_picking_list(old))
    assert "西湖龙井" in paper
    assert "S-shape" not in paper


def test_bins_that_are_on_no_map_are_warned_of() -> None:
    lost = piece("雨伞", "somewhere")
    assert "bin somewhere" in words(render_picking_list(picking_list(TEA, lost)))
