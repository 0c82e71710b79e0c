"""What goes into and comes out of an order's after-sales: its input and its updates.

Shapes grow by optional fields only; running workflows were started by older versions.
"""

from __future__ import annotations

from domain.order import Value
from domain.returns import ReceivedUnits, Requester, ReturnCase, ReturnKind

# Types of the ApplicationError with which an update refuses begin with this; the rest is the code.
RETURN_REFUSED = "ReturnRefused:"


class AfterSalesInput(Value):
    """What an `AfterSalesWorkflow` starts with.

    `wanted_back` is why the customer cancelled the order when it was on its way.
    """

    order_id: str
    wanted_back: str = ""


class AskForReturn(Value):
    """The `ask` update: units by line number, to be refunded or exchanged."""

    return_id: str
    kind: ReturnKind = ReturnKind.REFUND
    lines: dict[int, int]
    reason: str = ""
    requested_by: Requester = "customer"


class ReturnDecision(Value):
    """The `decide` update: an operator approves, or rejects."""

    return_id: str
    approve: bool
    reason: str = ""


class ReturnArrived(Value):
    """The `receive` update: what the warehouse found, by line number."""

    return_id: str
    lines: dict[int, ReceivedUnits]
    warehouse_id: str = ""


class ReturnAnswer(Value):
    """The answer of all three: the return as it is now."""

    case: ReturnCase
