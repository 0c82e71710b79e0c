"""One webhook that this code had no part in.

OpenSSL made the keys, the certificates and the signature, gzip the checksum (2504961370, above
2^31), and PayPal's retired SDK (`paypalrestsdk` 1.13.3) accepts it.
"""

from __future__ import annotations

from datetime import UTC, datetime

import httpx
import pytest

from gateways.errors import InvalidCallback
from gateways.payments.paypal import PayPalGateway
from tests.gateways.paypal_wire import CERTIFICATE, authority, gateway
from tests.gateways.peer import Peer

# The certificates are from this day.
NOW = datetime(2026, 11, 22, tzinfo=UTC)

ROOT = """\
-----BEGIN CERTIFICATE-----
MIIDIDCCAgigAwIBAgIUcoJClcuCPAOhjBZiMojfwZqQ428wDQYJKoZIhvcNAQEL
BQAwFjEUMBIGA1UEAwwLVmVjdG9yIHJvb3QwHhcNMjYxMTIxMTQ1NzU2WhcNNDYx
MTE2MTQ1NzU2WjAWMRQwEgYDVQQDDAtWZWN0b3Igcm9vdDCCASIwDQYJKoZIhvcN
AQEBBQADggEPADCCAQoCggEBAMwdEOTs8Idu3alckrX6qO3rJDGwEJrBjA/uIWqJ
+JcjrvTMd1VPaxBh+h2jZ7k48yawaq58NNKnC+YyJ4fhxCz7ik7X0WGde3zjj9WF
K0YjlDkfZz/xEIFKc2UPYxcloysfhSC+HS03uQYGloRHfjALLJXn4qcefRx/F7St
LddPjSeRL1kMuD+73g6rabjhmig460SJTjjwu1g1CYcZApesJEgD3x14jEYhgZcF
4SZjFEpss+enEyIVhG+xf/3Iw+k4s6Pws9JspKeT5S3pUyp9Wv2l7gPoNM6Wi9to
XosAlEOyt8wF1BHzcnQw0cCBKg620yF50cjl+3eZ2PcdQg0CAwEAAaNmMGQwHQYD
VR0OBBYEFKV4ThE8tW6XGcO3Q7ry2H7twBxsMB8GA1UdIwQYMBaAFKV4ThE8tW6X
GcO3Q7ry2H7twBxsMBIGA1UdEwEB/wQIMAYBAf8CAQEwDgYDVR0PAQH/BAQDAgEG
MA0GCSqGSIb3DQEBCwUAA4IBAQCFqm/EtyOOYrSxZETRA1Cg2FUMT2wsT9053SWn
HM6sFhNc1ONlCnhG5YTt7h8ngPQvsTslk8r0/RlK1KROzpuyPzDVh76QZu13w451
oVcMaOrUgnglhVgbrD/9rEy8Z3aXeYb1GkHj9vvsp1qKpm6ixIgN9nmfm5Mi1aFB
1NKURlLpG9dzPiC2/YVXjWS5Slm0Mj+b0BROIluVRmZMM4m1AclPmmMC++wgxh9I
+cxeemD+1MSOHALU5easw5lxiikUK9TpAxNyJ9yNq/XkrJDfnHEQDpsjZz8obnu/
aScUncaIdaUJ+yvsYIz4E/8EYa9xK8TEI7NvqAdGpPGxCERT
-----END CERTIFICATE-----
"""

CHAIN = b"""\
-----BEGIN CERTIFICATE-----
MIIDozCCAougAwIBAgIUICY7lLiPLCmPiHf0qO522oCmPoowDQYJKoZIhvcNAQEL
BQAwGDEWMBQGA1UEAwwNVmVjdG9yIGlzc3VlcjAeFw0yNjExMjExNDU3NTdaFw00
NjExMTYxNDU3NTdaMEwxCzAJBgNVBAYTAlVTMQ8wDQYDVQQKDAZQYXlQYWwxLDAq
BgNVBAMMI21lc3NhZ2V2ZXJpZmljYXRpb25jZXJ0cy5wYXlwYWwuY29tMIIBIjAN
BgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAwmez2iNHwHJ5iZF8m9MVsGCQuAny
Szzjivk3DHF4ZuFy8QCToMzDFwk+Y5FKwV47xAgMoLaTBN04HgVm1V0G2bSQQXTj
LnG0slo7PhOZ+Q2p5UN2pruQZLC28YtLnME6MMKfU4fl20mXAn+iqCNXO2OQ9zzU
dc29NQIAGQ/hpIy+QoTrmvg7imcTe9LHUrFXvVG6pGQgx/vTs2Y6RQm+2faPGHg+
dcV2U6tB0ySebqleJOsVrHzgKz0H679kILF+Abb0Vm7uQQRqZ/t1U8Hob456Jweb
X6H07LbUxqgTRk5e6zer1CuGlQ1G1CizgcI2vSTZ267Kx8lSzdfhphaXlQIDAQAB
o4GwMIGtMAwGA1UdEwEB/wQCMAAwDgYDVR0PAQH/BAQDAgWgMB0GA1UdDgQWBBQx
3taJQHy0FqzC3p3ASCo58jH5RjAfBgNVHSMEGDAWgBQcs6ZY8dHhhErzPtwh0Xfw
MXFL7DAdBgNVHSUEFjAUBggrBgEFBQcDAQYIKwYBBQUHAwIwLgYDVR0RBCcwJYIj
bWVzc2FnZXZlcmlmaWNhdGlvbmNlcnRzLnBheXBhbC5jb20wDQYJKoZIhvcNAQEL
BQADggEBAH1656O50OEylg83nxF959joKzAXUxTrSNG82JsxOahp16IK3wPsFz2M
0RXTEphDZDhiAgg8mFtC/5drV3DawlvQq9VlnpzbtB5M6nYILlOwN6B8wPQ0aCff
LPzuSJhIcAI6cqY1kmFc6v6Ifn7gO/Ev20IX65KPU9Zqw7wlfRSYsf6KFn6Eh2hD
oXlsE9FZWC3umnCUCmC4wnTUlNjaCNSxcnbgugT5YMd6jEYI/YTXJfafEGiXOHPg
e1mYsP5vR9HnjI5xzQxlryg3cU6ZoPYxPYgVZZAErdKdkAiEes/OhtTWt41s3TOe
zbTNvjKIYYWOC2qZCJp6WvfXE4D3ePA=
-----END CERTIFICATE-----
-----BEGIN CERTIFICATE-----
MIIDQzCCAiugAwIBAgIUB/m9f3d5N+cZGF1gfmH6Rta0XaUwDQYJKoZIhvcNAQEL
BQAwFjEUMBIGA1UEAwwLVmVjdG9yIHJvb3QwHhcNMjYxMTIxMTQ1NzU2WhcNNDYx
MTE2MTQ1NzU2WjAYMRYwFAYDVQQDDA1WZWN0b3IgaXNzdWVyMIIBIjANBgkqhkiG
9w0BAQEFAAOCAQ8AMIIBCgKCAQEAteclPu0OnXcViA72Q8rOw/0JenpGZYrefl8p
XzqAcgi7uml8rKn1lY99zCXCL6D9XKg8jartACIMld5mzioDCaezYfOxjNxVjg7C
KN01AuA8/YM87typp+tmZUc0wNY5KI939aYRiAkK/0JdfqLA7SbzeIrhxUa+E2us
7xpNghL1OsGyAaLAD1+ejdJ1MNBoVGQfmFDKpcub/V9RHx01iicTCDQVD5kAQE1i
9SX3GeUx8Q5guyfDHwMWvAeU3Q1n73qM42pYSqHYewsxRBTouRTBP9AZe5SoepKJ
BKyGEVCyOw4syXd7xFdRL5yVx67YLbgrcEJxFAHoIhwLPpPrBwIDAQABo4GGMIGD
MBIGA1UdEwEB/wQIMAYBAf8CAQAwDgYDVR0PAQH/BAQDAgEGMB0GA1UdDgQWBBQc
s6ZY8dHhhErzPtwh0XfwMXFL7DAfBgNVHSMEGDAWgBSleE4RPLVulxnDt0O68th+
7cAcbDAdBgNVHSUEFjAUBggrBgEFBQcDAQYIKwYBBQUHAwIwDQYJKoZIhvcNAQEL
BQADggEBABQgeCqBXtZtQiBs/ra+OfCmbX6UUjKMtmHlJryQwsXge3TH7n9po5w8
RQXbNHBRFQeVJjHThFkxABu04awK3lt7eeu0XAbn+pgglwof7CWDzkFNHVq8mmGV
GJnoeTTPMVVne+swId3bkadlxz/gXAudCyWQ7RZnKwhIUovLm8ZCWJfsQjMADEoP
Yjh+84hMZ1zy3vkZ1zyrWlRT9tNAdY5nODP8UcXu35dXaLvY+9F9A+q69QmghJN+
rVrCzPV1kxvOtkAh7X164cS+QE/KA7O37qRZjq/tkqoQk8kYAMwd2pHuQEbGmp0s
pS78Zt8Nsgs5KQ+18e8i9G+9RvsjLL8=
-----END CERTIFICATE-----
"""

BODY = (
    '{"id":"WH-58D329510W468432D-8HN650336L201105X","create_time":"2026-11-21T10:29:5'
    '8.940Z","resource_type":"capture","event_type":"PAYMENT.CAPTURE.COMPLETED","summ'
    'ary":"Payment completed for ¥ 123.45 CNY","resource":{"id":"2GG279541U471931P","'
    'status":"COMPLETED","amount":{"value":"123.45","currency_code":"CNY"},"custom_id'
    '":"P01","supplementary_data":{"related_ids":{"order_id":"5O190127TN364715T"}},"f'
    'inal_capture":true},"n":"1"}'
).encode()

SIGNATURE = (
    "Q2qYYbkpuc5xisu/MfxDmzzu+iFVG1UlQ6k257KoMEI2MHktl4Z3ZdovV+lrwXaxJG5Y1YrmBCJ0c41fvXFQL7jy"
    "yOVwhM8nHfE26GFGr3uk6OqbntpZCrP6zgRhVBLnabx1ijmH72kIwzim/nNYYwAO39IPSAYPreqq6DnbenK01wVR"
    "C4bW4TvAS3wJnbN4L8nREAM6CeM7eLZEfiTdl8t2O9VM7b7qD9AJ5Y6afOgKurJUmyxabTSkBtHXfBho6HHkaUiJ"
    "sirOxD5yHOziV6hdFUygon5JHKs8YnosWsI5Z2qahXuNMNY2iWM1QbNq4ECY+M+yeNSn63Jz+94PqQ=="
)


@pytest.fixture
def adapter(client: httpx.AsyncClient, peer: Peer) -> PayPalGateway:
    peer.says(CERTIFICATE, CHAIN)
    return gateway(client, peer, trust_roots=ROOT, webhook_id="WH-1AB23456CD789012E")


def _headers(peer: Peer) -> dict[str, str]:
    return {
        "Paypal-Auth-Algo": "SHA256withRSA",
        "Paypal-Cert-Url": f"{peer.url}/v1/notifications/certs/CERT-1",
        "Paypal-Transmission-Id": "103e3700-8b0c-11e6-8695-6b62a8a99ac4",
        "Paypal-Transmission-Sig": SIGNATURE,
        "Paypal-Transmission-Time": "2026-11-21T10:29:59Z",
    }


async def test_a_webhook_that_other_tools_made_is_accepted(
    adapter: PayPalGateway, peer: Peer
) -> None:
    news = await adapter.parse_callback(_headers(peer), BODY, NOW)
    assert (news.payment_id, news.provider_ref) == ("P01", "5O190127TN364715T")
    assert news.capture_ref == "2GG279541U471931P"


async def test_the_same_webhook_with_anything_changed_is_refused(
    adapter: PayPalGateway, client: httpx.AsyncClient, peer: Peer
) -> None:
    other_webhook = gateway(client, peer, trust_roots=ROOT, webhook_id="WH-2AB23456CD789012E")
    other_roots = gateway(client, peer, trust_roots=authority().root_pem)
    later = {"Paypal-Transmission-Time": "2026-11-21T10:30:00Z"}
    for receiver, headers, body in (
        (adapter, _headers(peer), BODY.replace(b"123.45", b"12.345")),
        (adapter, _headers(peer) | later, BODY),
        (other_webhook, _headers(peer), BODY),
        (other_roots, _headers(peer), BODY),
    ):
        with pytest.raises(InvalidCallback):
            await receiver.parse_callback(headers, body, NOW)
