"""The settings of a detector as people see and change them. Pure; made from its settings dataclass."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any, Final

from tracestore.errors import InvalidInput

#: Type of a default → what pages and errors call it.
KINDS: Final = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "a text",
    tuple: "a list of texts",
}
MOST_TEXT: Final = 1_000


def described(defaults: Any) -> list[dict[str, Any]]:
    """Each setting: `name`, `kind`, `default`, `help`, `minimum`, `maximum` (None where there is none)."""
    return [
        {
            "name": field.name,
            "kind": KINDS[type(getattr(defaults, field.name))],
            "default": getattr(defaults, field.name),
            "help": field.metadata.get("help", ""),
            "minimum": field.metadata.get("minimum"),
            "maximum": field.metadata.get("maximum"),
        }
        for field in fields(defaults)
        if type(getattr(defaults, field.name)) in KINDS
    ]


def changed(defaults: Any, values: Mapping[str, Any]) -> Any:
    """The settings with some values changed.

    Raises:
        InvalidInput: a setting is unknown or its value impossible; `field` names it.
    """
    known = {one["name"]: one for one in described(defaults)}
    taken: dict[str, Any] = {}
    for name, value in values.items():
        if name not in known:
            raise InvalidInput(
                f"{str(name)[:100]} is not a setting: expected {', '.join(known) or 'none'}.", field=str(name)[:100]
            )
        taken[name] = _checked(known[name], value)
    return replace(defaults, **taken)


def from_text(defaults: Any, text: str) -> dict[str, Any]:
    """`name=value` as a command line gives it, as a value that `changed` takes.

    Raises:
        InvalidInput: it has not this form.
    """
    name, equals, value = text.partition("=")
    if not equals:
        raise InvalidInput(f"{text[:100]!r} is no setting: expected name=value.", field=name[:100])
    kind: type[Any] = type(getattr(defaults, name, ""))
    try:
        if kind is bool:
            return {name: {"true": True, "false": False}[value.lower()]}
        if kind is tuple:
            return {name: [one.strip() for one in value.split(",") if one.strip()]}
        return {name: kind(value)}
    except (KeyError, ValueError):
        raise InvalidInput(f"{name}={value[:100]!r}: expected {KINDS.get(kind, 'a text')}.", field=name) from None


def _checked(setting: Mapping[str, Any], value: Any) -> Any:
    name, kind = setting["name"], type(setting["default"])
    if kind is float and type(value) is int:
        value = float(value)
    if kind is tuple and isinstance(value, list | tuple) and all(isinstance(one, str) for one in value):
        value = tuple(one[:MOST_TEXT] for one in value[:MOST_TEXT])
    if type(value) is not kind or (kind is float and not math.isfinite(value)):
        raise InvalidInput(f"{name}: expected {setting['kind']}.", field=name)
    least, most = setting["minimum"], setting["maximum"]
    if kind in (int, float) and not (
        (least is None or value >= least) and (most is None or value <= most) and abs(value) < 2**53
    ):
        bounds = " and ".join(
            f"{word} {bound:g}" for word, bound in (("at least", least), ("at most", most)) if bound is not None
        )
        raise InvalidInput(f"{name}={value} is not possible: expected {bounds or 'a smaller number'}.", field=name)
    if kind is str and len(value) > MOST_TEXT:
        raise InvalidInput(f"{name}: expected at most {MOST_TEXT} characters.", field=name)
    return value
