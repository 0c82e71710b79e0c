"""Alibaba Cloud's delivery reports (`SmsReport` over HTTP): unsigned JSON to an address of ours.

The address holds a token that only we and the console know: it is all that proves the sender, so a
report may do no more than say what became of a message. It is checked before the body is read.
https://help.aliyun.com/document_detail/101508.html
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit
from zoneinfo import ZoneInfo

from pydantic import BaseModel, TypeAdapter, ValidationError

from domain.notification import Channel, Receipt, ReceiptStatus
from gateways.errors import InvalidCallback
from gateways.messaging.aliyun_sms import PROVIDER

_CHINA = ZoneInfo("Asia/Shanghai")
# No such number, or out of service for good; what a phone that is off gives is not among them.
_BAD_NUMBER = frozenset({"MOBILE_NOT_EXIST", "NUMBER_NOT_EXIST", "MK:0001", "MI:0001"})


class _Report(BaseModel):
    biz_id: str
    out_id: str = ""
    success: bool
    err_code: str = ""
    report_time: str = ""


_REPORTS = TypeAdapter(list[_Report])


class AliyunReceipts:
    """Meets `ReceiptReader`; without a token, reports are off."""

    name = PROVIDER

    def __init__(self, token: str) -> None:
        self._token = token

    def read(
        self,
        url: str,
        headers: Mapping[str, str],  # noqa: ARG002 - nothing is signed
        body: bytes,
        now: datetime,
    ) -> tuple[Receipt, ...]:
        """What a report says, of one message or many.

        Raises:
            InvalidCallback: the token is wrong, or it cannot be read.
        """
        given = parse_qs(urlsplit(url).query).get("token", [""])[0]
        if not self._token or not hmac.compare_digest(given.encode(), self._token.encode()):
            raise InvalidCallback("the token does not match")
        try:
            reports = _REPORTS.validate_json(body)
        except ValidationError as error:
            raise InvalidCallback("the report cannot be read") from error
        return tuple(_receipt(report, now) for report in reports)

    def acknowledgement(self) -> tuple[str, bytes]:
        """Anything else is delivered again."""
        return "application/json", '{"code":0,"msg":"接收成功"}'.encode()


def _receipt(report: _Report, now: datetime) -> Receipt:
    return Receipt(
        channel=Channel.SMS,
        provider=PROVIDER,
        message_id=report.biz_id,
        notification_id=report.out_id,
        status=ReceiptStatus.DELIVERED if report.success else ReceiptStatus.UNDELIVERED,
        code="" if report.success else report.err_code,
        bad_address=not report.success and report.err_code in _BAD_NUMBER,
        at=_moment(report.report_time, now),
    )


def _moment(text: str, now: datetime) -> datetime:
    """The operator's clock is China's; a time that cannot be read is when we heard of it."""
    try:
        local = datetime.strptime(text, "%Y-%m-%d %H:%M:%S").replace(tzinfo=_CHINA)
    except ValueError:
        return now
    return local.astimezone(UTC)
