"""Secrets taken out of decoded spans and logs: exact, and nothing is changed in place.

Attribute values, resources and scopes are shared between the spans of a request, so whatever changes is
built anew; whatever does not is passed on as it is.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tracestore.spans.decode_limits import resource_of
from tracestore.spans.model import Attributes, Event, Link, Resource, Scope, SpanRecord, Value
from tracestore.spans.redaction import cards, quoted_pairs
from tracestore.spans.redaction.json_text import JsonText
from tracestore.spans.redaction.names import PHRASE, TAIL, describes, names_a_secret
from tracestore.spans.redaction.patterns import DEFAULT, OPTIONAL, Pattern
from tracestore.spans.redaction.rules import FAILED as FAILED
from tracestore.spans.redaction.rules import OwnRule, RuleSet, raw_key, raw_pattern
from tracestore.spans.redaction.scan import may_hold_secret

#: Begins what stands in the place of a secret; such a value is not redacted again.
MARK: Final = "[redacted:"

_SEPARATORS: Final = str.maketrans(".- ", "___")
_REMEMBERED: Final = 4_096


class Redactor:
    """The rules of one project, ready to run. One may serve several threads."""

    def __init__(self, rules: RuleSet | None = None) -> None:
        rules = rules or RuleSet()
        self._enabled = rules.enabled
        self._patterns = [pattern for pattern in (*DEFAULT, *OPTIONAL) if pattern.rule in rules.enabled]
        self._own_keys = {rule.pattern.lower().translate(_SEPARATORS): rule for rule in rules.own if rule.kind == "key"}
        self._own_patterns = [rule for rule in rules.own if rule.kind == "pattern"]
        self._markers = {rule.name: rule.marker for rule in rules.own}
        phrases = [PHRASE] if "secret_key" in rules.enabled else []
        phrases += [rf"(?<![A-Za-z0-9]){raw_key(rule.pattern)}" for rule in self._own_keys.values()]
        self._pair_key = re.compile(rf"(?:{'|'.join(phrases)}){TAIL}", re.I | re.A) if phrases else None
        # Personal data of the optional rules has no beginning to look for: all spans are looked at.
        raw = raw_pattern(rules.own)
        self._always = raw is None or any(pattern in OPTIONAL for pattern in self._patterns)
        self._raw = raw or ""
        self._names: dict[str, str] = {}
        self._resource: tuple[Resource, Resource, Counter[str]] | None = None
        self._scope: tuple[Scope, Scope, Counter[str]] | None = None

    def suspicious(self, body: bytes | memoryview) -> bool:
        """Whether a request, or the bytes of one span, may hold a secret. False is certain, True is not."""
        if self._always or may_hold_secret(body, self._enabled):
            return True
        return bool(self._raw) and _matches(body, self._raw)

    def redact(self, record: SpanRecord) -> tuple[SpanRecord, Counter[str]]:
        """The span without secrets (itself, when it has none), and how many each rule took out. Never raises."""
        run = _Run(self)
        try:
            return self._redacted(run, record), run.counts
        except Exception:
            # Of a span that cannot be looked through, only what cannot hold a secret is kept.
            return emptied(record), Counter({FAILED: 1})

    def _redacted(self, run: _Run, record: SpanRecord) -> SpanRecord:
        events = [self._event(run, event) for event in record.events]
        links = [self._link(run, link) for link in record.links]
        attributes = run.attributes(record.attributes)
        texts = run.plain(record.name), run.plain(record.status_message), run.plain(record.trace_state)
        resource, scope = self._shared(run, record)
        if not run.counts:
            return record
        name, message, state = texts
        return replace(
            record,
            name=name,
            status_message=message,
            trace_state=state,
            attributes=attributes,
            events=events,
            links=links,
            resource=resource,
            scope=scope,
        )

    def redact_fields(self, fields: Mapping[str, Value]) -> tuple[dict[str, Value], Counter[str]]:
        """The same for values by name, at any depth: `{"attributes": {…}, "body": …}` of a log record."""
        run = _Run(self)
        return run.attributes(fields), run.counts

    def redact_text(self, text: str) -> tuple[str, Counter[str]]:
        """The same for one text, as for the value of an attribute whose name says nothing."""
        run = _Run(self)
        return run.plain(text), run.counts

    def rule_of(self, key: str) -> str:
        """The rule by which the value under this name is a secret, or ''."""
        known = self._names.get(key)
        if known is not None:
            return known
        rule = ""
        if self._own_keys:
            name = key.lower().translate(_SEPARATORS)
            rule = next((r.name for own, r in self._own_keys.items() if name == own or name.endswith("_" + own)), "")
        if not rule and "secret_key" in self._enabled and names_a_secret(key):
            rule = "secret_key"
        if len(self._names) < _REMEMBERED:
            self._names[key] = rule
        return rule

    def marker(self, rule: str) -> str:
        return self._markers.get(rule) or f"{MARK}{rule}]"

    @staticmethod
    def _event(run: _Run, event: Event) -> Event:
        return replace(event, name=run.plain(event.name), attributes=run.attributes(event.attributes))

    @staticmethod
    def _link(run: _Run, link: Link) -> Link:
        return replace(link, trace_state=run.plain(link.trace_state), attributes=run.attributes(link.attributes))

    def _shared(self, run: _Run, record: SpanRecord) -> tuple[Resource, Scope]:
        """Resource and scope, worked on once for all the spans that follow each other with the same."""
        resource = self._resource
        if resource is None or resource[0] is not record.resource:
            part = _Run(self)
            given = record.resource
            url = part.plain(given.schema_url)
            new = resource_of(part.attributes(given.attributes), url, given.dropped_attributes)
            resource = given, new, part.counts
            self._resource = resource
        scope = self._scope
        if scope is None or scope[0] is not record.scope:
            part = _Run(self)
            old = record.scope
            url = part.plain(old.schema_url)
            attributes = part.attributes(old.attributes)
            told = Scope(part.plain(old.name), part.plain(old.version), attributes, url, old.dropped_attributes)
            scope = old, told, part.counts
            self._scope = scope
        run.counts += resource[2]
        run.counts += scope[2]
        return resource[1], scope[1]


def emptied(record: SpanRecord) -> SpanRecord:
    """The span's ids, times, kind and status."""
    return SpanRecord(
        record.trace_id,
        record.span_id,
        record.parent_span_id,
        f"{MARK}{FAILED}]",
        record.start_ns,
        record.end_ns,
        record.kind,
        record.status,
    )


class _Run:
    """One span's, log's or text's redaction, and what it counted."""

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        self.counts: Counter[str] = Counter()
        self._json = JsonText(self._below, self._text, self._number, self._name)

    def attributes(self, attributes: Mapping[str, Value]) -> Attributes:
        return {self._name(key) or key: self._member(key, value, "") for key, value in attributes.items()}

    def plain(self, text: str) -> str:
        changed = self._text(text, "")
        return text if changed is None else changed

    def _member(self, key: str, value: Value, rule: str) -> Value:
        own = self._below(key, set(value) if isinstance(value, dict) else None)
        return self._value(value, own or rule)

    def _below(self, key: str, members: set[str] | None) -> str:
        """The rule for all below a key; a schema under a telling name describes a secret and is none."""
        rule = self._redactor.rule_of(key)
        return "" if rule and members is not None and describes(members) else rule

    def _value(self, value: Value, rule: str) -> Value:
        if isinstance(value, str):
            changed = self._text(value, rule)
            return value if changed is None else changed
        if isinstance(value, bool) or value is None:
            return value
        if isinstance(value, (int, float)):
            changed = self._number(str(value), rule)
            return value if changed is None else changed
        if isinstance(value, bytes):
            changed = self._text(value.decode("latin-1"), rule)
            return value if changed is None else changed.encode("latin-1", "replace")
        if isinstance(value, list):
            return [self._value(item, rule) for item in value]
        return {self._name(key) or key: self._member(key, item, rule) for key, item in value.items()}

    def _number(self, digits: str, rule: str) -> str | None:
        if not rule and "card_number" in self._redactor._enabled and digits.isdecimal() and len(digits) < 20:
            rule = "card_number" if cards.is_card(int(digits)) else ""
        if not rule:
            return None
        self.counts[rule] += 1
        return self._redactor.marker(rule)

    def _name(self, key: str) -> str | None:
        """A key that is itself a secret by its look (as in a map from tokens to users)."""
        return self._looks(key) if len(key) >= 12 else None

    def _text(self, text: str, rule: str) -> str | None:
        """The text to stand in place of this one, or None to leave it."""
        if rule:
            if not text or text.startswith(MARK):
                return None
            self.counts[rule] += 1
            return self._redactor.marker(rule)
        if text[:1] in ("{", "[", '"', " ", "\n", "\t", "\r"):
            try:
                return self._json.rewrite(text)
            except ValueError:
                pass
        key = self._redactor._pair_key
        now = self._step("secret_key", text, partial(self._pairs, key)) if key else text
        looked = self._looks(now)
        return looked if looked is not None else None if now is text else now

    def _looks(self, text: str) -> str | None:
        """By its look only: patterns, card numbers, the project's own patterns."""
        redactor, now = self._redactor, text
        for pattern in redactor._patterns:
            if not pattern.anchors or any(anchor in now for anchor in pattern.anchors):
                now = self._step(pattern.rule, now, partial(self._by_pattern, pattern))
        if "card_number" in redactor._enabled and len(now) >= 13:
            now = self._step("card_number", now, self._by_card)
        for rule in redactor._own_patterns:
            now = self._step(rule.name, now, partial(self._by_own, rule))
        return None if now is text else now

    def _step(self, rule: str, text: str, work: Callable[[str], str | None]) -> str:
        """The text after one rule. One that fails has not shown that a text is harmless: all of it goes."""
        try:
            changed = work(text)
        except Exception:
            self.counts[FAILED] += 1
            self.counts[rule] += 1
            return self._redactor.marker(rule)
        return text if changed is None else changed

    def _pairs(self, key: re.Pattern[str], text: str) -> str | None:
        parts: list[str] = []
        done = 0
        for start, end, quotes in quoted_pairs.values(text, key):
            if start < done or text.startswith(MARK, start):
                continue
            name = key_before(text, start)
            rule = self._redactor.rule_of(name) or "secret_key"
            parts += [text[done:start], quotes, self._redactor.marker(rule), quotes]
            self.counts[rule] += 1
            done = end
        return "".join((*parts, text[done:])) if parts else None

    def _by_pattern(self, pattern: Pattern, text: str) -> str | None:
        marker = self._redactor.marker(pattern.rule)

        def put(found: re.Match[str]) -> str:
            if "secret" not in pattern.regex.groupindex:
                return marker
            start, end = found.span("secret")
            return text[found.start() : start] + marker + text[end : found.end()]

        changed, number = pattern.regex.subn(put, text)
        if not number:
            return None
        self.counts[pattern.rule] += number
        return changed

    def _by_card(self, text: str) -> str | None:
        parts: list[str] = []
        done = 0
        for start, end in cards.cards(text):
            parts += [text[done:start], self._redactor.marker("card_number")]
            done = end
        if not parts:
            return None
        self.counts["card_number"] += len(parts) // 2
        return "".join((*parts, text[done:]))

    def _by_own(self, rule: OwnRule, text: str) -> str | None:
        whole = pa.array([text])
        number = pc.count_substring_regex(whole, rule.pattern)[0].as_py()
        if not number:
            return None
        self.counts[rule.name] += number
        changed: str = pc.replace_substring_regex(whole, rule.pattern, rule.marker)[0].as_py()
        return changed


_KEY_BEFORE: Final = re.compile(r"([A-Za-z0-9_.\- ]{1,100})\\*[\"']\s*(?::|=>?)\s*[\[(]?\s*[bBrRuUfF]{0,2}\\*[\"']?\Z")


def key_before(text: str, value: int) -> str:
    """The name that the value at this place stands under."""
    found = _KEY_BEFORE.search(text, max(0, value - 160), value)
    return found[1] if found else ""


def _matches(body: bytes | memoryview, expression: str) -> bool:
    """Whether RE2 finds the expression in the bytes, which are not copied."""
    ends = np.array([0, len(body)], np.int32)
    whole = pa.Array.from_buffers(pa.binary(), 1, [None, pa.py_buffer(ends), pa.py_buffer(body)])
    return bool(pc.match_substring_regex(whole, expression)[0].as_py())
