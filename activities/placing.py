"""From a draft to an order: validation, and the first record of it."""

from __future__ import annotations

from datetime import datetime

from temporalio import activity

from activities.contacts import check_contact
from db import catalog, orders
from db.engine import Sessions, single_statements
from domain.facts import Facts, Verdict
from domain.order import GatewayName, Order, OrderDraft, Problem, Value
from domain.validation import validate


class ValidateOrder(Value):
    """The draft, and what was wrong with its form."""

    draft: OrderDraft
    problems: tuple[Problem, ...] = ()


class PlaceOrder(Value):
    """A draft that was found valid, with the verdict that says so."""

    order_id: str
    draft: OrderDraft
    verdict: Verdict
    fingerprint: str
    at: datetime


class OrderPlacing:
    """Checks drafts against the catalogue and stores accepted orders."""

    def __init__(self, sessions: Sessions, gateways: frozenset[GatewayName]) -> None:
        self._sessions = sessions
        self._gateways = gateways

    @activity.defn
    async def validate_order(self, command: ValidateOrder) -> Verdict:
        """Everything that is wrong with a draft, in one go; nothing is written."""
        draft = command.draft
        contact = check_contact(draft.customer_info)
        async with single_statements(self._sessions) as session:
            facts = Facts(
                products=await catalog.find_products(
                    session,
                    [line.product_id for line in draft.items],
                    chinese=draft.locale == "zh-CN",
                ),
                blacklisted=await catalog.is_blacklisted(session, draft.customer_info.email),
                coupon=await catalog.find_coupon(session, draft.coupon_code)
                if draft.coupon_code
                else None,
                contact=contact,
                gateways_available=self._gateways,
            )
        return validate(draft, command.problems, facts)

    @activity.defn
    async def place_order(self, command: PlaceOrder) -> Order:
        """Store the order with its lines; the same order id gives the same order."""
        draft, verdict = command.draft, command.verdict
        assert verdict.pricing is not None
        async with self._sessions.begin() as session:
            known = await orders.find_order(session, command.order_id)
            if known is not None:
                return known
            order = Order.model_validate(
                {
                    "order_id": command.order_id,
                    "order_number": await orders.next_order_number(session, command.at),
                    "customer_id": draft.customer_id,
                    "customer_info": draft.customer_info.model_copy(
                        update={"phone": verdict.phone}
                    ),
                    "items": verdict.lines,
                    "pricing": verdict.pricing,
                    "gateway": draft.payment_method,
                    "locale": draft.locale,
                    "service_level": draft.service_level,
                    "coupon_code": draft.coupon_code,
                    "special_instructions": draft.special_instructions,
                    "created_at": command.at,
                }
            )
            await orders.insert_order(session, order, command.fingerprint)
            await orders.add_event(
                session,
                order.order_id,
                "order_placed",
                command.at,
                total=str(order.total),
                gateway=order.gateway,
            )
            return order
