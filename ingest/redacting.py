"""Secrets are taken out of what was received before anything is written (`tracestore.spans.redaction`)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeAlias

import prometheus_client

from tracestore.spans.model import LogRecord, SpanRecord
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
                fields, counts = redactor.redact_fields(
                    {
                        "body": record.body,
                        "attributes": record.attributes,
                        "resource": record.resource.attributes,
                        "scope": record.scope.attributes,
                        "event_name": record.event_name,
                        "severity_text": record.severity_text,
                    }
                )
            except Exception:
                # Of a record that cannot be looked through, only what cannot hold a secret is kept.
                counts = Counter({FAILED: 1})
                fields = {"body": f"[redacted:{FAILED}]", "attributes": {}, "resource": {}, "scope": {}}
            self._count(counts)
            done.append(_with(record, fields) if counts else record)
        return done

    def _count(self, counts: Counter[str]) -> None:
        for rule, number in counts.items():
            if number:
                self._taken.labels(rule).inc(number)


def _with(record: LogRecord, fields: dict[str, object]) -> LogRecord:
    return replace(
        record,
        body=fields["body"],
        attributes=fields["attributes"],
        resource=replace(record.resource, attributes=fields["resource"]),
        scope=replace(record.scope, attributes=fields["scope"]),
        event_name=str(fields.get("event_name", "")),
        severity_text=str(fields.get("severity_text", "")),
    )
