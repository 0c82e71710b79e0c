"""The demo, as `make demo` runs it: every path, the audit, exit code 0."""

from __future__ import annotations

import re

import pytest

from tests.cli.terminal import PROJECT, Terminal


@pytest.mark.timeout(240)
async def test_the_demo_takes_orders_down_every_path_and_the_books_are_right() -> None:
    shown = await Terminal(PROJECT, {}).python("-m", "sandbox.demo")
    assert shown.code == 0, shown.out + shown.err
    for words in (
        "⏩ 24 h pass",
        "⏩ 16 min pass",
        "completed  payment paid  goods delivered",
        "cancelled  payment failed  goods pending",
        "cancelled  payment refunded  goods pending",
        "product_not_found",
        "out of stock: waits for",
        "The supplier is asked for",
        "payment declined",
        "paid too late: it goes back",
        "⏩ 60 s pass",
        "paid twice: it goes back",
        "refunded at the provider",
        "return refunded",
        "its goods are sent again",
        "Every law holds.",
        "customer told: order shipped",
        "✓ every page below opens",
    ):
        assert words in shown.out
    for provider in ("stripe", "paypal", "alipay", "wechatpay"):
        assert re.search(rf"{provider} .* delivered +paid", shown.out)
    for what, path in (
        ("All mails", ""),
        ("Its confirmation", r"/messages/\S+"),
        ("… with it as PDF", r"/messages/\S+/attachments/0"),
        ("Its customer's page", r"/t/ORD\d+\?k=\S+"),
        ("Temporal Web UI", ""),
    ):
        assert re.search(rf"{what} +http://127\.0\.0\.1:\d+{path}\n", shown.out), what
    assert "make demo ARGS=--stay" in shown.out
    assert "✗" not in shown.out
