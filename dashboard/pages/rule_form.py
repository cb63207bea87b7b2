"""The form of an alert rule: what it asks for each kind of condition, and what was typed as a rule's fields.

Inputs of a condition are named `metric.threshold` and so on, so that the parts of all kinds may stand in one form;
those of the chosen kind count.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from tracestore import detector_settings
from tracestore.alerts import durations
from tracestore.alerts.rule_conditions import CHOICES, DIMENSIONS, SEVERITIES, shared_views
from tracestore.alerts.rule_fields import DEFAULTS
from tracestore.alerts.rule_words import METRICS
from tracestore.errors import InvalidInput

#: What was typed: name of the input → its values.
Typed = Mapping[str, Sequence[str]]

KINDS: Final = {
    "metric": ("A figure", "Error rate, cost, latency, tokens or counts, against a limit or against before."),
    "findings": ("Findings", "What detectors find, from a severity on."),
    "search": ("A search", "How many traces a search or a saved view finds."),
}
COMPARISONS: Final = {
    "above": "is above the limit", "below": "is below the limit", "change_above": "rose by more than the limit",
    "change_below": "fell by more than the limit", "absent": "stopped coming", "burn_rate": "burns an error budget",
}  # fmt: skip
#: Fields of conditions that are lists of names, one on a line.
LINES: Final = ("agents",)
#: Those that are numbers, with how they are read.
NUMBERS: Final[Mapping[str, type[int] | type[float]]] = {
    "min_count": int, "min_wasted_usd": float, "threshold": float, "clear": float, "min_volume": int, "view": int,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Input:
    """One input. `form`: text, number, lines, select, checks, switch. `options`: value → word."""

    name: str
    word: str
    form: str
    values: Sequence[str]
    help: str = ""
    options: Mapping[str, str] | None = None
    wrong: bool = False

    @property
    def value(self) -> str:
        return "\n".join(self.values)


def typed(fields: Mapping[str, Any]) -> Typed:
    """A rule as the form shows it."""
    found: dict[str, list[str]] = {
        "name": [fields.get("name", "")], "kind": [fields["kind"]], "severity": [fields["severity"]],
        "hold": [durations.written(fields["hold_s"])], "keep_firing": [durations.written(fields["keep_firing_s"])],
        "owner": [fields["owner"]], "runbook_url": [fields["runbook_url"]],
        "labels": [f"{name}={value}" for name, value in fields["labels"].items()],
        "group_by": [", ".join(fields["group_by"])],
    }  # fmt: skip
    found |= {name: ["on"] for name in ("enabled", "halts") if fields[name]}
    for name, value in fields["condition"].items():
        key = f"{fields['kind']}.{name.removesuffix('_s')}"
        if name == "window_s":
            found[key] = [durations.written(value)]
        elif isinstance(value, Mapping):
            found[key] = [f"{one}={text}" for one, text in value.items()]
        elif isinstance(value, list | tuple):
            found[key] = list(value)
        elif value is not None:
            found[key] = [f"{value:.12g}" if isinstance(value, float) else str(value)]
    return found


def fresh() -> Typed:
    """An empty form."""
    condition = {"metric": "error_rate", "threshold": 0.3, "by": ["agent"], "min_volume": 10, "window_s": 900}
    return typed({**DEFAULTS, "kind": "metric", "condition": condition})


def fields_of(sent: Typed) -> dict[str, Any]:
    """What was typed as a rule's fields; whether they fit together is for `rules.create` to say.

    Raises:
        InvalidInput: a number or a length of time is none; names the input.
    """
    kind = _one(sent, "kind")
    if kind not in KINDS:
        raise InvalidInput("kind: expected one of " + ", ".join(KINDS) + ".", field="kind")
    return {
        "name": _one(sent, "name"), "kind": kind, "condition": _condition(kind, sent),
        "severity": _one(sent, "severity"), "enabled": "enabled" in sent, "halts": "halts" in sent,
        "hold_s": durations.parse(_one(sent, "hold") or "0", "hold"),
        "keep_firing_s": durations.parse(_one(sent, "keep_firing") or "0", "keep_firing"),
        "owner": _one(sent, "owner"), "runbook_url": _one(sent, "runbook_url"),
        "labels": _pairs(sent, "labels"),
        "group_by": [name for name in _one(sent, "group_by").replace(",", " ").split() if name],
    }  # fmt: skip


def _condition(kind: str, sent: Typed) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, values in sent.items():
        if not name.startswith(f"{kind}."):
            continue
        field, text = name.partition(".")[2], "\n".join(values).strip()
        if field in ("detectors", "by"):
            found[field] = [one for one in values if one]
        elif field in LINES:
            found[field] = _lines(values)
        elif field == "only":
            found[field] = _pairs(sent, name)
        elif field == "window":
            found["window_s"] = durations.parse(text or "15m", name)
        elif field in NUMBERS:
            if text:
                found[field] = _number(name, text, NUMBERS[field])
        else:
            found[field] = text
    if found.get("compare") in ("absent", "burn_rate"):
        found.pop("clear", None)
    if found.get("view") is not None:
        found["query"] = ""
    return found


def _one(sent: Typed, name: str) -> str:
    values = sent.get(name, ())
    return values[-1].strip() if values else ""


def _lines(values: Iterable[str]) -> list[str]:
    return [line.strip() for value in values for line in value.splitlines() if line.strip()]


def _pairs(sent: Typed, name: str) -> dict[str, str]:
    found = {}
    for line in _lines(sent.get(name, ())):
        key, equals, value = line.partition("=")
        if not equals:
            raise InvalidInput(f"{name}: {line[:60]!r}: expected name=value on each line.", field=name)
        found[key.strip()] = value.strip()
    return found


def _number(name: str, text: str, read: type[int] | type[float]) -> float | int:
    try:
        return read(text.replace(",", "")) if len(text) < 40 else read("")
    except ValueError:
        expected = "a whole number" if read is int else "a number such as 0.3"
        raise InvalidInput(f"{name}: {text[:40]!r}: expected {expected}.", field=name) from None


def input_of(field: str, kind: str) -> str:
    """The name of the input that a complaint about a field is about."""
    if field.startswith("condition."):
        return f"{kind}.{field.removeprefix('condition.').partition('[')[0].removesuffix('_s')}"
    return field.removesuffix("_s") if field in ("hold_s", "keep_firing_s") else field


def general(sent: Typed, wrong: str) -> list[Input]:
    """What every rule has."""
    severities = {name: name for name in SEVERITIES[::-1]}
    made = _Maker(sent, wrong)
    return [
        made("name", "Name", "text", "As on-call reads it."),
        made("severity", "Severity", "select", options=severities),
        made("hold", "Fires after", "text", "How long it must be so: 2m, 1h30m. 0 fires at once."),
        made("keep_firing", "Over after", "text", "How long it must not be so."),
        made("owner", "Owner", "text", "Who looks at it: a team or a person."),
        made("runbook_url", "Runbook", "text", "The address of what to do."),
        made("labels", "Labels", "lines", "name=value, one a line. Routes and silences match them."),
        made("group_by", "One incident for each", "text", "Labels such as agent or tool; empty is as usual."),
        made("enabled", "It is evaluated", "switch"),
        made("halts", "It halts the agent", "switch", "Opens the circuit breaker of the agent while it fires."),
    ]


def of_kinds(project: str, sent: Typed, wrong: str) -> dict[str, list[Input]]:
    """What each kind of condition asks."""
    made = _Maker(sent, wrong)
    severities = {"info": "any", "warning": "warning or critical", "critical": "critical only"}
    detectors = {name: parts[0].title for name, parts in detector_settings.by_id().items()}
    views = {"": "none: the search counts"} | {str(view.pk): view.name for view in shared_views(project)}
    dimensions = {name: name for name in DIMENSIONS["metric"]}
    compares = {name: COMPARISONS[name] for name in CHOICES["metric"]["compare"]}
    window = "A length of time such as 15m, 4h or 7d."
    units = "Shares as 0.3 for 30 %, latencies in seconds, cost in dollars; a change as 0.5 for 50 %."
    return {
        "metric": [
            made("metric.metric", "Figure", "select", options={name: words[0] for name, words in METRICS.items()}),
            made("metric.by", "Of each", "checks", "None: of the whole project.", dimensions),
            made("metric.compare", "It", "select", options=compares),
            made("metric.threshold", "Limit", "number", units),
            made("metric.clear", "Over at", "number", "A limit of its own for when it is over; empty: the same."),
            made("metric.window", "Window", "text", window),
            made("metric.min_volume", "At least", "number", "Runs or calls: fewer say nothing."),
            made("metric.only", "Only of", "lines", "agent=planner, one a line. Empty: of all."),
        ],
        "findings": [
            made("findings.detectors", "Detectors", "checks", "None: all of them.", detectors),
            made("findings.min_severity", "Of severity", "select", options=severities),
            made("findings.agents", "Agents", "lines", "One a line. Empty: all."),
            made("findings.min_count", "At least", "number", "Findings of one problem within the window."),
            made("findings.min_wasted_usd", "Wasted at least", "number", "Dollars, of these together."),
            made("findings.window", "Window", "text", window),
        ],
        "search": [
            made("search.query", "Search", "text", "As on the page of traces: agent:planner cost>1 errors>0."),
            made("search.view", "Or saved view", "select", "A shared view; the rule follows its changes.", views),
            made("search.compare", "It finds", "select", options={"above": "more than", "below": "fewer than"}),
            made("search.threshold", "Limit", "number", "Traces that began within the window."),
            made("search.clear", "Over at", "number", "A limit of its own for when it is over; empty: the same."),
            made("search.by", "Of each", "checks", "None: of the whole project.", {"agent": "agent"}),
            made("search.window", "Window", "text", window),
        ],
    }  # fmt: skip


#: What an input of another kind than the rule's begins with.
_USUAL: Final[Typed] = {
    "metric.metric": ["error_rate"], "metric.threshold": ["0.3"], "metric.window": ["15m"], "metric.min_volume": ["10"],
    "findings.min_severity": ["warning"], "findings.min_count": ["1"], "findings.min_wasted_usd": ["0"],
    "findings.window": ["1h"], "search.compare": ["above"], "search.threshold": ["0"], "search.window": ["15m"],
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Maker:
    sent: Typed
    wrong: str

    def __call__(
        self, name: str, word: str, form: str, help: str = "", options: Mapping[str, str] | None = None  # noqa: A002
    ) -> Input:  # fmt: skip
        values = self.sent.get(name, _USUAL.get(name, ()))
        return Input(name, word, form, values, help, options, name == self.wrong)
