"""The codec: authorized people read what is encrypted in Temporal's histories; nobody else does."""

from __future__ import annotations

import httpx
import pytest
from google.protobuf import json_format
from pydantic import SecretStr
from temporalio.api.common.v1 import Payload, Payloads

from api.app import create_app
from settings import reveal
from temporal import codec_of
from tests.api.conftest import calling, codes
from tests.house import House, Json

ORIGIN = "http://127.0.0.1:8002"
SECRET = "李薇, 文三路 90 号"


async def sealed(house: House, *texts: str) -> Json:
    codec = codec_of(house.settings)
    clear = [Payload(metadata={"encoding": b"json/plain"}, data=text.encode()) for text in texts]
    return dict(json_format.MessageToDict(Payloads(payloads=await codec.encode(clear))))


def texts_of(answer: httpx.Response) -> list[str]:
    payloads = json_format.Parse(answer.content, Payloads()).payloads
    return [payload.data.decode() for payload in payloads]


def capability(house: House) -> str:
    return f"/codec/{reveal(house.settings.codec_token)}"


@pytest.mark.parametrize("way", ["bearer", "capability"])
async def test_an_authorized_person_reads_what_is_encrypted(house: House, way: str) -> None:
    body = await sealed(house, SECRET, "{}")
    assert SECRET not in str(body)

    if way == "bearer":
        answer = await house.call("POST", "/codec/decode", json=body)
    else:
        answer = await house.http.post(house.api + capability(house) + "/decode", json=body)

    assert answer.status_code == 200
    assert texts_of(answer) == [SECRET, "{}"]


async def test_what_was_encoded_can_be_decoded(house: House) -> None:
    clear = {"payloads": [{"metadata": {"encoding": "anNvbi9wbGFpbg=="}, "data": "Int9Ig=="}]}

    encoded = await house.call("POST", "/codec/encode", json=clear)
    decoded = await house.call("POST", "/codec/decode", content=encoded.content)

    assert b"Int9Ig==" not in encoded.content
    assert texts_of(decoded) == ['"{}"']


@pytest.mark.parametrize("step", ["decode", "encode"])
async def test_nobody_else_is_answered(house: House, step: str) -> None:
    body = await sealed(house, SECRET)

    without_key = await house.http.post(f"{house.api}/codec/{step}", json=body)
    wrong_link = await house.http.post(f"{house.api}/codec/guessed/{step}", json=body)

    assert (without_key.status_code, wrong_link.status_code) == (401, 404)


async def test_without_a_token_no_link_opens(house: House) -> None:
    body = await sealed(house, SECRET)
    for token in (None, SecretStr("")):
        settings = house.settings.model_copy(update={"codec_token": token})
        async with calling(create_app(settings, client=house.client)) as api:
            for link in ("/codec/None/decode", "/codec//decode", "/codec/%20/decode"):
                assert (await api.post(link, json=body)).status_code == 404


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b'{"payloads": 1}',
        b'{"payloads": [{"data": "not base 64"}]}',
        b'{"payloads":' + b"[" * 5_000 + b"]" * 5_000 + b"}",
    ],
)
async def test_what_is_no_payload_is_refused(house: House, body: bytes) -> None:
    answer = await house.call("POST", "/codec/decode", content=body)

    assert answer.status_code == 400
    assert codes(answer) == ["payloads_invalid"]


@pytest.mark.parametrize("damage", ["data", "key", "short", "no key", "bytes as key"])
async def test_what_cannot_be_decrypted_is_refused(house: House, damage: str) -> None:
    (payload,) = await codec_of(house.settings).encode([Payload(data=b"1")])
    match damage:
        case "data":
            payload.data = payload.data[:-1] + bytes([payload.data[-1] ^ 1])
        case "key":
            payload.metadata["key-id"] = b"another"
        case "short":
            payload.data = b"1"
        case "no key":
            del payload.metadata["key-id"]
        case _:
            payload.metadata["key-id"] = b"\xff"
    body = json_format.MessageToJson(Payloads(payloads=[payload]))

    answer = await house.call("POST", "/codec/decode", content=body)

    assert answer.status_code == 400
    assert codes(answer) == ["payload_undecryptable"]


async def test_the_web_uis_page_may_call_the_codec_and_nothing_else(house: House) -> None:
    settings = house.settings.model_copy(update={"codec_origins": (ORIGIN,)})
    asks = {
        "Origin": ORIGIN,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "content-type,x-namespace,authorization",
    }
    async with calling(create_app(settings, client=house.client)) as api:
        link = capability(house) + "/decode"
        preflight = await api.options(link, headers=asks)
        call = await api.post(link, json=await sealed(house, "1"), headers={"Origin": ORIGIN})
        stranger = await api.options(link, headers={**asks, "Origin": "https://evil.example"})
        orders = await api.options("/orders", headers=asks)

    assert preflight.status_code == 200
    assert preflight.headers["access-control-allow-origin"] == ORIGIN
    allowed = preflight.headers["access-control-allow-headers"].lower()
    assert all(name in allowed for name in ("content-type", "x-namespace", "authorization"))
    assert call.headers["access-control-allow-origin"] == ORIGIN
    assert "access-control-allow-origin" not in stranger.headers
    assert orders.status_code == 405
    assert "access-control-allow-origin" not in orders.headers
