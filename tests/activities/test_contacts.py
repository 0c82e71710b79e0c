from __future__ import annotations

import pytest

from activities.contacts import check_contact, kept_address
from domain.cleaning import clean_order
from domain.notification import Channel
from domain.order import Address, CustomerInfo
from domain.validation import ContactVerdict

HANGZHOU = Address(
    street="文三路 90 号",
    city="杭州市",
    district="西湖区",
    province="浙江省",
    postal_code="310012",
    country="CN",
)


def check(
    email: str = "li.wei@example.com", phone: str = "+8613800138000", **address: str
) -> ContactVerdict:
    return check_contact(
        CustomerInfo(
            name="李薇",
            email=email,
            phone=phone,
            address=HANGZHOU.model_copy(update=address),
        )
    )


def said(verdict: ContactVerdict) -> list[tuple[str, str]]:
    return [
        (problem.code, problem.field.removeprefix("customerInfo.address."))
        for problem in verdict.address_problems
    ]


def test_a_customer_who_can_be_reached_has_no_problems() -> None:
    assert check() == ContactVerdict(email_ok=True, phone_e164="+8613800138000")


@pytest.mark.parametrize(
    "email", ["a@shop.example.com", "first.last+tag@example.com", "用户@例子.中国"]
)
def test_an_email_address_is_accepted_without_asking_the_network(email: str) -> None:
    assert check(email=email).email_ok


@pytest.mark.parametrize(
    "email", ["", "a", "a@", "@example.com", "a@localhost", "a b@example.com", "a@x..com", "\x00"]
)
def test_what_is_no_email_address_is_found(email: str) -> None:
    assert not check(email=email).email_ok


@pytest.mark.parametrize(
    ("phone", "country", "e164"),
    [
        ("13800138000", "CN", "+8613800138000"),
        ("8613800138000", "CN", "+8613800138000"),
        ("008613800138000", "CN", "+8613800138000"),
        ("6502530000", "US", "+16502530000"),
        ("+16502530000", "CN", "+16502530000"),
        ("13800138000", "", "+8613800138000"),
        ("13800138000", "QQ", "+8613800138000"),
    ],
)
def test_a_phone_number_is_read_as_dialed_in_the_country(
    phone: str, country: str, e164: str
) -> None:
    assert check(phone=phone, country=country).phone_e164 == e164


@pytest.mark.parametrize("phone", ["", "+", "123", "+86179001380", "+15550100", "9" * 40])
def test_what_is_no_phone_number_is_found(phone: str) -> None:
    assert check(phone=phone).phone_e164 == ""


@pytest.mark.parametrize(
    ("province", "city", "district"),
    [
        ("浙江", "杭州", "西湖"),
        ("浙江省", "杭州市", ""),
        ("Zhejiang", "Hangzhou City", "Xihu District"),
        ("北京市", "北京市", "海淀区"),
        ("北京", "海淀", ""),
        ("", "北京", "海淀"),
        ("上海", "市辖区", "浦东"),
        ("广西自治区", "南宁", ""),
        ("云南", "大理", "大理市"),
    ],
)
def test_chinese_areas_are_known_by_their_short_names_too(
    province: str, city: str, district: str
) -> None:
    assert said(check(province=province, city=city, district=district)) == []


@pytest.mark.parametrize(
    ("address", "field"),
    [
        ({"province": "浙江某省"}, "province"),
        ({"city": "广州市"}, "city"),
        ({"district": "临平区"}, "district"),  # founded in 2021, after the data
        ({"postal_code": "31001"}, "postalCode"),
    ],
)
def test_an_area_that_the_data_does_not_know_is_only_looked_at_again(
    address: dict[str, str], field: str
) -> None:
    assert said(check(**address)) == [("address_needs_review", field)]


def test_what_the_country_requires_must_be_there() -> None:
    nothing = {"street": "", "city": "", "district": "", "province": "", "postal_code": ""}
    assert said(check(**nothing)) == [
        ("required", "province"),
        ("required", "city"),
        ("required", "postalCode"),
        ("required", "street"),
    ]
    assert said(check(**nothing, country="HK")) == [
        ("required", "province"),
        ("required", "street"),
    ]


@pytest.mark.parametrize(
    "address",
    [
        {"country": "US", "province": "CA", "city": "Mountain View", "postal_code": "94043"},
        {"country": "US", "province": "California", "city": "Nome", "postal_code": "94043-1234"},
        {"country": "HK", "province": "九龍", "city": "旺角", "postal_code": ""},
        {"country": "HK", "province": "Kowloon", "city": "Mong Kok", "postal_code": ""},
        {"country": "GB", "province": "", "city": "London", "postal_code": "sw1a1aa"},
        {"country": "CA", "province": "Québec", "city": "Laval", "postal_code": "H7A0A1"},
        {"country": "JP", "province": "東京都", "city": "", "postal_code": "1000001"},
    ],
)
def test_addresses_abroad_follow_their_own_rules(address: dict[str, str]) -> None:
    assert said(check(**{"district": "", **address})) == []


@pytest.mark.parametrize("country", ["ZZ", "QQ", "CHN", "..", "cn", "ALL"])
def test_an_unknown_country_is_an_error(country: str) -> None:
    assert said(check(country=country)) == [("country_unknown", "country")]


def test_a_missing_country_is_one_error() -> None:
    assert said(check(country="")) == [("required", "country")]


@pytest.mark.parametrize(
    "written",
    ["+86 138 0013 8000", "(+86) 138-0013-8000", "＋８６　13800138000", "+86 013800138000"],
)
def test_a_number_is_kept_in_one_way_however_it_is_written(written: str) -> None:
    cleaned = clean_order({"customerInfo": {"phone": written}}).draft.customer_info.phone
    assert kept_address(Channel.SMS, written) == "+8613800138000"
    assert check(phone=cleaned).phone_e164 == "+8613800138000"


@pytest.mark.parametrize("written", ["13800138000", "0086 13800138000", "6502530000", "+86", ""])
def test_a_number_without_its_country_is_nobodys(written: str) -> None:
    assert kept_address(Channel.SMS, written) == ""
