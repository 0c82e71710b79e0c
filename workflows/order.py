"""The life of one order, from checkout to the door."""

from __future__ import annotations

import asyncio

from temporalio import workflow
from temporalio.exceptions import ApplicationError, FailureError, is_cancelled_exception

from workflows import policies
from workflows.background import uninterrupted
from workflows.context import OrderContext, OrderStopped
from workflows.delivery import Delivery
from workflows.messages import (
    CANCEL_REFUSED,
    PAYMENT_REFUSED,
    CancelAccepted,
    CancelOrder,
    OrderInput,
    OrderOutcome,
    ParcelDecided,
    ParcelNews,
    PaymentInstruction,
    PaymentNews,
    Placement,
    PlacementAnswer,
    PlacementAwaitsPayment,
    PlacementRejected,
    PlacementWaitsForStock,
    ShipmentNews,
    StartPayment,
    StockArrived,
    Waiting,
)
from workflows.notes import note
from workflows.payment_collection import PaymentCollection
from workflows.replacement import confirm_replacement, place_free_order
from workflows.stock_stage import StockStage

with workflow.unsafe.imports_passed_through():
    from activities.handover import BeginAfterSales, Handover
    from activities.placing import OrderPlacing, PlaceOrder, ValidateOrder
    from activities.records import CloseOrder, CompleteOrder, OrderRecords
    from activities.reserving import StockShort
    from domain.facts import Verdict
    from domain.notification import NotificationKind
    from domain.order import Problem
    from domain.statuses import OrderStatus


@workflow.defn
class OrderWorkflow:
    """Takes one order through its whole life; `run` is its table of contents."""

    @workflow.init
    def __init__(self, start: OrderInput) -> None:
        self._start = start
        self._context = OrderContext(start)
        self._payment = PaymentCollection(self._context)
        self._delivery = Delivery(self._context)
        self._stock = StockStage(self._context)
        self._placement: Placement | None = None
        self._warnings: tuple[Problem, ...] = ()
        self._status = OrderStatus.PENDING
        self._expired = False

    @workflow.run
    async def run(self, start: OrderInput) -> OrderOutcome:
        """One order's life; whatever stops it, what was done is undone."""
        if start.free:
            if not await uninterrupted(self._place_free_order()):
                return OrderOutcome(order_id=start.order_id, status=None)
        else:
            verdict = await self._validate()
            if not verdict.accepted:
                return await self._reject(verdict)
            await uninterrupted(self._place(verdict))
        watch: asyncio.Task[None] | None = None
        try:
            await self._secure_stock()
            if start.free:
                await self._confirm_replacement()
            else:
                await self._collect_payment()
                watch = asyncio.create_task(self._payment.watch())
            await self._delivery.pick()
            await self._delivery.ship()
            await self._follow_to_the_door()
        except OrderStopped as stopped:
            await uninterrupted(self._unwind(stopped))
        except (FailureError, asyncio.CancelledError) as error:
            cancelled = is_cancelled_exception(error)
            await uninterrupted(
                self._unwind(
                    OrderStopped(
                        "cancelled by the operator"
                        if cancelled
                        else "an internal error; the shop has been told"
                    )
                )
            )
            await uninterrupted(self._finish(watch))
            if cancelled:
                raise
            raise ApplicationError("the order failed", type="OrderFailed") from error
        # Not in a `finally`: a worker that drops a running workflow must not begin anything.
        await uninterrupted(self._finish(watch))
        return OrderOutcome(order_id=start.order_id, status=self._status)

    # The steps, in the order in which they happen.

    async def _validate(self) -> Verdict:
        return await workflow.execute_local_activity_method(
            OrderPlacing.validate_order,
            ValidateOrder(draft=self._start.draft, problems=self._start.problems),
            summary="Check customer, products, prices and address",
            **policies.BOOKS,
        )

    async def _reject(self, verdict: Verdict) -> OrderOutcome:
        self._placement = PlacementRejected(
            fingerprint=self._start.fingerprint, errors=verdict.errors, warnings=verdict.warnings
        )
        await workflow.wait_condition(workflow.all_handlers_finished)
        return OrderOutcome(order_id=self._start.order_id, status=None)

    async def _place(self, verdict: Verdict) -> None:
        self._warnings = verdict.warnings
        self._context.order = await workflow.execute_local_activity_method(
            OrderPlacing.place_order,
            PlaceOrder(
                order_id=self._start.order_id,
                draft=self._start.draft,
                verdict=verdict,
                fingerprint=self._start.fingerprint,
                at=workflow.now(),
            ),
            summary="Store the order",
            **policies.BOOKS,
        )

    async def _place_free_order(self) -> bool:
        placed = await place_free_order(self._start)
        if placed is not None:
            self._context.order = placed
        return placed is not None

    async def _confirm_replacement(self) -> None:
        self._context.stop_if_cancelled()
        await confirm_replacement(self._context.order_id)
        self._status = OrderStatus.CONFIRMED

    async def _secure_stock(self) -> None:
        """Hold the order's stock, waiting for goods if there are none.

        Raises:
            OrderStopped: no goods came in time, or the order was cancelled meanwhile.
        """
        context = self._context
        context.stop_if_cancelled()
        context.undo.register("give the money back", self._payment.attempts.refund_all)
        context.undo.register("release stock", self._release_stock)
        await self._stock.hold(self._say_short)
        self._status = OrderStatus.PENDING
        context.display.statuses(status=OrderStatus.PENDING)

    def _say_short(self, short: StockShort) -> None:
        context = self._context
        self._status = OrderStatus.PENDING_RESTOCK
        self._placement = PlacementWaitsForStock(
            fingerprint=self._start.fingerprint,
            order=context.order.model_copy(update={"status": OrderStatus.PENDING_RESTOCK}),
            shortages=short.shortages,
            warnings=self._warnings,
        )
        context.display.statuses(status=OrderStatus.PENDING_RESTOCK)
        context.tell(NotificationKind.OUT_OF_STOCK, shortages=short.shortages)

    async def _collect_payment(self) -> None:
        context = self._context
        context.stop_if_cancelled()
        deadline = self._stock.deadline
        assert deadline is not None
        first = await self._payment.begin(context.order.gateway, deadline)
        refusal = (
            ()
            if first.instruction
            else (
                Problem(code="payment_not_created", field="paymentMethod", message=first.refusal),
            )
        )
        if self._stock.waited:
            context.tell(NotificationKind.PAYMENT_DUE, payment_expires_at=deadline)
        else:
            self._placement = PlacementAwaitsPayment(
                fingerprint=self._start.fingerprint,
                order=context.order,
                payment=first.instruction,
                warnings=(*self._warnings, *refusal),
            )
        self._alert_if_slow()
        await self._payment.collect(deadline)
        context.undo.forget("close payments")
        self._status = OrderStatus.CONFIRMED
        # The warehouse answers in a moment: what is shown and told then covers this step, too.
        context.tell(NotificationKind.ORDER_CONFIRMED, at_once=False)

    def _alert_if_slow(self) -> None:
        """A customer who waits this long for the way to pay goes elsewhere: tell the operators."""
        taken = workflow.now() - workflow.info().start_time
        if not self._stock.waited and taken > self._context.timings.slow_order_alert:
            workflow.metric_meter().create_counter(
                "orderflow_slow_orders", "Orders that took too long to offer a way to pay"
            ).add(1)
            workflow.logger.warning("slow_order", extra={"seconds": taken.total_seconds()})

    async def _follow_to_the_door(self) -> None:
        """Deliver, invite to a review a day later, and complete; nothing can be undone here."""
        steps = (self._delivery.track, self._invite_review, self._complete)
        for step in steps:
            try:
                await step()
            except asyncio.CancelledError:
                await self._delivery.note_late_cancellation()
                await step()

    async def _invite_review(self) -> None:
        """A day after the carrier handed the last parcel over, whenever we heard of that."""
        self._status = OrderStatus.DELIVERED
        await self._begin_after_sales()
        now = workflow.now()
        due = min(self._delivery.delivered_at or now, now) + self._context.timings.review_delay
        self._context.display.waits(
            "the customer to enjoy the goods",
            until=due,
            then="the customer is invited to write a review",
        )
        if due > now:
            await workflow.sleep(due - now, summary="Review invitation is due")
        self._context.tell(NotificationKind.REVIEW_INVITATION)

    async def _begin_after_sales(self) -> None:
        """What comes back from now on has a workflow of its own."""
        if self._start.after_sales:
            order = self._context.order
            await workflow.execute_local_activity_method(
                Handover.begin_after_sales,
                BeginAfterSales(
                    order_id=order.order_id,
                    order_number=order.order_number,
                    wanted_back=self._delivery.wanted_back,
                ),
                summary="Hand over to after-sales",
                **policies.BOOKS,
            )

    async def _complete(self) -> None:
        self._status = await workflow.execute_local_activity_method(
            OrderRecords.complete_order,
            CompleteOrder(order_id=self._context.order_id, at=workflow.now()),
            summary="Complete the order",
            **policies.BOOKS,
        )
        self._context.display.statuses(status=self._status)

    # The way back.

    async def _unwind(self, stopped: OrderStopped) -> None:
        """Undo everything, newest first, then close the order and tell the customer."""
        context = self._context
        self._payment.open = False
        self._expired = stopped.expired
        if self._delivery.shipped and not stopped.returned:
            await self._call_for_a_person(stopped)
            return
        context.display.working(f"Stopping: {stopped.reason}")
        if stopped.returned:
            context.undo.forget("release stock")
        await context.undo.run()
        closed = await workflow.execute_local_activity_method(
            OrderRecords.close_order,
            CloseOrder(order_id=context.order_id, reason=stopped.reason, at=workflow.now()),
            summary="Close the order",
            **policies.BOOKS,
        )
        self._status = closed.status
        context.display.statuses(closed.status, closed.payment_status, closed.shipping_status)
        if self._placement is None:
            self._placement = PlacementAwaitsPayment(
                fingerprint=self._start.fingerprint,
                order=context.order.model_copy(update={"status": self._status}),
                warnings=self._warnings,
            )
        if self._status is OrderStatus.CANCELLED:
            context.tell(NotificationKind.ORDER_CANCELLED, reason=stopped.reason)
        if stopped.returned:
            await self._begin_after_sales()

    async def _call_for_a_person(self, stopped: OrderStopped) -> None:
        """Goods that have left cannot be called back, and so their money is not given back."""
        await note(
            self._context.order_id,
            "order_failed",
            "Call for a person",
            dedupe_key="order_failed",
            task="It goes no further, with goods on their way: follow them, refund what is lost",
            reason=stopped.reason,
            then="an operator looks after the order",
        )

    async def _release_stock(self) -> None:
        await self._stock.release(self._delivery, expired=self._expired)

    async def _finish(self, watch: asyncio.Task[None] | None) -> None:
        """Let everything that was begun come to its end."""
        self._context.display.working(f"The order has ended: {self._status}")
        self._payment.stop_watching()
        if watch is not None:
            await watch
        await self._delivery.settle()
        await self._context.notifier.drain()
        await workflow.wait_condition(workflow.all_handlers_finished)

    # What comes in from outside: validate, record, return; `run` acts.

    @workflow.update(description="Place the order: errors, shortages or how to pay")
    async def place(self) -> PlacementAnswer:
        """What came of placing the order; the same answer however often it is asked."""
        await workflow.wait_condition(lambda: self._placement is not None)
        assert self._placement is not None
        return PlacementAnswer(placement=self._placement)

    @workflow.update(description="Try to pay again, perhaps in another way")
    async def start_payment(self, command: StartPayment) -> PaymentInstruction:
        """Another attempt while the hold lives; earlier ones are closed first."""
        return await self._payment.request(command.gateway or self._context.order.gateway)

    @start_payment.validator
    def _can_start_payment(self, command: StartPayment) -> None:  # noqa: ARG002
        if not self._payment.open or self._context.cancel is not None:
            raise ApplicationError(
                "the order does not wait for a payment", type=PAYMENT_REFUSED, non_retryable=True
            )

    @workflow.update(description="Cancel the order")
    async def cancel(self, command: CancelOrder) -> CancelAccepted:
        """Accept the cancellation; refunds, recall and release follow by themselves.

        What has left the house comes back as a return.
        """
        paid = self._payment.attempts.paid
        if self._delivery.shipped:
            self._delivery.want_back(command)
            return CancelAccepted(order_id=self._start.order_id, refund=paid, becomes="return")
        self._context.cancel = self._context.cancel or command
        return CancelAccepted(order_id=self._start.order_id, refund=paid)

    @cancel.validator
    def _can_cancel(self, command: CancelOrder) -> None:  # noqa: ARG002
        reason = ""
        if self._delivery.arrived:
            reason = "the parcel has arrived: ask for a return instead"
        elif self._status in {OrderStatus.CANCELLED, OrderStatus.REFUNDED}:
            reason = f"the order is {self._status} already"
        if reason:
            raise ApplicationError(reason, type=CANCEL_REFUSED, non_retryable=True)

    @workflow.signal(description="A payment callback has been stored")
    def payment_news(self, news: PaymentNews) -> None:
        """Wake up and ask the provider."""
        self._payment.hear(news)

    @workflow.signal(description="The warehouse shipped, or refused")
    def shipment_news(self, news: ShipmentNews) -> None:
        """Wake up and record it."""
        self._delivery.hear_warehouse(news)

    @workflow.signal(description="The carrier has news of the parcel")
    def parcel_news(self, news: ParcelNews) -> None:
        """Wake up and record it."""
        self._delivery.hear_carrier(news)

    @workflow.signal(description="An operator has decided about a parcel in trouble")
    def parcel_decided(self, decided: ParcelDecided) -> None:
        """Wake up and do it."""
        self._delivery.hear_operator(decided)

    @workflow.signal(description="Goods have arrived that the order waits for")
    def stock_arrived(self, arrived: StockArrived) -> None:  # noqa: ARG002
        """Wake up and try to hold them."""
        self._stock.hear_arrival()

    @workflow.query(description="What the order waits for, until when, and what happens then")
    def waiting_for(self) -> Waiting | None:
        """Nothing while the order is busy or has ended."""
        return self._context.display.waiting
