"""The page on which a carrier shows a parcel to anybody."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote

from gateways.tracking.carriers import canonical_carrier

# YTO's own deep link differs from source to source, so Kuaidi100 shows its parcels.
LINKS: Mapping[str, str] = {
    "sf-express": "https://www.sf-express.com/chn/sc/waybill/waybill-detail/{number}",
    "jd-express": "https://www.jdl.com/orderSearch/?waybillCodes={number}",
    "zto-express": "https://www.zto.com/express/expressCheck.html?txtBill={number}",
    "yto": "https://www.kuaidi100.com/chaxun?com=yuantong&nu={number}",
    "china-ems": "https://www.ems.com.cn/queryList?mailNum={number}",
    "dhl": "https://www.dhl.com/global-en/home/tracking/tracking-express.html"
    "?submit=1&tracking-id={number}",
    "ups": "https://www.ups.com/track?tracknum={number}",
    "fedex": "https://www.fedex.com/fedextrack/?trknbr={number}",
}

_ANY_CARRIER = "https://www.kuaidi100.com/chaxun?com={carrier}&nu={number}"


def tracking_link(carrier: str, tracking_number: str) -> str:
    """The page of a parcel; Kuaidi100's when the carrier is not known to us."""
    name = canonical_carrier(carrier)
    return LINKS.get(name, _ANY_CARRIER).format(
        carrier=quote(name, safe=""), number=quote(tracking_number.strip(), safe="")
    )
