"""`empty_retrieval` in a run: everything that was looked up came back empty, and it was answered all the same.

Pure. Whether a retriever is empty more often than it used to be is judged over time; here only a run that
rests on nothing counts: no retrieval and no other tool brought anything, and the answer does not say so.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, Final

from tracestore.analysis.trajectory import TraceSpan, Trajectory
from tracestore.detectors.detector import Norms, setting
from tracestore.detectors.finding import Finding
from tracestore.detectors.hidden_errors import hidden_error
from tracestore.spans.semconv.retrieved import HITS

#: A result that says in words that there is nothing.
_NOTHING: Final = re.compile(
    r"\W*(?:(?:sorry|error)\W+)?(?:no|0|zero) (?:\w+ ){0,3}(?:results?|matches|match|documents?|records?|hits|entries|"
    r"data|passages|items|articles)\b|\W*(?:nothing|none|not) (?:was |were )?found\b"
    r"|\W*(?:keine (?:\w+ )?(?:ergebnisse|treffer|dokumente)|nichts gefunden|sin resultados|no se encontr|"
    r"aucun (?:résultat|document)|没有(?:找到|结果)|未找到)",
    re.IGNORECASE,
)
#: An answer that says that it found nothing, or that it does not know.
_ADMITS: Final = re.compile(
    r"\b(?:(?:could|can|did|do|does|was|were|am|is|are)(?:n[o']t|n’t| not)|unable to|failed to|never) (?:\w+ ){0,4}?"
    r"(?:find|found|locate|know|have|see|retrieve|get|answer|sure|available|any|determine|verify|access|exist)"
    r"|\bcannot\b|\bthere (?:is|are|was|were) no\b"
    r"|\bno (?:\w+ ){0,3}(?:information|results?|records?|data|documents?|match(?:es)?|entries|sources?|articles?)\b"
    r"|\bnot (?:found|available|listed|sure)\b|\bnothing\b|\bunfortunately\b|\bsorry\b|\bapologi[sz]e"
    r"|\b(?:leider|kein\w*|nicht gefunden|weiß (?:es )?nicht|lamentablemente|lo siento|"
    r"no (?:se )?(?:encontr|teng|hay|pude)|désolé|malheureusement|aucun\w*|pas trouvé)|没有|未找到|找不到|抱歉|无法",
    re.IGNORECASE,
)
#: A longer result is content, whatever it begins with.
_SHORT: Final = 300


@dataclass(frozen=True, slots=True)
class Settings:
    tools: tuple[str, ...] = setting(
        ("search*", "*_search", "*search_*", "*retriev*", "*lookup*", "query_*", "find_*"),
        "Tools that look something up, as names or patterns with *, beside spans that are retrievals",
    )
    shortest_answer: int = setting(
        40, 'Answers with fewer characters ("ok", "done") are not judged', minimum=1, maximum=10_000
    )


@dataclass(frozen=True, slots=True)
class EmptyRetrieval:
    id: str = "empty_retrieval"
    version: str = "1"
    title: str = "Empty retrieval"
    method: str = (
        "Runs in which every retrieval came back empty or failed and no other tool brought anything, and which were "
        "answered without saying so"
    )
    defaults: Settings = Settings()

    def detect(self, trajectory: Trajectory, settings: Settings, norms: Norms) -> list[Finding]:
        if not trajectory.complete:
            return []
        own = [span for span in trajectory.spans if span.trace_id == trajectory.trace_id]
        sources = [span for span in own if span.type in ("tool", "retrieval")]
        looked_up = [span for span in sources if span.type == "retrieval" or _looks_up(span.tool_name, settings)]
        if not looked_up or not all(map(empty, sources)):
            return []
        answers = [span for span in own if span.type == "llm" and span.output and span.start_ns > looked_up[0].start_ns]
        answer = answers[-1] if answers else None
        if answer is None or answer.requested or answer.start_ns < looked_up[-1].start_ns:
            return []
        if len(answer.output) < settings.shortest_answer or any(_ADMITS.search(one.output) for one in answers):
            return []
        return [self._say(looked_up, answer)]

    def _say(self, spans: list[TraceSpan], answer: TraceSpan) -> Finding:
        names = sorted({span.tool_name or span.name for span in spans})
        count = f"{len(spans)} retrievals" if len(spans) > 1 else "The only retrieval"
        return Finding(
            self.id, self.version, "warning", f"Answered although {', '.join(names[:3])} found nothing",
            f"{count} of this run came back empty, no other tool brought anything, and the answer does not say so. "
            "What it states comes from the model's memory or is invented. Look first at the query: is it what was "
            "meant, and does the index have it?",
            answer.agent or spans[0].agent, "+".join(names), spans[0].start_ns, answer.end_ns or answer.start_ns,
            answer.trace_id, (*(span.span_id for span in spans), answer.span_id), spans[0].span_id, "data",
            answer.cost_usd or 0.0, answer.tokens,
            evidence={
                "retrievers": names, "count": len(spans), "queries": [span.input[:200] for span in spans[:5]],
                "answer": answer.output[:300],
            },
        )  # fmt: skip


def empty(span: TraceSpan) -> bool:
    """Whether a retrieval or a tool brought nothing: no hits, an empty value, words that say so, or a failure.

    A result that was not captured is not empty.
    """
    hits = span.attributes.get(HITS)
    if isinstance(hits, int) and not isinstance(hits, bool):
        return hits == 0
    if span.failed or hidden_error(span.output):
        return True
    text = span.output.strip()
    if not text:
        return False
    try:
        return not _anything(json.loads(text))
    except (ValueError, RecursionError):
        return len(text) <= _SHORT and _NOTHING.match(text) is not None


def _anything(value: Any) -> bool:
    """Whether a JSON value holds something; counters that are 0 and echoes of the query hold nothing."""
    if isinstance(value, dict):
        lists = [inner for inner in value.values() if isinstance(inner, list | dict)]
        return any(map(_anything, lists)) if lists else bool(value)
    if isinstance(value, list):
        return any(map(_anything, value))
    if isinstance(value, str):
        return bool(value.strip()) and _NOTHING.match(value) is None
    return value is not None and value is not False and value != 0


def _looks_up(name: str, settings: Settings) -> bool:
    return any(fnmatchcase(name.lower(), form.lower()) for form in settings.tools)
