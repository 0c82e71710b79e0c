from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.activities.telling import Counter, open_counter
from tests.gateways.messaging.relay import Inbox, relay
from tests.house import House


@pytest.fixture
async def counter(house: House) -> AsyncIterator[Counter]:
    """An order to speak of, and a relay that does what it is told; both are gone afterwards."""
    inbox = Inbox()
    with relay(inbox) as port:
        counter = await open_counter(house, inbox, port)
        yield counter
    await house.forget(counter.order_id, counter.order["productId"])
