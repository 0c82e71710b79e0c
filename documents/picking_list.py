"""A picking list on paper: what to take from where, in the order of walking.

In Chinese and English side by side, for whoever picks. The customer's address is not on it: a
picker needs none.
"""

from __future__ import annotations

from datetime import datetime
from io import BytesIO
from zoneinfo import ZoneInfo

from reportlab.lib.pagesizes import A4
from reportlab.lib.units import mm
from reportlab.platypus import Flowable, Paragraph, SimpleDocTemplate, Spacer, Table, TableStyle

from documents.fonts import BOLD, markup, register_fonts
from documents.pages import INK, MARGIN, QUIET, RULE, WASH, WIDTH, pages_with_foot, style
from documents.picking_marks import code, saving_bar, tick_box
from domain.fulfillment import PickingLine, PickingList
from domain.heavy_first import Weight, weight_of

# The clock on the warehouse's wall.
_ZONE = ZoneInfo("Asia/Shanghai")
_LONGEST_NAME = 300

_TITLE, _BIG = style(20, bold=True), style(11, bold=True)
_TEXT, _SMALL, _QUIET = style(9), style(8), style(7.5, quiet=True)
_NUMBER = style(11, bold=True, right=True)
_RIGHT = style(8, right=True)
_HEAD, _HEAD_RIGHT = style(7.5, quiet=True), style(7.5, quiet=True, right=True)

# Box, step, bin, goods, quantity, weight, sides, batch.
_COLUMNS = [9 * mm, 8 * mm, 27 * mm, 0, 14 * mm, 17 * mm, 32 * mm, 26 * mm]
_COLUMNS[3] = WIDTH - sum(_COLUMNS)


def render_picking_list(picking_list: PickingList) -> bytes:
    """The list as PDF, A4; the same list gives the same bytes. It takes a while: use a thread."""
    register_fonts()
    file = BytesIO()
    document = SimpleDocTemplate(
        file,
        pagesize=A4,
        leftMargin=MARGIN - 6,
        rightMargin=MARGIN - 6,
        topMargin=14 * mm,
        bottomMargin=18 * mm,
        title=f"拣货单 {picking_list.order_number}",
        author="Orderflow",
        lang="zh-CN",
    )
    foot = f"{picking_list.order_number}  ·  {picking_list.picking_list_id}"
    document.build(_story(picking_list), canvasmaker=pages_with_foot(foot))
    return file.getvalue()


def _story(picking_list: PickingList) -> list[Flowable]:
    story: list[Flowable] = [_head(picking_list), Spacer(1, 5 * mm), _facts(picking_list)]
    if picking_list.route is not None and picking_list.route.baseline_distance_m:
        story += [Spacer(1, 4 * mm), saving_bar(picking_list.route, WIDTH)]
    if picking_list.special_instructions:
        story += [Spacer(1, 4 * mm), _note(picking_list.special_instructions)]
    story += [Spacer(1, 5 * mm), _lines(picking_list)]
    for warning in picking_list.route.warnings if picking_list.route else ():
        story += [Spacer(1, 2 * mm), Paragraph(markup(f"! {warning}"), _SMALL)]
    return [*story, Spacer(1, 10 * mm), _signature()]


def _head(picking_list: PickingList) -> Table:
    words = [
        Paragraph("拣货单 <font size=11 color='#6b7280'>Picking list</font>", _TITLE),
        Spacer(1, 2 * mm),
        Paragraph(markup(picking_list.order_number, BOLD), _BIG),
        Paragraph(markup(picking_list.picking_list_id), _QUIET),
    ]
    side = 22 * mm
    table = Table(
        [[words, code(picking_list.picking_list_id, side)]], colWidths=[WIDTH - side, side]
    )
    return _plain(table)


def _facts(picking_list: PickingList) -> Table:
    pieces = sum(line.quantity for line in picking_list.lines)
    grams = sum(line.quantity * line.weight_g for line in picking_list.lines)
    high = picking_list.priority == "high"
    service = "加急 Express" if picking_list.service_level == "express" else "标准 Standard"
    facts = (
        ("仓库 Warehouse", picking_list.warehouse_id),
        (
            "优先级 Priority",
            f"{'高 HIGH' if high else '普通 Normal'} · {picking_list.priority_score}",
        ),
        ("服务 Service", service),
        ("最迟发货 Leaves by", _clock(picking_list.promised_at)),
        ("件数 · 重量 Pieces", f"{pieces} · {grams / 1000:.2f} kg"),
    )
    table = Table(
        [
            [Paragraph(name, _QUIET) for name, _ in facts],
            [
                Paragraph(markup(value), style(9, bold=name.startswith("优") and high))
                for name, value in facts
            ],
        ],
        colWidths=[WIDTH * share for share in (0.16, 0.18, 0.19, 0.24, 0.23)],
    )
    table.setStyle(
        TableStyle(
            [
                ("BACKGROUND", (0, 0), (-1, -1), WASH),
                ("LEFTPADDING", (0, 0), (-1, -1), 8),
                ("TOPPADDING", (0, 1), (-1, 1), 0),
                ("BOTTOMPADDING", (0, 1), (-1, 1), 7),
            ]
        )
    )
    return table


def _note(text: str) -> Table:
    table = Table([[Paragraph(f"备注 Note：{markup(text)}", _TEXT)]], colWidths=[WIDTH])
    table.setStyle(TableStyle([("BOX", (0, 0), (-1, -1), 0.8, INK)]))
    return table


def _lines(picking_list: PickingList) -> Table:
    labels = (
        "",
        "#",
        "货位 Bin",
        "商品 Item",
        "数量 Qty",
        "单重 Each",
        "长×宽×高 mm",
        "批次 Batch",
    )
    right = {"数量 Qty", "单重 Each"}
    rows: list[list[Flowable]] = [
        [Paragraph(label, _HEAD_RIGHT if label in right else _HEAD) for label in labels]
    ]
    rows += [_row(line) for line in picking_list.lines]
    table = Table(rows, colWidths=_COLUMNS, repeatRows=1)
    table.setStyle(
        TableStyle(
            [
                ("LINEBELOW", (0, 0), (-1, 0), 0.8, INK),
                ("LINEBELOW", (0, 1), (-1, -1), 0.5, RULE),
                ("VALIGN", (0, 1), (-1, -1), "MIDDLE"),
                ("LEFTPADDING", (0, 0), (-1, -1), 3),
                ("RIGHTPADDING", (0, 0), (-1, -1), 3),
                ("TOPPADDING", (0, 1), (-1, -1), 5),
                ("BOTTOMPADDING", (0, 1), (-1, -1), 6),
                ("LEFTPADDING", (6, 0), (6, -1), 12),
            ]
        )
    )
    return table


def _row(line: PickingLine) -> list[Flowable]:
    sides = f"{line.length_mm} × {line.width_mm} × {line.height_mm}"
    return [
        tick_box(),
        Paragraph(str(line.step or ""), _QUIET),
        Paragraph(markup(line.bin, BOLD), _BIG),
        Paragraph(
            f"{markup(line.name[:_LONGEST_NAME])}<br/>"
            f"<font size=7.5 color='#6b7280'>{markup(line.sku)}</font>{_warning(line)}",
            _TEXT,
        ),
        Paragraph(str(line.quantity), _NUMBER),
        Paragraph(f"{line.weight_g} g", _RIGHT),
        Paragraph(sides, _SMALL),
        Paragraph(markup(line.batch) or "—", _SMALL),
    ]


def _warning(line: PickingLine) -> str:
    match weight_of(line.weight_g, fragile=line.fragile):
        case Weight.FRAGILE:
            words = "易碎 FRAGILE"
        case Weight.HEAVY:
            words = "重 HEAVY"
        case Weight.LIGHT:
            return ""
    return f"  <font name='{BOLD}' size=7.5>[{words}]</font>"


def _signature() -> Table:
    line = "_" * 20
    people = [f"拣货 Picked by {line}", f"复核 Checked by {line}"]
    quiet = style(9, quiet=True)
    return _plain(Table([[Paragraph(text, quiet) for text in people]], colWidths=[WIDTH / 2] * 2))


def _plain(table: Table) -> Table:
    table.setStyle(
        TableStyle(
            [
                ("LEFTPADDING", (0, 0), (-1, -1), 0),
                ("RIGHTPADDING", (0, 0), (-1, -1), 0),
                ("VALIGN", (0, 0), (-1, -1), "TOP"),
                ("TEXTCOLOR", (0, 0), (-1, -1), QUIET),
            ]
        )
    )
    return table


def _clock(at: datetime | None) -> str:
    return f"{at.astimezone(_ZONE):%Y-%m-%d %H:%M}" if at else "—"
