"""Orders of execution: the trace of a whole sequence becomes that of a stream of chunks of it."""

from hwcost.orders.order import OFFLINE, Order, asked_order, parse_order
from hwcost.orders.stream import streamed

__all__ = ["OFFLINE", "Order", "asked_order", "parse_order", "streamed"]
