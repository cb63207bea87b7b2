"""Captures of real frameworks with their ground truth, and how a capture is judged.

The corpus directory is `$TRACESTORE_CORPUS`, else `shared/data/corpus` beside the repository, else
the part of it that is kept in `tests/golden/`.

A measure is *exact* when it equals the truth of the manifest. Where an instrumentation does not
send something at all, or sends it wrong, there is one more accepted value: what the manifest's own
reference recovers, or the value named in `NOT_SENT` below, each with its reason.
"""

from __future__ import annotations

import gzip
import json
import os
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from tracestore.spans import decode_logs
from tracestore.spans.decode import decode_protobuf
from tracestore.spans.messages import Conversation, messages
from tracestore.spans.model import Event, Span, SpanRecord
from tracestore.spans.normalise import normalise
from tracestore.spans.resolve import resolve
from tracestore.spans.semconv.log_events import Told, event_of, told

ROOT = Path(__file__).resolve().parents[2]
GOLDEN = ROOT / "tests" / "golden"

Manifest = dict[str, Any]


def directory() -> Path:
    """Where the captures are."""
    named = os.environ.get("TRACESTORE_CORPUS")
    if named:
        return Path(named)
    beside = ROOT.parent / "shared" / "data" / "corpus"
    return beside if beside.is_dir() else GOLDEN


def captures(where: Path | None = None) -> list[Path]:
    """All captures of the corpus and those kept here beside it, in order of their names; or those of one directory."""
    places = (where,) if where else (GOLDEN, directory())
    found = {path.parent.name: path.parent for place in places for path in place.glob("*/manifest.json")}
    return [found[name] for name in sorted(found)]


def read_manifest(capture: Path) -> Manifest:
    found: Manifest = json.loads((capture / "manifest.json").read_text())
    return found


def records(capture: Path) -> list[SpanRecord]:
    """All spans of a capture, in order of arrival."""
    found: list[SpanRecord] = []
    for path in sorted(capture.glob("*.traces.binpb.gz")):
        found.extend(decode_protobuf(gzip.decompress(path.read_bytes())).records)
    return found


def resolved(capture: Path) -> list[Span]:
    """All spans of a capture as understood, together with its log records."""
    spans = [normalise(record) for record in records(capture)]
    logs = log_events(capture)
    for span in spans:
        said = told(logs.get((span.record.trace_id, span.record.span_id), []), span.type)
        for name in Told.__slots__:
            setattr(span, name, getattr(span, name) or getattr(said, name))
    resolve(spans)
    return spans


def log_events(capture: Path) -> dict[tuple[str, str], list[Event]]:
    """The log records of a capture as events, by trace and span."""
    found: dict[tuple[str, str], list[Event]] = {}
    for path in sorted(capture.glob("*.logs.binpb.gz")):
        for log in decode_logs.decode_protobuf(gzip.decompress(path.read_bytes())).records:
            event = event_of(log.time_ns, log.event_name, log.body, log.attributes)
            found.setdefault((log.trace_id, log.span_id), []).append(event)
    return found


@dataclass
class Check:
    """One measure of a capture: what was found, what is true, and what else is accepted."""

    name: str
    found: Any
    truth: Any
    accepted: tuple[Any, ...] = ()

    @property
    def exact(self) -> bool:
        return bool(self.found == self.truth)

    @property
    def passes(self) -> bool:
        return self.exact or self.found in self.accepted


@dataclass
class Judged:
    capture: str
    combo: str
    checks: list[Check]


@cache
def judge(capture: Path) -> Judged:
    """Decode, normalise, resolve, and compare with the manifest."""
    manifest = read_manifest(capture)
    checks = list(_checks(manifest, resolved(capture)))
    for check in checks:
        check.accepted += _accepted(manifest, check)
    return Judged(manifest["capture"], manifest["combo"], checks)


def _checks(manifest: Manifest, spans: list[Span]) -> list[Check]:
    expected = manifest["expected"]
    counts, tokens = expected["counts"], expected["tokens"]
    calls = [span for span in spans if span.type == "llm"]
    tools = [span for span in spans if span.type == "tool"]
    executions = [span for span in tools if span.tool_name in expected["tool_names"]]
    delegations = {_folded(found["name"]) for found in manifest["delegations_or_handoffs"]}
    others = {span.tool_name for span in tools} - expected["tool_names"].keys()
    elsewhere = [span for span in spans if span.type not in ("llm", "embedding")]
    embeddings = [span for span in spans if span.type == "embedding"]
    return [
        Check("llm_calls", len(calls), counts["llm_calls"]),
        Check("llm_errors", sum(s.record.status == "error" for s in calls), counts["llm_calls_failed"]),
        Check("tool_names", dict(Counter(s.tool_name for s in executions)), expected["tool_names"]),
        Check("other_tools", sorted(n for n in others if _folded(n) not in delegations), []),
        Check("tool_errors", sum(s.error_type != "" for s in executions), counts["tool_errors"]),
        Check("input_tokens", sum(s.input_tokens for s in calls), tokens["input"]),
        Check("output_tokens", sum(s.output_tokens for s in calls), tokens["output"]),
        Check("cached_tokens", sum(s.cache_read_tokens for s in calls), tokens["cached_input"]),
        Check("reasoning_tokens", sum(s.reasoning_tokens for s in calls), tokens["reasoning"]),
        Check("embedding_tokens", sum(s.input_tokens for s in embeddings), tokens["embedding_input"]),
        Check("tokens_elsewhere", sum(s.input_tokens + s.output_tokens for s in elsewhere), 0),
        Check("cost", all((s.cost_usd is not None) == bool(s.usage_rule) for s in calls), True),
        Check("models", dict(Counter(s.model for s in calls if s.usage_rule)), _models(manifest)),
        Check("agents", sorted({s.agent for s in spans if s.type == "agent"}), sorted(expected["agents"])),
        Check("agent_sequence", _sequence(calls), expected["agent_activation_sequence"]),
        Check("without_agent", sum(not s.agent for s in [*calls, *executions]), _outside(manifest)),
        Check("session", _context(spans, "session_id"), _told(expected["conversation_id"])),
        Check("user", _context(spans, "user_id"), _told(expected["user_id"])),
        Check("arguments", sorted(_canonical(s.input) for s in executions), _arguments(manifest)),
        Check("results", _results(executions), _true_results(manifest)),
        Check("answers", _answers(calls), _true_answers(manifest)),
        Check("questions", _questions(manifest, calls), [turn["user_text"] for turn in expected["turns"]]),
    ]


def _outside(manifest: Manifest) -> int:
    """Calls of no agent: pipelines and query engines beside one."""
    return sum(call.get("agent") == "" for call in manifest["llm_calls"])


def _folded(name: str) -> str:
    return name.lower().replace(" ", "_")


def _models(manifest: Manifest) -> dict[str, int]:
    return {name: found["calls"] for name, found in manifest["expected"]["models"].items()}


def _requested(manifest: Manifest) -> dict[str, int]:
    counted: Counter[str] = Counter()
    for found in manifest["expected"]["models"].values():
        counted[found["model_requested"]] += found["calls"]
    return dict(counted)


def _sequence(calls: list[Span]) -> list[str]:
    found: list[str] = []
    for span in sorted(calls, key=lambda s: s.record.start_ns):
        if not found or found[-1] != span.agent:
            found.append(span.agent)
    return found


def _told(value: str | None) -> list[str]:
    return [value] if value else []


def _context(spans: list[Span], column: str) -> list[str]:
    """The values on the spans that a session is made of."""
    found = {getattr(s, column) for s in spans if s.type in ("llm", "tool", "agent")}
    return sorted(found - {""})


def _canonical(raw: str) -> str:
    try:
        return json.dumps(json.loads(raw), sort_keys=True)
    except ValueError:
        return raw


def _arguments(manifest: Manifest) -> list[str]:
    return sorted(json.dumps(found["args"], sort_keys=True) for found in manifest["tool_executions"])


_KEPT = 200


def _results(executions: list[Span]) -> list[str]:
    """The beginnings of the results: manifests keep long ones cut short."""
    return sorted(span.output[:_KEPT] for span in executions if not span.error_type)


def _true_results(manifest: Manifest) -> list[str]:
    done = (found for found in manifest["tool_executions"] if found["ok"])
    return sorted(found["result"][:_KEPT] for found in done)


def _conversations(calls: list[Span]) -> list[Conversation]:
    return [messages(span.record.attributes, span.record.events, span.type) for span in calls]


def _answers(calls: list[Span]) -> list[str]:
    """What the model said and asked for in each call that has an answer, in the normal form."""
    found = []
    for conversation in _conversations(calls):
        parts = [part for message in conversation.output for part in message.parts]
        said = "".join(part["text"] for part in parts if part["type"] == "text")
        asked = sorted(
            json.dumps([p["name"], p["arguments"]], sort_keys=True) for p in parts if p["type"] == "tool_call"
        )
        roles = sorted({message.role for message in conversation.output})
        if parts:
            found.append(json.dumps([roles, said.strip(), asked]))
    return sorted(found)


def _true_answers(manifest: Manifest) -> list[str]:
    found = []
    for call in manifest["llm_calls"]:
        said, listed = call.get("text") or "", call.get("tool_calls") or []
        asked = sorted(json.dumps([one["name"], one["args"]], sort_keys=True) for one in listed)
        if said or asked:
            found.append(json.dumps([["assistant"], said.strip(), asked]))
    return sorted(found)


def _questions(manifest: Manifest, calls: list[Span]) -> list[str]:
    """What the user said in each turn, where a call was sent it as a user's message.

    Frameworks may put it into a text of their own (CrewAI's task, smolagents' "New task").
    """
    sent = [
        part["text"]
        for conversation in _conversations(calls)
        for message in conversation.input
        if message.role == "user"
        for part in message.parts
        if part["type"] == "text"
    ]
    return [turn["user_text"] for turn in manifest["expected"]["turns"] if any(turn["user_text"] in s for s in sent)]


#: Measure → the key of `reference_recovery` that says what can be recovered at all.
_REFERENCE = {
    "llm_calls": "llm_calls",
    "input_tokens": "input_tokens",
    "output_tokens": "output_tokens",
    "tool_errors": "tool_error_spans",
}


def _if_same_but_for(place: int, check: Check) -> Any:
    """The answers found, if they are true but for the text (1) or the calls (2) of those that have both."""

    def without(answers: list[str]) -> list[str]:
        left = []
        for found in map(json.loads, answers):
            if found[1] and found[2]:
                found[place] = [] if place == 2 else ""
            left.append(json.dumps(found))
        return sorted(left)

    return check.found if without(check.found) == without(check.truth) else None


#: What an instrumentation does not send: (combos, measures, why, the value accepted instead).
NOT_SENT: list[tuple[tuple[str, ...], tuple[str, ...], str, Callable[[Manifest, Check], Any]]] = [
    (
        ("adk-", "strands-", "smolagents-"),
        ("models",),
        "the returned model is not sent (smolagents: not when streaming)",
        lambda manifest, check: _requested(manifest),
    ),
    (
        ("autogen-native", "openai_agents-otel_contrib", "openai_sdk-otel_v2", "smolagents-"),
        ("cached_tokens", "reasoning_tokens"),
        "not sent (smolagents: not when streaming)",
        lambda manifest, check: 0,
    ),
    (
        ("langgraph-",),
        ("embedding_tokens",),
        "LangChain's embeddings are not instrumented",
        lambda manifest, check: 0,
    ),
    (
        ("autogen-native", "openai_agents-otel_contrib"),
        ("session", "user"),
        "not sent",
        lambda manifest, check: [],
    ),
    (
        ("adk-native",),
        ("user",),
        "not sent without content capture; with it, in log records only",
        lambda manifest, check: [] if manifest["combo"] == "adk-native" else check.truth,
    ),
    (
        ("adk-native.", "openai_sdk-otel_v2.", "openai_sdk-otel_v2_events."),
        ("answers", "questions"),
        "not sent without content capture, or only in log records",
        lambda manifest, check: [],
    ),
    (
        ("autogen-native.",),
        ("answers",),
        "what the model said beside a tool call comes in a message of its own",
        lambda manifest, check: _if_same_but_for(1, check),
    ),
    (
        ("openai_agents-otel_contrib",),
        ("answers",),
        "tool calls that the model asked for beside a text are not sent",
        lambda manifest, check: _if_same_but_for(2, check),
    ),
    (
        ("autogen-native.",),
        ("questions",),
        "what the model was sent is not told",
        lambda manifest, check: [],
    ),
    (
        ("autogen-native.",),
        ("models", "cost"),
        "no model is named, so nothing can be priced",
        lambda manifest, check: False if check.name == "cost" else {"": manifest["expected"]["counts"]["llm_calls"]},
    ),
    (
        ("adk-native.",),
        ("arguments", "results"),
        "not sent without content capture",
        lambda manifest, check: [""] * len(check.found),
    ),
    (
        ("llamaindex-",),
        ("agents", "agent_sequence"),
        "an agent's name is not sent: its class stands for it",
        lambda manifest, check: ["FunctionAgent" if name else "" for name in check.truth],
    ),
]


def _accepted(manifest: Manifest, check: Check) -> tuple[Any, ...]:
    found: list[Any] = []
    recovery = manifest["from_capture"]["reference_recovery"]
    key = _REFERENCE.get(check.name, "")
    if key and {check.name, key, "tool_errors"} & set(recovery["differs_from_truth"]):
        found.append(recovery[key])
    for combos, measures, _why, value in NOT_SENT:
        if check.name in measures and f"{manifest['combo']}.".startswith(combos):
            found.append(value(manifest, check))
    found.extend(_accepted_for_scenario(manifest, check, recovery))
    return tuple(found)


def _accepted_for_scenario(manifest: Manifest, check: Check, recovery: Manifest) -> list[Any]:
    combo, scenario = manifest["combo"], manifest["scenario"]
    if manifest["from_capture"]["spans_with_dropped_attributes"] and check.name in (
        "models",
        "cached_tokens",
        "reasoning_tokens",
    ):
        return [check.found]  # evicted by the SDK's limit of 128 attributes
    if manifest["from_capture"]["spans_with_dropped_attributes"] and check.name == "answers":
        return [check.found] if not Counter(check.found) - Counter(check.truth) else []
    if not recovery["llm_calls"] and check.name in ("models", "agent_sequence"):
        return [{}, []]  # no LLM spans at all
    if combo.startswith("pydantic_ai") and check.name == "session" and not check.truth:
        # One made-up id for each run.
        turns = len(manifest["expected"]["turns"])
        return [check.found] if 0 < len(check.found) <= turns else []
    if combo.startswith("langgraph") and check.name in ("agents", "agent_sequence"):
        if scenario == "rag":
            return [[], [""]]  # a chain without an agent
        if scenario == "happy" and len(check.truth) == 1:
            return [["LangGraph"]]  # the graph was given no name
    if combo.startswith("langgraph") and scenario == "rag" and check.name == "without_agent":
        return [manifest["expected"]["counts"]["llm_calls"]]
    if scenario == "llm_fatal":
        if combo.startswith("smolagents") and check.name.startswith(("agent", "without_agent")):
            # The root span, which has the agent's name, is not exported after the error.
            return [[], [""], check.found]
        if combo.startswith("crewai") and check.name == "agent_sequence":
            return [manifest["expected"]["agents"]]  # the truth counts CrewAI's own summary call
    return []
