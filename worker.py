"""The worker: builds everything that the workflows and activities need, and runs them."""

from __future__ import annotations

import argparse
import asyncio
import atexit
import gc
import logging
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx
import uvloop
from temporalio.client import Client
from temporalio.worker import Interceptor, Worker

import composition
import telemetry
import temporal
from activities.after_sales import AfterSales
from activities.channels import Channels
from activities.failures import FailureInterceptor
from activities.fulfillment import Fulfillment
from activities.handover import Handover
from activities.inbox import Courier, Inbox
from activities.inventory import Stock
from activities.late_picking import LatePicking
from activities.leaks import Leaks
from activities.lost_parcels import LostParcels
from activities.notifications import Notifications
from activities.nudging import WorkflowNudge
from activities.order_watch import OrderWatch
from activities.parts import Parts
from activities.payments import Payments
from activities.placing import OrderPlacing
from activities.reconciliation import Reconciliation
from activities.records import OrderRecords
from activities.refunds import Refunds
from activities.restocker import Restocker
from activities.shipments import Shipments
from activities.supply import Supply
from activities.tracking import Tracking
from db.engine import Sessions, connect, session_factory
from gateways.http import build_client
from gateways.messaging.protocol import EmailSender
from schedules import ensure_schedules
from settings import Settings, load_settings, reveal
from workflows import policies
from workflows.after_sales import AfterSalesWorkflow
from workflows.callback_redelivery import CallbackRedeliveryWorkflow
from workflows.late_payment import LatePaymentWorkflow
from workflows.leak_detection import LeakDetectionWorkflow
from workflows.order import OrderWorkflow
from workflows.picking_watch import PickingWatchWorkflow
from workflows.reconcile import ReconcileWorkflow
from workflows.refund import RefundWorkflow
from workflows.restock import RestockWorkflow
from workflows.restock_watch import RestockWatchWorkflow
from workflows.stand_in import StandInWorkflow
from workflows.stock_adjustment import StockAdjustmentWorkflow
from workflows.stock_receipt import StockReceiptWorkflow

# The Temporal SDK's threads may still deliver a result while Python shuts down and crash it;
# registered first, this runs last (temporalio/sdk-python#300).
atexit.register(time.sleep, 0.1)

WORKFLOWS = (
    OrderWorkflow,
    RefundWorkflow,
    AfterSalesWorkflow,
    LatePaymentWorkflow,
    StockReceiptWorkflow,
    StockAdjustmentWorkflow,
    RestockWorkflow,
    RestockWatchWorkflow,
    CallbackRedeliveryWorkflow,
    ReconcileWorkflow,
    LeakDetectionWorkflow,
    PickingWatchWorkflow,
    StandInWorkflow,
)

_GRACE = timedelta(seconds=20)

log = logging.getLogger("orderflow.worker")


@dataclass(frozen=True)
class Activities:
    """All activity objects of one worker process."""

    placing: OrderPlacing
    stock: Stock
    records: OrderRecords
    shipments: Shipments
    lost_parcels: LostParcels
    late_picking: LatePicking
    parts: Parts
    after_sales: AfterSales
    handover: Handover
    inbox: Inbox
    payments: Payments
    refunds: Refunds
    reconciliation: Reconciliation
    leaks: Leaks
    supply: Supply
    fulfillment: Fulfillment
    tracking: Tracking
    notifications: Notifications


def build_activities(
    settings: Settings,
    sessions: Sessions,
    http: httpx.AsyncClient,
    email: EmailSender,
    client: Client,
) -> Activities:
    """Give every activity class exactly what it uses."""
    gateways = composition.payment_gateways(settings, http)
    nudge = WorkflowNudge(client, policies.ORDERS_QUEUE)
    return Activities(
        placing=OrderPlacing(sessions, frozenset(gateways)),
        stock=Stock(sessions),
        records=OrderRecords(sessions),
        shipments=Shipments(sessions),
        lost_parcels=LostParcels(sessions),
        late_picking=LatePicking(sessions),
        parts=Parts(sessions),
        after_sales=AfterSales(sessions, composition.return_rules(settings)),
        handover=Handover(client, policies.ORDERS_QUEUE),
        inbox=Inbox(sessions, Courier(sessions, client, policies.ORDERS_QUEUE)),
        payments=Payments(sessions, gateways),
        refunds=Refunds(sessions, gateways),
        reconciliation=Reconciliation(sessions, gateways, nudge),
        leaks=Leaks(sessions, OrderWatch(client), nudge),
        supply=Supply(
            sessions,
            composition.supplier_gateway(settings, http),
            Restocker(client, policies.ORDERS_QUEUE),
        ),
        fulfillment=Fulfillment(sessions, composition.warehouse_gateway(settings, http)),
        tracking=Tracking(composition.tracking_routes(settings, http), sessions),
        notifications=Notifications(
            sessions,
            Channels(
                sessions,
                email,
                composition.sms_sender(settings, http),
                composition.push_sender(settings, http),
                public_url=settings.public_url,
                unsubscribe_secret=reveal(settings.unsubscribe_secret),
                page_keys=composition.page_keys(settings),
            ),
            composition.quiet_hours(settings),
        ),
    )


def activities_by_queue(activities: Activities) -> dict[str, list[Callable[..., Any]]]:
    """Every activity, by the queue of the party that it talks to: our own books, or one outside."""
    return {
        policies.ORDERS_QUEUE: [
            activities.placing.validate_order,
            activities.placing.place_order,
            activities.stock.reserve_stock,
            activities.stock.extend_hold,
            activities.stock.release_stock,
            activities.stock.receive_stock,
            activities.stock.adjust_stock,
            activities.records.close_order,
            activities.records.complete_order,
            activities.records.note_event,
            activities.shipments.record_shipment,
            activities.shipments.record_tracking,
            activities.lost_parcels.note_trouble,
            activities.lost_parcels.give_up_parcel,
            activities.lost_parcels.resend_parcel,
            activities.lost_parcels.make_good_parcel,
            activities.late_picking.find_late_picking,
            activities.parts.drop_parts,
            activities.parts.drop_units,
            activities.after_sales.open_after_sales,
            activities.after_sales.request_return,
            activities.after_sales.decide_return,
            activities.after_sales.receive_return,
            activities.after_sales.settle_return,
            activities.after_sales.place_replacement,
            activities.after_sales.confirm_replacement,
            activities.handover.begin_after_sales,
            activities.payments.intend_payment,
            activities.refunds.claim_refund,
            activities.inbox.redeliver_callbacks,
            activities.leaks.find_leaks,
            activities.leaks.close_lost,
            activities.leaks.close_lost_payments,
            activities.supply.request_restock,
            activities.supply.find_empty_shelves,
            activities.supply.intend_supply,
            activities.supply.note_refusal,
        ],
        policies.PAYMENTS_QUEUE: [
            activities.payments.create_payment,
            activities.payments.settle_payment,
            activities.payments.await_payment,
            activities.refunds.refund_payment,
            activities.reconciliation.reconcile_page,
        ],
        policies.FULFILLMENT_QUEUE: [
            activities.fulfillment.send_picking_list,
            activities.fulfillment.recall_picking_list,
            activities.tracking.poll_parcel,
            activities.supply.ask_supplier,
            activities.supply.check_supplies,
        ],
        policies.NOTIFICATIONS_QUEUE: [
            activities.notifications.send_notifications,
            activities.notifications.tell_instead,
        ],
    }


def build_workers(
    client: Client,
    activities: Activities,
    queues: Sequence[str] = policies.ALL_QUEUES,
    interceptors: Sequence[Interceptor] = (),
) -> list[Worker]:
    """One worker for each of `queues`: our own books, and each kind of party outside."""
    on_queue = activities_by_queue(activities)
    return [
        queue_worker(
            client,
            queue,
            on_queue[queue],
            WORKFLOWS if queue == policies.ORDERS_QUEUE else (),
            interceptors,
        )
        for queue in queues
    ]


def queue_worker(
    client: Client,
    queue: str,
    activities: Sequence[Callable[..., Any]],
    workflows: Sequence[type],
    interceptors: Sequence[Interceptor] = (),
) -> Worker:
    """A worker for one queue, with the options that all of ours have."""
    return Worker(
        client,
        task_queue=queue,
        workflows=workflows,
        activities=activities,
        workflow_runner=temporal.workflow_runner(),
        interceptors=[FailureInterceptor(), *interceptors],
        max_concurrent_activities=50,
        max_concurrent_local_activities=50,
        # A killed worker's orders move to another one after this long, not after 10 s.
        sticky_queue_schedule_to_start_timeout=timedelta(seconds=2),
        graceful_shutdown_timeout=_GRACE,
    )


async def run(settings: Settings, queues: Sequence[str]) -> None:
    """Work until SIGTERM or SIGINT, then let what is running finish."""
    client = await temporal.connect(settings, runtime=temporal.worker_runtime(settings))
    engine = connect(settings.database_url, settings.database_pool_size)
    try:
        async with (
            build_client() as http,
            aclosing(composition.email_sender(settings)) as email,
        ):
            sessions = session_factory(engine)
            activities = build_activities(settings, sessions, http, email, client)
            workers = build_workers(client, activities, queues)
            await ensure_schedules(client)
            await _run_until_stopped(workers)
    finally:
        await engine.dispose()


async def _run_until_stopped(workers: Sequence[Worker]) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    running = [asyncio.create_task(worker.run()) for worker in workers]
    stopping = asyncio.create_task(stop.wait())
    log.info("worker_started", extra={"queues": [worker.task_queue for worker in workers]})
    done, _ = await asyncio.wait({stopping, *running}, return_when=asyncio.FIRST_COMPLETED)
    log.info("worker_stopping")
    await asyncio.gather(*(worker.shutdown() for worker in workers))
    await asyncio.gather(*running)
    stopping.cancel()
    for task in done:
        task.result()


def main() -> None:
    """Parse the command line and run."""
    parser = argparse.ArgumentParser(
        description="Run Orderflow's workflows and activities.",
        epilog="Configuration comes from the environment; see docs/operations.md.",
    )
    parser.add_argument(
        "--queues",
        default=",".join(policies.ALL_QUEUES),
        help="comma-separated task queues to serve (default: %(default)s)",
    )
    queues = [queue for queue in parser.parse_args().queues.split(",") if queue]
    unknown = set(queues) - set(policies.ALL_QUEUES)
    if unknown:
        parser.error(f"unknown queues {sorted(unknown)}; known: {', '.join(policies.ALL_QUEUES)}")
    settings = load_settings()
    telemetry.set_up(settings, "worker")
    code = 0
    try:
        # What was imported stays: the collector need not walk over it again and again.
        gc.freeze()
        gc.set_threshold(50_000, 20, 20)
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(run(settings, queues))
    except Exception:
        log.exception("worker_failed")
        code = 1
    telemetry.flush()
    sys.stderr.flush()
    # Not sys.exit: the SDK's threads may hang the interpreter's shutdown.
    os._exit(code)


if __name__ == "__main__":
    main()
