"""How many different attribute names a project may use in a day; what is beyond is kept, but not under its own name.

A sender that uses data as names (`user.4711.seen`) fills the dictionaries that the hot table keeps of its names, and
the list of names that searches are completed from. The attributes themselves are not lost: those of a span go where its
large values are, into the JSON object of its payload, and those of a resource or scope into one attribute,
`OVERFLOW`; readers put both back (`tracestore.clickhouse.typed_values`). So the same span sent again after the budget
was spent reads the same. What conventions understand was read out before, and their names are always let in.

In memory, of this process, and begun anew each day (UTC) and after a restart: several ingest processes let in as many
times more at the most. Names inside of events and links are not counted: nothing looks them up.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from typing import Final

from prometheus_client import Counter

from tracestore.analysis.trajectory import KEPT_ATTRIBUTES
from tracestore.capture_names import NAMES
from tracestore.clickhouse.typed_values import OVERFLOW, overflowed
from tracestore.spans.model import Resource, Scope, Span
from tracestore.spans.semconv.payload import is_payload

DAY_S: Final = 86_400
#: Who sent it: what every SDK writes of itself (OpenTelemetry semantic conventions, "Resource").
_OF_RESOURCES: Final = """
    service.name service.version service.namespace service.instance.id deployment.environment
    deployment.environment.name telemetry.sdk.name telemetry.sdk.language telemetry.sdk.version
    telemetry.distro.name telemetry.distro.version host.name host.id host.arch os.type process.pid
    process.runtime.name process.runtime.version k8s.cluster.name k8s.namespace.name k8s.pod.name
    k8s.deployment.name k8s.node.name container.id cloud.provider cloud.region
"""
#: Let in without being counted, whatever the budget: what the product reads by name.
ALWAYS: Final = NAMES | frozenset(KEPT_ATTRIBUTES) | frozenset(_OF_RESOURCES.split()) | {OVERFLOW}
#: Names of payload remembered beside the others, so that spans with them are passed at a glance; bounded as these are.
_MOST_PAYLOAD_NAMES: Final = 10_000


class _Names:
    """What one project has used today. `passing`: what is let in at a glance."""

    __slots__ = ("counted", "passing", "payload")

    def __init__(self) -> None:
        self.passing: set[str] = set(ALWAYS)
        self.counted = 0
        self.payload = 0


class NameBudget:
    """Holds spans to `most` names a day for each project; 0 for no limit. Serves several threads.

    beyond: counts attributes that were not stored under their name.
    now_s: seconds since the epoch.
    """

    def __init__(self, most: int, beyond: Counter, now_s: Callable[[], float] = time.time) -> None:
        self._most = most
        self._beyond = beyond
        self._now_s = now_s
        self._lock = threading.Lock()
        self._day = -1
        self._projects: dict[str, _Names] = {}

    def hold(self, project: str, spans: Iterable[Span]) -> None:
        """Changes spans in place; doing it again changes nothing more."""
        if not self._most:
            return
        names = self._names(project)
        passes = names.passing.issuperset
        resource: Resource | None = None
        scope: Scope | None = None
        for span in spans:
            record = span.record
            if not passes(record.attributes):
                self._span(names, span)
            # One object for all spans of an export that share it.
            if record.resource is not resource:
                resource = record.resource
                if not passes(resource.attributes):
                    self._shared(names, resource)
            if record.scope is not scope:
                scope = record.scope
                if not passes(scope.attributes):
                    self._shared(names, scope)

    def _names(self, project: str) -> _Names:
        day = int(self._now_s() // DAY_S)
        with self._lock:
            if day != self._day:
                self._day, self._projects = day, {}
            names = self._projects.get(project)
            if names is None:
                names = self._projects[project] = _Names()
            return names

    def _span(self, names: _Names, span: Span) -> None:
        payload = span.payload_attributes
        with self._lock:
            over = [name for name in span.record.attributes if not (self._lets_in(names, name, name in payload))]
        if over:
            span.payload_attributes = payload.union(over)
            self._beyond.inc(len(over))

    def _shared(self, names: _Names, holder: Resource | Scope) -> None:
        with self._lock:
            over = {name: value for name, value in holder.attributes.items() if not self._lets_in(names, name, False)}
        if over:
            holder.attributes = overflowed(holder.attributes, over)
            self._beyond.inc(len(over))

    def _lets_in(self, names: _Names, name: str, payload: bool) -> bool:
        """Whether an attribute is stored under its name, or is payload and so out of the hot table anyway."""
        if name in names.passing:
            return True
        if is_payload(name):
            if names.payload < _MOST_PAYLOAD_NAMES:
                names.payload += 1
                names.passing.add(name)
            return True
        # What is payload only for its size counts like any other: it may be a label in the next span.
        if names.counted < self._most:
            names.counted += 1
            names.passing.add(name)
            return True
        return payload
