"""What the sender computed that a call cost, in US dollars."""

from __future__ import annotations

from typing import Final

from tracestore.spans.model import Attributes
from tracestore.spans.semconv.values import first_text, parse_json

_DOLLARS: Final = ("operation.cost", "llm.cost.total", "gen_ai.usage.cost")

#: Attributes that hold an object of costs, and its keys: the total, else the parts to be added.
_OBJECTS: Final = (
    ("langfuse.observation.cost_details", "total", ("input", "output")),
    ("mlflow.llm.cost", "total_cost", ("input_cost", "output_cost")),
)

#: All attributes that this reads.
ATTRIBUTES: Final = (*_DOLLARS, *(key for key, _, _ in _OBJECTS))

#: Nobody pays more for one call: such a number is no amount of dollars.
_MAX: Final = 1e9


def reported_cost(attributes: Attributes) -> float | None:
    """The cost by the sender, None when there is none or it is not an amount."""
    found = _dollars(first_text(attributes, *_DOLLARS))
    if found is not None:
        return found
    for key, total, parts in _OBJECTS:
        raw = attributes.get(key)
        costs = parse_json(raw) if isinstance(raw, str) else raw
        if isinstance(costs, dict):
            found = _dollars(costs.get(total))
            if found is None:
                amounts = [amount for part in parts if (amount := _dollars(costs.get(part))) is not None]
                found = _dollars(sum(amounts)) if amounts else None
            if found is not None:
                return found
    return None


def _dollars(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    try:
        amount = float(value)
    except (ValueError, OverflowError):
        return None
    return amount if 0 <= amount < _MAX else None
