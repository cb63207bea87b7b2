"""What a field of an alert rule may be. One place for the API, the form and the rules file."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from tracestore.alerts.conditions import condition as conditions
from tracestore.alerts.rule_conditions import CONTROL, SEVERITIES, as_stored, condition_of
from tracestore.errors import InvalidInput

#: In the order in which a rule is written.
FIELDS: Final = (
    "name", "enabled", "kind", "condition", "hold_s", "keep_firing_s", "severity", "halts", "owner", "runbook_url",
    "labels", "group_by",
)  # fmt: skip
DEFAULTS: Final[Mapping[str, Any]] = {
    "enabled": True, "hold_s": 0, "keep_firing_s": 300, "severity": "warning", "halts": False, "owner": "",
    "runbook_url": "", "labels": {}, "group_by": [],
}  # fmt: skip
MOST_NAME: Final = 120
MOST_OWNER: Final = 120
MOST_URL: Final = 500
MOST_LABELS: Final = 20
MOST_VALUE: Final = 200
#: The longest hold and keep-firing time: a week.
MOST_SECONDS: Final = 7 * 86_400
#: Labels that alerts get by themselves; a rule's own may not take their place.
KNOWN_LABELS: Final = (
    "rule", "severity", "project", "detector", "agent", "tool", "model", "user", "version", "service", "cause",
    "problem",
)  # fmt: skip
#: A label's name as Prometheus and Alertmanager have it.
_LABEL: Final = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]{0,79}")


def checked(project: str, sent: Mapping[Any, Any], before: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The fields that are sent as they are stored; of a new rule (`before` is None) all fields.

    A condition that is sent replaces the whole condition.

    Raises:
        InvalidInput: a field is unknown, missing, or cannot be that; names it and says what was expected.
    """
    for name in sent:
        if name not in FIELDS:
            raise InvalidInput(
                f"{str(name)[:100]!r} is no field of a rule: expected some of {', '.join(FIELDS)}.",
                field=str(name)[:100],
            )
    values: dict[str, Any] = {} if before is not None else {**DEFAULTS, "labels": {}, "group_by": []}
    for name, value in sent.items():
        if name not in ("kind", "condition", "group_by"):
            values[name] = _CHECKS[name](name, value)
    if before is None:
        for name in ("name", "kind"):
            if name not in sent:
                raise InvalidInput(
                    f"{name}: expected {'a name for the rule' if name == 'name' else kinds()}.", field=name
                )
    kind = sent.get("kind", before["kind"] if before else None)
    if not isinstance(kind, str) or kind not in conditions.KINDS:
        raise InvalidInput(f"kind={str(kind)[:100]!r}: expected {kinds()}.", field="kind")
    if "condition" in sent or before is None:
        condition = condition_of(project, kind, sent.get("condition", {}))
        values |= {"kind": kind, "condition": as_stored(condition)}
    elif before and kind != before["kind"]:
        raise InvalidInput("condition: expected one of the new kind with it.", field="condition")
    before = before or DEFAULTS
    labels = values.get("labels", before["labels"])
    if "group_by" in sent:
        values["group_by"] = group_by(sent["group_by"], labels)
    elif "labels" in sent:
        group_by(before["group_by"], labels)  # a label that it groups by has to stay
    return values


def kinds() -> str:
    return "one of " + ", ".join(conditions.KINDS)


def group_by(value: object, labels: Mapping[str, str]) -> list[str]:
    """Raises: InvalidInput, for a label that alerts of the rule do not have."""
    if not isinstance(value, list | tuple) or not all(isinstance(one, str) for one in value):
        raise InvalidInput("group_by: expected a list of labels.", field="group_by")
    for name in value:
        if name not in KNOWN_LABELS and name not in labels:
            raise InvalidInput(
                f"group_by: {name[:100]!r} is no label of its alerts: expected some of "
                f"{', '.join([*KNOWN_LABELS, *labels])}.",
                field="group_by",
            )
    return list(dict.fromkeys(value))


def _labels(field: str, value: object) -> dict[str, str]:
    if not isinstance(value, Mapping) or len(value) > MOST_LABELS:
        raise InvalidInput(f"labels: expected an object of at most {MOST_LABELS} names with values.", field=field)
    for name, text in value.items():
        if not isinstance(name, str) or not _LABEL.fullmatch(name) or name.startswith("__"):
            raise InvalidInput(
                f"labels: {str(name)[:100]!r} is no label name: expected letters, digits and _, not a digit first.",
                field=field,
            )
        if name in KNOWN_LABELS or name == "alertname":
            raise InvalidInput(f"labels: {name} is set by Tracestore itself: expected another name.", field=field)
        if not isinstance(text, str) or not 0 < len(text) <= MOST_VALUE or CONTROL.search(text):
            raise InvalidInput(
                f"labels: {name}: expected a text of 1 to {MOST_VALUE} characters on one line.", field=field
            )
    return dict(value)


def _one_line(least: int, most: int) -> Any:
    def check(field: str, value: object) -> str:
        text = value.strip() if isinstance(value, str) else None
        if text is None or not least <= len(text) <= most or CONTROL.search(text):
            raise InvalidInput(f"{field}: expected a text of {least} to {most} characters on one line.", field=field)
        return text

    return check


def _switch(field: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise InvalidInput(f"{field}: expected true or false.", field=field)
    return value


def _seconds(field: str, value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= MOST_SECONDS:
        raise InvalidInput(f"{field}: expected 0 to {MOST_SECONDS} whole seconds (a week).", field=field)
    return value


def _severity(field: str, value: object) -> str:
    if value not in SEVERITIES:
        raise InvalidInput(f"severity={str(value)[:100]!r}: expected one of {', '.join(SEVERITIES)}.", field=field)
    return str(value)


def _address(field: str, value: object) -> str:
    text = _one_line(0, MOST_URL)(field, value)
    try:
        parts = urlsplit(text)
        fits = not text or (parts.scheme in ("http", "https") and bool(parts.hostname) and " " not in text)
    except ValueError:
        fits = False
    if not fits:
        raise InvalidInput("runbook_url: expected an address that begins with http:// or https://.", field=field)
    return str(text)


_CHECKS: Final[Mapping[str, Any]] = {
    "name": _one_line(1, MOST_NAME), "owner": _one_line(0, MOST_OWNER), "enabled": _switch, "halts": _switch,
    "hold_s": _seconds, "keep_firing_s": _seconds, "severity": _severity, "runbook_url": _address, "labels": _labels,
}  # fmt: skip
