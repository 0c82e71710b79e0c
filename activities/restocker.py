"""Wakes the workflow that restocks one SKU in one warehouse, starting it if it does not run."""

from __future__ import annotations

from temporalio.client import Client

from domain.ids import restock_workflow_id
from domain.restocking import RestockPlace
from domain.supply import SupplyMessage

_WORKFLOW = "RestockWorkflow"


class Restocker:
    """Signals with start; workflows and signals are named as text, for this side imports none."""

    def __init__(self, client: Client, orders_queue: str) -> None:
        self._client = client
        self._queue = orders_queue

    async def look_again(self, place: RestockPlace) -> None:
        """Something is missing there, perhaps; the workflow finds out."""
        await self._signal(place, "restock_needed", [])

    async def tell(self, place: RestockPlace, message: SupplyMessage) -> None:
        """The supplier said something about goods for this place."""
        await self._signal(place, "supply_news", [message])

    async def _signal(self, place: RestockPlace, name: str, arguments: list[object]) -> None:
        await self._client.start_workflow(
            _WORKFLOW,
            place,
            id=restock_workflow_id(place.warehouse_id, place.sku),
            task_queue=self._queue,
            start_signal=name,
            start_signal_args=arguments,
            static_summary=f"Restock {place.sku} in {place.warehouse_id}",
        )
