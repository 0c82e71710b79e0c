"""Whatever is sent as an order or an address, the answer is never an error of ours."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.api.conftest import codes
from tests.house import House, order_for

_TEXT = st.one_of(
    st.text(max_size=20),
    st.sampled_from(["\x00", "\ud800", "1e400", "０", "-0", "' OR 1=1", "\u202e", "9" * 400]),
)
_JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | _TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXT, inner, max_size=3),
    max_leaves=8,
)
_FIELDS = st.sampled_from([*order_for("P1001"), "currency", "couponCode", "locale", "pricing"])
_ORDERS = st.dictionaries(_FIELDS | _TEXT, _JSON, max_size=6)
_SPOILED = st.builds(
    lambda changes: order_for("P1001", **{str(name): value for name, value in changes.items()}),
    _ORDERS,
)
_ADDRESSES = st.dictionaries(
    st.sampled_from(["channel", "address", "customerAsked", "customer_asked"]),
    _JSON | st.sampled_from(["email", "sms", "push", "a@example.com", "+8613800138000", True]),
)
_QUICK = settings(
    max_examples=60,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@_QUICK
@given(body=_SPOILED | _ORDERS)
async def test_no_order_makes_the_api_fail(house: House, body: dict[str, Any]) -> None:
    content = json.dumps(body).encode()

    answer = await house.call("POST", "/orders", content=content)

    assert answer.status_code in {201, 202, 422}, answer.text
    if answer.status_code == 422:
        assert codes(answer)
        assert len(answer.json()["errors"]) <= 500


@_QUICK
@given(content=st.binary(max_size=200) | _JSON.map(lambda value: json.dumps(value).encode()))
async def test_no_bytes_make_the_api_fail(house: House, content: bytes) -> None:
    answer = await house.call("POST", "/orders", content=content)

    assert answer.status_code == 422
    assert codes(answer)


@_QUICK
@given(call=st.sampled_from(["state", "lift"]), body=_ADDRESSES | _JSON)
async def test_no_address_makes_the_api_fail(house: House, call: str, body: Any) -> None:
    answer = await house.call("POST", f"/addresses/{call}", content=json.dumps(body).encode())

    assert answer.status_code in {200, 422}, answer.text
    if answer.status_code == 422:
        assert codes(answer)
