from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateways.tracking.aftership import SLUGS
from gateways.tracking.carriers import canonical_carrier
from gateways.tracking.links import LINKS, tracking_link


@pytest.mark.parametrize(
    ("carrier", "link"),
    [
        ("sf-express", "https://www.sf-express.com/chn/sc/waybill/waybill-detail/N1"),
        ("jd-express", "https://www.jdl.com/orderSearch/?waybillCodes=N1"),
        ("zto-express", "https://www.zto.com/express/expressCheck.html?txtBill=N1"),
        ("yto", "https://www.kuaidi100.com/chaxun?com=yuantong&nu=N1"),
        ("china-ems", "https://www.ems.com.cn/queryList?mailNum=N1"),
        (
            "dhl",
            (
                "https://www.dhl.com/global-en/home/tracking/tracking-express.html"
                "?submit=1&tracking-id=N1"
            ),
        ),
        ("ups", "https://www.ups.com/track?tracknum=N1"),
        ("fedex", "https://www.fedex.com/fedextrack/?trknbr=N1"),
        ("deppon", "https://www.kuaidi100.com/chaxun?com=deppon&nu=N1"),
        ("", "https://www.kuaidi100.com/chaxun?com=&nu=N1"),
    ],
)
def test_each_carrier_has_its_page_and_any_other_kuaidi100s(carrier: str, link: str) -> None:
    assert tracking_link(carrier, "N1") == link


@pytest.mark.parametrize(
    ("name", "canonical"),
    [
        ("SF", "sf-express"),
        (" shunfeng ", "sf-express"),
        ("SF_Express", "sf-express"),
        ("sf express", "sf-express"),
        ("yuantong", "yto"),
        ("zhongtong", "zto-express"),
        ("ems", "china-ems"),
        ("DHL", "dhl"),
        ("Deppon", "deppon"),
    ],
)
def test_a_carrier_is_one_carrier_whoever_names_it(name: str, canonical: str) -> None:
    assert canonical_carrier(name) == canonical
    assert tracking_link(name, "N1") == tracking_link(canonical, "N1")


def test_every_carrier_that_we_register_parcels_of_has_its_own_page() -> None:
    assert set(LINKS) == set(SLUGS)


@given(
    carrier=st.sampled_from([*LINKS, "deppon", "a&nu=1#"]),
    number=st.text(min_size=1).filter(lambda text: text == text.strip()),
)
def test_no_number_whatever_changes_where_a_link_leads(carrier: str, number: str) -> None:
    plain, link = urlsplit(tracking_link(carrier, "N1")), urlsplit(tracking_link(carrier, number))
    assert (link.scheme, link.netloc, link.fragment) == ("https", plain.netloc, "")
    assert parse_qs(link.query).keys() == parse_qs(plain.query).keys()
    assert link.path.count("/") == plain.path.count("/")
    assert link.geturl().isascii()
