"""Our adapters of text and push messages, with the accounts of all tests."""

from __future__ import annotations

import json

import httpx

from gateways.messaging.aliyun_sms import AliyunSms
from gateways.messaging.fcm import FcmPush
from gateways.messaging.fcm_token import ServiceAccount, read_service_account
from gateways.messaging.twilio import TwilioSms
from gateways.messaging.web_push import WebPush
from sandbox.messaging_accounts import FCM_PROJECT, SMS_TEMPLATES
from tests.accounts import ACCOUNTS, provider_keys

TWILIO_CALLBACK = "https://orders.example.com/callbacks/messages/twilio"


def twilio(client: httpx.AsyncClient, url: str, **changes: str) -> TwilioSms:
    given = {
        "account_sid": ACCOUNTS["twilio_account_sid"],
        "auth_token": ACCOUNTS["twilio_auth_token"],
        "sender": ACCOUNTS["twilio_from"],
        "callback_url": TWILIO_CALLBACK,
    }
    return TwilioSms(client, base_url=url, **{**given, **changes})


def aliyun(client: httpx.AsyncClient, url: str, **changes: str) -> AliyunSms:
    given = {
        "key_id": ACCOUNTS["aliyun_access_key_id"],
        "key_secret": ACCOUNTS["aliyun_access_key_secret"],
        "sign_name": ACCOUNTS["aliyun_sms_sign_name"],
    }
    return AliyunSms(client, base_url=url, templates=SMS_TEMPLATES, **{**given, **changes})


def account(token_uri: str, **changes: str) -> ServiceAccount:
    key = {
        "type": "service_account",
        "project_id": FCM_PROJECT,
        "private_key_id": "k1",
        "private_key": provider_keys().fcm_account.read_text(),
        "client_email": "orderflow@example.iam.gserviceaccount.com",
        "token_uri": token_uri,
    }
    return read_service_account(json.dumps({**key, **changes}))


def fcm(client: httpx.AsyncClient, url: str, **changes: str) -> FcmPush:
    return FcmPush(client, account(f"{url}/token", **changes), url)


def web_push(client: httpx.AsyncClient, key: str = "", *hosts: str) -> WebPush:
    return WebPush(
        client,
        private_key=key or str(provider_keys().web_push),
        contact="mailto:push@shop.example.com",
        hosts=hosts or ("127.0.0.1",),
    )
