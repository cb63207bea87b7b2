"""`prompt_injection`: a text that came in gives orders to the agent, and whether the agent obeyed.

Pure. Read are results of tools, retrieved documents and the newest message of each model call; not the agent's own
instructions, nor what repeats them. Two families of markers (`injection_markers.py`) close together are a warning,
one alone is shown. It is critical when a later call carries an address, or calls a tool, that only the suspicious
text had named: the agent followed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from tracestore.analysis.trajectory import TraceSpan, Trajectory
from tracestore.detectors.detector import Norms, setting
from tracestore.detectors.finding import Finding, Severity
from tracestore.detectors.injection_markers import Suspicion, suspicion

_ADDRESS: Final = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+|https?://[^\s\"'<>)\]}]+|\b[A-Z]{2}\d{2}[A-Z0-9]{11,30}\b")
_HOST: Final = re.compile(r"https?://([^/\s:?#]+)")
#: `the tool send_mail`, `the "send_mail" tool`.
_TOOLS: Final = (
    re.compile(r"\b(?:tool|function)\s+[`'\"]?(\w{3,64})", re.IGNORECASE),
    re.compile(r"\b(\w{3,64})[`'\"]?\s+(?:tool|function)\b", re.IGNORECASE),
)
#: Single families that are worth showing; the others stand in ordinary texts.
_TELLING: Final = frozenset({"override", "hidden"})


@dataclass(frozen=True, slots=True)
class Settings:
    families: int = setting(2, "So many kinds of marker close together are a warning", minimum=1, maximum=7)
    trusted: tuple[str, ...] = setting((), "Tools and retrievers whose results are not read, by name")
    messages: bool = setting(True, "Also read messages of users and other agents, not only results")


@dataclass(frozen=True, slots=True)
class Source:
    """A text that came in from outside, and the span that brought it."""

    span: TraceSpan
    name: str
    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class Followed:
    span: TraceSpan
    what: str


@dataclass(frozen=True, slots=True)
class PromptInjection:
    id: str = "prompt_injection"
    version: str = "1"
    title: str = "Prompt injection"
    method: str = (
        "Several kinds of wording that gives orders to a model, close together in what tools, documents or messages "
        "bring in; critical when the agent then did what only that text had named"
    )
    defaults: Settings = Settings()

    def detect(self, trajectory: Trajectory, settings: Settings, norms: Norms) -> list[Finding]:
        found: dict[str, Finding] = {}
        rank = ("info", "warning", "critical").index
        read: set[str] = set()
        told: list[Suspicion] = []
        for source in _sources(trajectory, settings):
            if source.text in read:
                continue
            read.add(source.text)
            suspect = suspicion(source.text)
            if suspect is None or _own_words(suspect, trajectory) or _told_again(source, suspect, told):
                continue
            told.append(suspect)
            grave = suspect.speaks_to_model and len(suspect.families) > 1
            followed = _followed(trajectory, source, suspect) if grave else None
            severity = _severity(suspect, followed, settings)
            known = found.get(source.name)
            if severity and (known is None or rank(severity) > rank(known.severity)):
                found[source.name] = self._say(source, suspect, followed, severity)
        return list(found.values())

    def _say(self, source: Source, suspect: Suspicion, followed: Followed | None, severity: Severity) -> Finding:
        span, wording = source.span, ", ".join(_FAMILY_WORDS[family] for family in suspect.families)
        quoted = suspect.markers[0].text.strip()[:160]
        if followed is not None:
            title = f"The agent followed orders that came in with {source.name}"
            after = f"Later the agent {followed.what}, which nothing but this text had named: it obeyed."
        else:
            title = f"Orders to the model in what {source.name} brought in"
            after = "No later call carries an address or calls a tool that only this text names."
        if suspect.mentions:
            after += " The text speaks about such attacks and quotes them, so it is probably harmless."
        spans = [span] if followed is None else [span, followed.span]
        return Finding(
            self.id, self.version, severity, title,
            f"The {source.kind} holds wording that gives orders to whoever reads it ({wording}), for example: "
            f"“{quoted}”. {after} What was seen are words; whether somebody meant harm, only a person can tell.",
            span.agent, source.name, span.start_ns, spans[-1].end_ns or spans[-1].start_ns, span.trace_id,
            tuple(one.span_id for one in spans), span.span_id, "data",
            evidence={
                "families": list(suspect.families), "source": source.name, "kind": source.kind,
                "markers": [{"family": marker.family, "text": marker.text[:200]} for marker in suspect.markers[:10]],
                "passage": suspect.passage[:1000], "followed": followed.what if followed else "",
                "mentions": suspect.mentions,
            },
        )  # fmt: skip


_FAMILY_WORDS: Final = {
    "override": "to ignore earlier instructions", "role": "to take another role", "template": "marks of chat templates",
    "secrecy": "to keep it from the user", "exfiltration": "to send something to an address",
    "addressed": "addressed to an assistant", "hidden": "where no reader sees it",
}  # fmt: skip


def _severity(suspect: Suspicion, followed: Followed | None, settings: Settings) -> Severity | None:
    if followed is not None:
        return "critical"
    if len(suspect.families) >= settings.families and suspect.speaks_to_model and not suspect.mentions:
        return "warning"
    if (len(suspect.families) > 1 and suspect.speaks_to_model) or not _TELLING.isdisjoint(suspect.families):
        return "info"
    return None


def _sources(trajectory: Trajectory, settings: Settings) -> Iterator[Source]:
    """What came in, in order of time; a message that is a tool's result again is left to the tool."""
    known = {""} | {span.output for span in trajectory.of_type("tool", "retrieval", "llm")}
    for span in trajectory.spans:
        if span.trace_id != trajectory.trace_id:
            continue
        if span.type in ("tool", "retrieval") and span.output:
            name = span.tool_name or span.name
            if name not in settings.trusted:
                kind = "result of the tool" if span.type == "tool" else "retrieved text"
                yield Source(span, name, kind, span.output)
        elif span.type == "llm" and settings.messages and span.input not in (known | {span.instructions}):
            yield Source(span, "a message", "message", span.input)


def _own_words(suspect: Suspicion, trajectory: Trajectory) -> bool:
    """Whether the markers stand in the agent's own instructions, which tools and users may repeat."""
    return any(
        all(marker.text in span.instructions for marker in suspect.markers if marker.family != "hidden")
        for span in trajectory.of_type("llm")
        if span.instructions
    )


def _told_again(source: Source, suspect: Suspicion, told: list[Suspicion]) -> bool:
    """Whether a message only carries on what a tool or a document had brought in."""
    markers = {marker.text for marker in suspect.markers}
    return source.kind == "message" and any(markers <= {marker.text for marker in one.markers} for one in told)


def _followed(trajectory: Trajectory, source: Source, suspect: Suspicion) -> Followed | None:
    """The first later call with an address, or of a tool, that was named by the passage and by nothing before it."""
    spans = trajectory.spans
    place = spans.index(source.span)
    before = "\n".join(_known(spans[: place + 1], source)).lower()
    addresses = {found.rstrip(".,;") for found in _ADDRESS.findall(suspect.passage)}
    hosts = {host for address in addresses for host in _HOST.findall(address)}
    telling = {name.lower() for name in addresses | hosts if name.lower() not in before}
    tools = {name.lower() for pattern in _TOOLS for name in pattern.findall(suspect.passage)}
    used = {span.tool_name.lower() for span in spans[:place] if span.tool_name}
    for span in spans[place + 1 :]:
        for tool, arguments in _calls(span):
            address = next((one for one in sorted(telling, key=len, reverse=True) if one in arguments.lower()), "")
            if address:
                return Followed(span, f"called {tool} with {address}")
            if tool.lower() in tools - used and _orders_a_call(suspect):
                return Followed(span, f"called {tool}")
        if span.type == "llm" and any(f"]({one}" in span.output.lower() for one in telling if "://" in one):
            return Followed(span, "put a link to an address of that text into its answer")
    return None


def _orders_a_call(suspect: Suspicion) -> bool:
    return not {"override", "secrecy", "hidden"}.isdisjoint(suspect.families)


def _known(spans: Sequence[TraceSpan], source: Source) -> Iterator[str]:
    """What was said before and elsewhere: an address in it is no sign of obedience.

    Only calls are read: an outer span may repeat the whole run, what came later too.
    """
    for span in spans:
        if span.type not in ("llm", "tool", "retrieval"):
            continue
        yield from (text for text in (span.instructions, span.input, span.output) if text != source.text)


def _calls(span: TraceSpan) -> Iterator[tuple[str, str]]:
    if span.type == "tool":
        yield span.tool_name or span.name, span.input
    for request in span.requested:
        yield request.name, request.arguments
