"""Kuaidi100's parcel object, and its codes for the statuses of our parcels (`resultv2=4`)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from typing import NamedTuple

from domain.tracking import TrackingStatus
from sandbox.simulator.carrier import Parcel

_T = TrackingStatus
_CHINA = timezone(timedelta(hours=8))

COMPANIES: Mapping[str, str] = {
    "sf-express": "shunfeng",
    "yto": "yuantong",
    "zto-express": "zhongtong",
    "jd-express": "jd",
    "china-ems": "ems",
}


class State(NamedTuple):
    """A status in Kuaidi100's words: the parcel's state, the scan's code, and what is written."""

    state: str
    code: str
    word: str
    context: str


STATES: Mapping[TrackingStatus, State] = {
    _T.INFO_RECEIVED: State("1", "101", "揽收", "商家已下单，等待揽收"),
    _T.PICKED_UP: State("1", "103", "揽收", "【杭州市】已揽收"),
    _T.IN_TRANSIT: State("0", "1002", "在途", "【杭州市】已离开转运中心"),
    _T.OUT_FOR_DELIVERY: State("5", "5", "派件", "【杭州市】快递员正在派件"),
    _T.AVAILABLE_FOR_PICKUP: State("5", "501", "派件", "已存放至快递柜"),
    _T.ATTEMPT_FAILED: State("2", "204", "疑难", "派件异常：收件人不在"),
    _T.REFUSED: State("2", "203", "疑难", "收件人拒收"),
    _T.LOST: State("2", "2", "疑难", "快件疑似丢失"),
    _T.DELIVERED: State("3", "301", "签收", "已签收，签收人：本人"),
    _T.RETURNING: State("6", "6", "退回", "快件退回途中"),
    _T.RETURNED: State("4", "4", "退签", "快件已退回发件人"),
    _T.EXCEPTION: State("2", "208", "疑难", "快件滞留"),
    _T.CANCELLED: State("2", "210", "疑难", "运单已取消"),
    _T.UNKNOWN: State("99", "99", "其他", "状态待确认"),
    _T.CREATED: State("1", "102", "揽收", "待揽收"),
    _T.EXPIRED: State("2", "202", "疑难", "长时间无更新"),
}


def parcel_object(parcel: Parcel) -> dict[str, object]:
    """The parcel as queries and pushes show it, newest scan first."""
    return {
        "message": "ok",
        "nu": parcel.tracking_number,
        "ischeck": "1" if parcel.status is _T.DELIVERED else "0",
        "com": COMPANIES.get(parcel.slug, parcel.slug),
        "status": "200",
        "state": STATES[parcel.status].state,
        "data": [_scan(point.at, point.status) for point in reversed(parcel.checkpoints)],
    }


def _scan(at: str, status: TrackingStatus) -> dict[str, object]:
    state = STATES[status]
    time = datetime.fromisoformat(at).astimezone(_CHINA).strftime("%Y-%m-%d %H:%M:%S")
    return {
        "time": time,
        "ftime": time,
        "context": state.context,
        "status": state.word,
        "statusCode": state.code,
        "areaCode": "CN330100000000",
        "areaName": "浙江,杭州市",
    }
