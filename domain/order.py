"""The order: what a customer asked for (a draft), and what was accepted (an order)."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from domain.money import Money
from domain.statuses import OrderStatus, PaymentStatus, ShippingStatus

Locale = Literal["zh-CN", "en"]
GatewayName = Literal["stripe", "paypal", "alipay", "wechatpay"]
ServiceLevel = Literal["standard", "express"]


class Value(BaseModel):
    """A value that travels: immutable, camelCase on the wire, and open to fields it does not know.

    Payloads that a newer version wrote must stay readable, so extra fields are ignored.
    """

    model_config = ConfigDict(frozen=True, alias_generator=to_camel, populate_by_name=True)


class Address(Value):
    """A postal address as the customer wrote it, cleaned. `country` is ISO 3166-1 alpha-2."""

    street: str = ""
    city: str = ""
    district: str = ""
    province: str = ""
    postal_code: str = ""
    country: str = ""


class CustomerInfo(Value):
    """Who receives the order. `phone` is E.164 once the order is accepted."""

    name: str = ""
    email: str = ""
    phone: str = ""
    address: Address = Address()


class DraftLine(Value):
    """One line as the shop sent it; `unit_price` in major units of the order's currency."""

    product_id: str = ""
    sku: str = ""
    quantity: int = 0
    unit_price: Decimal | None = None


class OrderDraft(Value):
    """An order as the shop sent it, cleaned but not yet believed."""

    customer_id: str = ""
    customer_info: CustomerInfo = CustomerInfo()
    items: tuple[DraftLine, ...] = ()
    currency: str = "CNY"
    coupon_code: str = ""
    payment_method: str = ""
    expected_total: Decimal | None = None
    locale: Locale = "zh-CN"
    service_level: ServiceLevel = "standard"
    special_instructions: str = ""


class OrderLine(Value):
    """One accepted line, priced by us."""

    line_no: int
    product_id: str
    sku: str
    name: str
    quantity: int = Field(gt=0)
    unit_price: Money
    total_price: Money


class Pricing(Value):
    """What the order costs; `total = subtotal + shipping + tax - discount`."""

    subtotal: Money
    shipping: Money
    tax: Money
    discount: Money
    total: Money


class Order(Value):
    """An accepted order; `replacement_of` is the order whose goods it exchanges, at no cost."""

    order_id: str
    order_number: str
    customer_id: str
    customer_info: CustomerInfo
    items: tuple[OrderLine, ...]
    pricing: Pricing
    gateway: GatewayName
    locale: Locale = "zh-CN"
    service_level: ServiceLevel = "standard"
    coupon_code: str = ""
    special_instructions: str = ""
    replacement_of: str = ""
    status: OrderStatus = OrderStatus.PENDING
    payment_status: PaymentStatus = PaymentStatus.PENDING
    shipping_status: ShippingStatus = ShippingStatus.PENDING
    created_at: datetime

    @property
    def total(self) -> Money:
        """What the customer has to pay."""
        return self.pricing.total


class Problem(Value):
    """One thing that is wrong with a request; `field` is a path in the request's own words."""

    code: str
    field: str
    message: str
