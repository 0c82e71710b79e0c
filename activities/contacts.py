"""Can the customer be reached: e-mail, phone and address, judged without any network."""

from __future__ import annotations

from typing import assert_never

import phonenumbers
from email_validator import validate_email

from activities.areas import Country, find_country
from domain.cleaning import dialable
from domain.notification import Channel
from domain.order import Address, CustomerInfo, Problem
from domain.validation import ContactVerdict

_HOME = "CN"
_PATH = "customerInfo.address"


def check_contact(customer: CustomerInfo) -> ContactVerdict:
    """Judge how the customer can be reached; nothing of what they wrote is changed."""
    country = find_country(customer.address.country)
    return ContactVerdict(
        email_ok=_email_ok(customer.email),
        phone_e164=_e164(customer.phone, country.code if country else _HOME),
        address_problems=_address_problems(customer.address, country),
    )


def kept_address(channel: Channel, address: str) -> str:
    """An address as orders keep it and messages go there; empty when none of ours looks like it.

    A phone number has to name its country: there is no order here to say where it is dialed.
    """
    match channel:
        case Channel.EMAIL:
            email = address.lower()
            return email if _email_ok(email) else ""
        case Channel.SMS:
            return _e164(dialable(address), None)
        case Channel.PUSH:
            return ""
        case _:
            assert_never(channel)


def _email_ok(email: str) -> bool:
    try:
        validate_email(email, check_deliverability=False)
    except ValueError:
        return False
    return True


def _e164(phone: str, region: str | None) -> str:
    """The number in E.164, as dialed in `region` where it names no country; empty when invalid."""
    try:
        number = phonenumbers.parse(phone, region)
    except phonenumbers.NumberParseException:
        return ""
    if not phonenumbers.is_valid_number(number):
        return ""
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))


def _address_problems(address: Address, country: Country | None) -> tuple[Problem, ...]:
    if country is None:
        if not address.country:
            return (_required("country"),)
        message = "send the two-letter ISO 3166 code of a country, e.g. CN"
        return (_problem("country_unknown", "country", message),)
    if country.code == _HOME:
        address = _municipality_spelled_out(address, country)
    values = {
        "province": address.province,
        "city": address.city,
        "district": address.district,
        "postalCode": address.postal_code,
        "street": address.street,
    }
    missing = [_required(name) for name in values if name in country.required and not values[name]]
    doubts = [_problem("address_needs_review", *doubt) for doubt in _doubts(address, country)]
    return (*missing, *doubts)


def _municipality_spelled_out(address: Address, country: Country) -> Address:
    """Beijing and its like are a province and a city in one, and are written as either."""
    if not address.province and country.find(address.city):
        return address.model_copy(update={"province": address.city})
    return address


def _doubts(address: Address, country: Country) -> list[tuple[str, str]]:
    """Fields that Google's address data does not confirm, each with what to do."""
    doubts = []
    if address.postal_code and not country.has_postal_code(address.postal_code):
        doubts.append(("postalCode", "this is no postal code of the country: look at it again"))
    area = ""
    named = (("province", address.province), ("city", address.city), ("district", address.district))
    for field, name in named:
        if not name or not country.has_areas(area):
            break
        known = country.find(name, area)
        if known:
            area = known
        elif field != "city" or not country.stands_for_city(name, area):
            doubts.append((field, "our address data has no such area there: look at it again"))
            break
    return doubts


def _required(name: str) -> Problem:
    return _problem("required", name, "this field is required in this country")


def _problem(code: str, name: str, message: str) -> Problem:
    return Problem(code=code, field=f"{_PATH}.{name}", message=message)
