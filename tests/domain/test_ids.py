from __future__ import annotations

import re
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain import ids


@given(source=st.uuids(), prefix=st.sampled_from([ids.ORDER, ids.PAYMENT, ids.REFUND, ids.HOLD]))
def test_an_id_is_one_that_every_provider_accepts(source: UUID, prefix: str) -> None:
    assert re.fullmatch(rf"{prefix}[0-9A-HJKMNP-TV-Z]{{26}}", ids.encode_id(prefix, source))


@given(one=st.uuids(), other=st.uuids())
def test_different_sources_make_different_ids(one: UUID, other: UUID) -> None:
    same = ids.encode_id("O", one) == ids.encode_id("O", other)
    assert same == (one == other)


def test_a_derived_id_depends_on_its_parts_and_on_where_they_end() -> None:
    assert ids.derived_id("P", "a", "bc") == ids.derived_id("P", "a", "bc")
    assert ids.derived_id("P", "a", "bc") != ids.derived_id("P", "ab", "c")
    assert ids.derived_id("P", "a") != ids.derived_id("R", "a")


@pytest.mark.parametrize(("number", "key"), [(1, "P1:create:1"), (2, "P1:create:2")])
def test_an_idempotency_key_names_one_intended_effect(number: int, key: str) -> None:
    assert ids.idempotency_key("P1", "create", number) == key


def test_a_workflow_is_found_by_its_order() -> None:
    assert ids.order_workflow_id("O123") == "order-O123"
