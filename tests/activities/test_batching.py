"""Many ask at once: served in turn, together, and each with an answer of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from activities.batching import Batcher


class Counter:
    """Answers each number with itself when it is told to; keeps what it was asked."""

    def __init__(self, *, patient: bool = False) -> None:
        self.batches: list[list[int]] = []
        self.open = asyncio.Event()
        if not patient:
            self.open.set()

    async def serve(self, numbers: Sequence[int]) -> list[int | Exception]:
        self.batches.append(list(numbers))
        await self.open.wait()
        if 404 in numbers:
            raise ConnectionError("nobody there")
        return [ValueError(f"{number} is odd") if number % 2 else number for number in numbers]


def batcher(counter: Counter, most: int = 10, at_once: int = 1) -> Batcher[int, int]:
    return Batcher(counter.serve, most=most, at_once=at_once)


async def one_turn() -> None:
    """Let everybody run who can."""
    for _ in range(5):
        await asyncio.sleep(0)


def ask(requests: Batcher[int, int], *numbers: int) -> list[asyncio.Task[int]]:
    return [asyncio.create_task(requests.submit(number)) for number in numbers]


async def test_who_asks_alone_is_served_at_once() -> None:
    counter = Counter()

    assert await batcher(counter).submit(2) == 2

    assert counter.batches == [[2]]


async def test_those_who_ask_in_the_same_moment_are_served_together() -> None:
    counter = Counter()

    assert await asyncio.gather(*ask(batcher(counter), 2, 4, 6)) == [2, 4, 6]

    assert counter.batches == [[2, 4, 6]]


async def test_those_who_come_while_others_are_served_are_the_next() -> None:
    counter = Counter(patient=True)
    requests = batcher(counter, most=3)
    asked = ask(requests, 2)
    await one_turn()
    asked += ask(requests, 4, 6)
    await one_turn()
    asked += ask(requests, 8, 10)
    await one_turn()
    assert counter.batches == [[2]]

    counter.open.set()

    assert await asyncio.gather(*asked) == [2, 4, 6, 8, 10]
    assert counter.batches == [[2], [4, 6, 8], [10]]


async def test_two_batches_at_once_share_the_work_and_no_request() -> None:
    counter = Counter(patient=True)
    requests = batcher(counter, most=2, at_once=2)
    asked = ask(requests, 2, 4, 6, 8, 10)
    await one_turn()
    assert counter.batches == [[2, 4], [6, 8]]

    counter.open.set()

    assert await asyncio.gather(*asked) == [2, 4, 6, 8, 10]
    assert counter.batches == [[2, 4], [6, 8], [10]]


async def test_nobody_hears_a_neighbor_s_bad_news() -> None:
    counter = Counter()

    answers = await asyncio.gather(*ask(batcher(counter), 2, 3, 4), return_exceptions=True)

    assert [str(answer) for answer in answers] == ["2", "3 is odd", "4"]
    assert counter.batches == [[2, 3, 4]]


async def test_a_batch_that_fails_fails_for_all_in_it_and_for_nobody_else() -> None:
    counter = Counter()
    requests = batcher(counter, most=2)

    answers = await asyncio.gather(*ask(requests, 2, 404, 4, 6), return_exceptions=True)

    assert [str(answer) for answer in answers] == ["nobody there", "nobody there", "4", "6"]


async def test_a_caller_that_gives_up_before_its_turn_is_not_served() -> None:
    counter = Counter(patient=True)
    requests = batcher(counter)
    first, second, third = ask(requests, 2, 4, 6)
    await one_turn()
    counter.batches.clear()
    late = ask(requests, 8, 10)
    await one_turn()
    late[0].cancel()
    counter.open.set()

    answers = [await asked for asked in (first, second, third, late[1])]
    assert answers == [2, 4, 6, 10]

    assert late[0].cancelled()
    assert counter.batches == [[10]]


async def test_a_caller_that_gives_up_while_served_hurts_nobody_and_waits_for_the_end() -> None:
    counter = Counter(patient=True)
    asked = ask(batcher(counter), 2, 4, 6)
    await one_turn()

    asked[1].cancel()
    await one_turn()
    assert not asked[1].done()
    counter.open.set()

    await asyncio.wait(asked)
    assert asked[1].cancelled()
    assert [asked[0].result(), asked[2].result()] == [2, 6]
    assert counter.batches == [[2, 4, 6]]


async def test_nobody_waits_longer_than_the_batches_before_take() -> None:
    counter = Counter()
    requests = batcher(counter, most=10)

    await asyncio.gather(*ask(requests, *range(0, 400, 2)))

    assert [number for batch in counter.batches for number in batch] == list(range(0, 400, 2))
    assert len(counter.batches) == 20


@pytest.mark.parametrize("most", [1, 7])
async def test_a_batch_is_never_larger_than_allowed(most: int) -> None:
    counter = Counter()

    await asyncio.gather(*ask(batcher(counter, most=most), *range(0, 100, 2)))

    assert max(len(batch) for batch in counter.batches) == most
