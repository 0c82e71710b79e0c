"""Each carrier's provider, as far as there are credentials."""

from __future__ import annotations

import httpx
import pytest

import composition
from gateways.tracking.routing import RoutedTracking, TrackingOff
from settings import ConfigurationError, Settings

_BASE = {"database_url": "postgresql+asyncpg://x", "payload_keys": "k1:" + "A" * 43 + "="}
_AFTERSHIP = {"aftership_api_key": "a", "aftership_webhook_secret": "s"}
_KUAIDI100 = {"kuaidi100_customer": "c", "kuaidi100_key": "k", "kuaidi100_salt": "s"}


def routes(client: httpx.AsyncClient, **given: object) -> RoutedTracking:
    return composition.tracking_routes(Settings.model_validate({**_BASE, **given}), client)


@pytest.mark.parametrize(
    ("given", "chinese", "other"),
    [
        (_AFTERSHIP | _KUAIDI100, "kuaidi100", "aftership"),
        (_AFTERSHIP, "aftership", "aftership"),
        (_KUAIDI100, "kuaidi100", "kuaidi100"),
    ],
)
async def test_chinese_carriers_go_to_kuaidi100_if_it_is_on(
    client: httpx.AsyncClient, given: dict[str, str], chinese: str, other: str
) -> None:
    routed = routes(client, **given)
    for carrier in ("SF", "yuantong", "zto_express", "jd", "EMS"):
        assert routed.provider_of(carrier) == chinese
    for carrier in ("dhl", "UPS", "corner-shop-bikes"):
        assert routed.provider_of(carrier) == other


async def test_the_carriers_of_kuaidi100_can_be_named(client: httpx.AsyncClient) -> None:
    routed = routes(client, **_AFTERSHIP, **_KUAIDI100, kuaidi100_carriers="yto, DHL")
    assert routed.provider_of("yto") == routed.provider_of("dhl") == "kuaidi100"
    assert routed.provider_of("sf-express") == "aftership"


async def test_without_credentials_nobody_is_asked(client: httpx.AsyncClient) -> None:
    with pytest.raises(TrackingOff):
        await routes(client).fetch("SF1", "sf-express")


async def test_half_of_the_credentials_stop_the_process(client: httpx.AsyncClient) -> None:
    with pytest.raises(ConfigurationError, match="KUAIDI100_SALT"):
        routes(client, **{**_KUAIDI100, "kuaidi100_salt": ""})
