"""What the sender computed that a call cost, in US dollars."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from tracestore.spans.model import Value
from tracestore.spans.semconv.places import document

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


class Reported(NamedTuple):
    """An amount by the sender; `keys` are what was added, of an attribute that holds an object."""

    amount: float
    attribute: str
    keys: tuple[str, ...] = ()


def reported_cost(attributes: Mapping[str, Value]) -> Reported | None:
    """The cost by the sender, None when there is none or it is not an amount."""
    for key in _DOLLARS:
        value = attributes.get(key)
        if value is not None and (found := _dollars(value)) is not None:
            return Reported(found, key)
    for key, total, parts in _OBJECTS:
        if key in attributes:
            amounts = {name: _dollars(value) for name, value in document(attributes[key]).items()}
            for names in ((total,), tuple(part for part in parts if amounts.get(part) is not None)):
                found = _dollars(sum(amounts.get(name) or 0.0 for name in names))
                if found is not None and any(amounts.get(name) is not None for name in names):
                    return Reported(found, key, names)
    return None


def _dollars(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    try:
        amount = float(value)
    except (ValueError, OverflowError):
        return None
    return amount if 0 <= amount < _MAX else None
