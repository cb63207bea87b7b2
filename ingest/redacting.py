"""Secrets are taken out of what was received before anything is written (`tracestore.spans.redaction`)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final, TypeAlias

import prometheus_client

from tracestore.spans.decode_limits import resource_of
from tracestore.spans.model import Attributes, LogRecord, Resource, Scope, SpanRecord
from tracestore.spans.redaction.apply import FAILED, Redactor

#: The rules of a project; None for a project that wants none.
RedactorOf: TypeAlias = Callable[[str], Redactor | None]


class Redacting:
    """Finds the requests that may hold secrets, which are few, and takes the secrets out of those."""

    def __init__(self, redactor_of: RedactorOf, taken: prometheus_client.Counter) -> None:
        self._redactor_of = redactor_of
        self._taken = taken

    def needed(self, project: str, body: bytes) -> Redactor | None:
        """The rules to be applied to this request; None when there is certainly nothing for them in it."""
        redactor = self._redactor_of(project)
        return redactor if redactor is not None and redactor.suspicious(body) else None

    def spans(self, redactor: Redactor, records: Sequence[SpanRecord]) -> list[SpanRecord]:
        """The spans without secrets; only those that decoding has found suspect are looked through."""
        done = []
        for record in records:
            if record.suspect:
                record, counts = redactor.redact(record)
                self._count(counts)
            done.append(record)
        return done

    def logs(self, redactor: Redactor, records: Sequence[LogRecord]) -> list[LogRecord]:
        """The log records without secrets."""
        done = []
        for record in records:
            try:
                clean, counts = _log(redactor, record)
            except Exception:
                # Of a record that cannot be looked through, only what cannot hold a secret is kept.
                counts = Counter({FAILED: 1})
                clean = replace(
                    record, body=f"[redacted:{FAILED}]", attributes={}, resource=Resource(), scope=Scope(),
                    event_name="", severity_text="", resource_schema_url="", scope_schema_url="",
                )  # fmt: skip
            self._count(counts)
            done.append(clean)
        return done

    def _count(self, counts: Counter[str]) -> None:
        for rule, number in counts.items():
            if number:
                self._taken.labels(rule).inc(number)


#: What a log record says beside its attributes.
_TEXTS: Final = ("body", "event_name", "severity_text", "resource_schema_url", "scope_schema_url")


def _log(redactor: Redactor, record: LogRecord) -> tuple[LogRecord, Counter[str]]:
    counts: Counter[str] = Counter()

    def fields(values: Attributes) -> Attributes:
        clean, taken = redactor.redact_fields(values)
        counts.update(taken)
        return clean

    texts = fields({name: getattr(record, name) for name in _TEXTS})
    attributes = fields(record.attributes)
    resource = resource_of(fields(record.resource.attributes))
    names = fields({"name": record.scope.name, "version": record.scope.version})
    scope = Scope(str(names["name"]), str(names["version"]), fields(record.scope.attributes))
    if not counts:
        return record, counts
    told = {name: text if name == "body" else str(text) for name, text in texts.items()}
    return replace(record, attributes=attributes, resource=resource, scope=scope, **told), counts  # type: ignore[arg-type]
