"""What each order of a run will go through: the same seed makes the same plans."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from random import Random

from bench.chaos.misfortunes import Misfortune, draw
from bench.chaos.stories import STORIES, Story
from domain.order import GatewayName

_MOST_MISFORTUNES = 8


@dataclass(frozen=True, slots=True)
class Plan:
    """One order's story and what goes wrong in it.

    `other` is where a second attempt is made; `coin` and `fraction` (from 0 to 1) decide what the
    story leaves open.
    """

    number: int
    gateway: GatewayName
    other: GatewayName
    story: Story
    misfortunes: tuple[Misfortune, ...]
    coin: bool
    fraction: float

    def loses_callbacks(self, gateway: GatewayName) -> bool:
        """Whether some callbacks of this provider never arrive."""
        return any(
            one.party == gateway and one.behavior == "drop_callbacks" for one in self.misfortunes
        )


def plans(seed: int, orders: int, gateways: Collection[GatewayName]) -> list[Plan]:
    """Every story at every provider by turns, in an order of chance, as often as it takes."""
    chance = Random(seed)
    pairs = [
        (story, gateway)
        for story in STORIES
        for gateway in sorted(gateways)
        if gateway in story.gateways
    ]
    deck: list[tuple[Story, GatewayName]] = []
    dealt = []
    for number in range(orders):
        if not deck:
            deck = chance.sample(pairs, len(pairs))
        story, gateway = deck.pop()
        dealt.append(_plan(chance, number, story, gateway, sorted(gateways)))
    return dealt


def _plan(
    chance: Random, number: int, story: Story, gateway: GatewayName, gateways: list[GatewayName]
) -> Plan:
    other = chance.choice(gateways)
    drawn = tuple(
        draw(chance, chance.choice((gateway, gateway, other)))
        for _ in range(chance.randint(0, _MOST_MISFORTUNES))
    )
    return Plan(
        number=number,
        gateway=gateway,
        other=other,
        story=story,
        misfortunes=tuple(one for one in drawn if _bearable(story, one)),
        coin=chance.random() < 0.5,
        fraction=chance.random(),
    )


def _bearable(story: Story, misfortune: Misfortune) -> bool:
    """Whether anybody can learn the truth all the same.

    Alipay tells of a refund that was made on its website by its notification alone: its answer
    about the payment has no sum of refunds, and without the refund's number nobody can ask.
    """
    told_once = story.outside and misfortune.party == "alipay"
    return not (told_once and misfortune.behavior == "drop_callbacks")
