"""Asks Tracestore between two steps whether an agent may go on. Standard library only: this file may be copied.

    brake = Brake()                                    # TRACESTORE_URL, TRACESTORE_API_KEY
    while not done:
        brake.stop_if_halted(agent="support_desk")     # raises Halted; the trace is that of the current span
        done = step()

A question takes at most `timeout` and never fails. While Tracestore is away agents go on (`fail_closed` turns that
round), and after three failures in a row nobody is asked for a while.
"""

from __future__ import annotations

import asyncio
import functools
import http.client
import inspect
import json
import logging
import os
import sys
import threading
import time
import urllib.parse
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

log = logging.getLogger("tracestore.client")
#: What is asked about: `trace_id`, `session_id` or `agent`; which; the tool to be called next, or ''.
Subject = tuple[str, str, str]
Name = str | None

#: Failures in a row after which nobody is asked, and for how long (seconds): doubled each time, up to the longest.
FAILURES: Final = 3
PAUSE: Final = 10.0
LONGEST_PAUSE: Final = 160.0
#: A halt that was told holds so long while Tracestore is away (seconds).
HALT_HOLDS: Final = 300.0
#: Subjects of which the last answer is kept, and connections.
MOST_KEPT: Final = 1024
MOST_IDLE: Final = 4
MOST_BYTES: Final = 256 * 1024
RANK: Final = {"continue": 0, "warn": 1, "halt": 2}


@dataclass(frozen=True)
class Verdict:
    """`verdict` is continue, warn or halt; `cost_usd` (None: unknown) and `steps` (model calls) are what Tracestore
    has seen so far. `judged` is false when it could not be asked; then `reasons` says why.
    """

    verdict: str = "continue"
    reasons: list[str] = field(default_factory=list)
    cost_usd: float | None = None
    steps: int = 0
    judged: bool = True

    @property
    def halted(self) -> bool:
        return self.verdict == "halt"


class Halted(Exception):
    """The agent must not take its next step. `verdict` says why."""

    def __init__(self, verdict: Verdict) -> None:
        super().__init__("; ".join(verdict.reasons) or "halted by Tracestore")
        self.verdict = verdict

    def __reduce__(self) -> tuple[Any, ...]:
        return Halted, (self.verdict,)


@dataclass
class Question:
    """One request that is under way. `late`: somebody waited for it in vain."""

    done: threading.Event = field(default_factory=threading.Event)
    late: bool = False
    complaint: str = ""


@dataclass
class Known:
    """The last answer about a subject (`told_at`, `fresh_until`: monotonic clock), and who is asking for the next."""

    verdict: Verdict = field(default_factory=Verdict)
    told_at: float = float("-inf")
    fresh_until: float = float("-inf")
    question: Question | None = None
    warned_of: list[str] = field(default_factory=list)


class Brake:
    """Safe to share between threads, tasks and forked processes."""

    def __init__(
        self,
        url: str | None = None,
        key: str | None = None,
        *,
        timeout: float = 0.5,
        min_interval: float = 1.0,
        fail_closed: bool = False,
        project: str = "",
        on_warn: Callable[[Verdict], object] | None = None,
    ) -> None:
        """In seconds: `timeout` is the longest wait, `min_interval` how long an answer is used again.

        Raises:
            ValueError: the address is not one of HTTP, or the key cannot be in a header.
        """
        url = url or os.environ.get("TRACESTORE_URL") or "http://localhost:8000"
        self.url = urllib.parse.urlsplit(url)
        if self.url.scheme not in ("http", "https") or not self.url.hostname or not self.url.netloc.isascii():
            raise ValueError(f"Not an address of Tracestore: {url!r}. Expected http://HOST:PORT or https://HOST:PORT.")
        self.url.port  # noqa: B018 (raises for one that is none)
        key = (os.environ.get("TRACESTORE_API_KEY", "") if key is None else key).strip()
        if not (key.isascii() and key.isprintable()):  # Later, it would stand in an error's text.
            raise ValueError("The key of Tracestore has characters that no key has.")
        self.headers = {"authorization": f"Bearer {key}"} if key else {}
        self.timeout, self.min_interval, self.fail_closed = timeout, min_interval, fail_closed
        self.project, self.on_warn = project, on_warn
        self._begin()

    def _begin(self) -> None:
        self._process, self._lock = os.getpid(), threading.Lock()
        self._known: OrderedDict[Subject, Known] = OrderedDict()
        self._idle: list[http.client.HTTPConnection] = []
        self._failures, self._pause, self._ask_again_at, self._complaint = 0, PAUSE, float("-inf"), ""

    def __del__(self) -> None:
        for connection in getattr(self, "_idle", ()):
            connection.close()

    def check(self, trace_id: Name = None, session_id: Name = None, agent: Name = None, tool: Name = None) -> Verdict:
        """The strictest verdict on what is named. Without a `trace_id`, on OpenTelemetry's current trace too.

        `tool` is the one to be called next: the breaker of a tool stops only who says so.
        """
        try:
            asked, until = self._ask(tool, trace_id, session_id, agent), time.monotonic() + self.timeout
            for _, question in asked:
                if question is not None and not question.late:
                    question.done.wait(max(0.0, until - time.monotonic()))
            return self._answer(asked)
        except Exception as error:  # The agent's work comes first.
            return self._broken(error)

    async def acheck(
        self, trace_id: Name = None, session_id: Name = None, agent: Name = None, tool: Name = None
    ) -> Verdict:
        """`check` for asyncio: other tasks go on."""
        try:
            asked, until = self._ask(tool, trace_id, session_id, agent), time.monotonic() + self.timeout
            while time.monotonic() < until and any(one and not (one.late or one.done.is_set()) for _, one in asked):
                await asyncio.sleep(0.005)
            return self._answer(asked)
        except Exception as error:
            return self._broken(error)

    def stop_if_halted(self, **subject: Name) -> Verdict:
        """`check` that raises Halted instead of answering `halt`."""
        return _or_halted(self.check(**subject))

    async def astop_if_halted(self, **subject: Name) -> Verdict:
        return _or_halted(await self.acheck(**subject))

    def guard(self, **subject: Name) -> Guard:
        """`with brake.guard(agent="x"):` (also `async with`) raises Halted instead of beginning what is inside."""
        return Guard(self, subject)

    def guarded(self, function: Any = None, **subject: Name) -> Any:
        """`@brake.guarded` or `@brake.guarded(agent="x")`, on functions sync or async: every call is a step."""
        if function is None:
            return functools.partial(self.guarded, **subject)
        if inspect.iscoroutinefunction(function):

            @functools.wraps(function)
            async def later(*args: Any, **kwargs: Any) -> Any:
                await self.astop_if_halted(**subject)
                return await function(*args, **kwargs)

            return later

        @functools.wraps(function)
        def now(*args: Any, **kwargs: Any) -> Any:
            self.stop_if_halted(**subject)
            return function(*args, **kwargs)

        return now

    def learn(self, subject: Subject, verdict: Verdict, fresh_for: float, *, in_time: bool = True) -> None:
        """Takes a verdict that Tracestore gave (`fresh_for` seconds), and tells `on_warn` if it is a new warning."""
        with self._lock:
            known = self._known.setdefault(subject, Known())
            known.verdict, known.told_at = verdict, time.monotonic()
            known.fresh_until = known.told_at + fresh_for
            if verdict.halted and (whole := self._known.get((*subject[:2], ""))) is not None and whole is not known:
                whole.fresh_until = known.told_at  # The run may be halted as well, not only the tool.
            if in_time:  # One who always answers too late is as good as away.
                self._failures, self._pause, self._ask_again_at, self._complaint = 0, PAUSE, float("-inf"), ""
            new = verdict.verdict == "warn" and verdict.reasons != known.warned_of
            known.warned_of = verdict.reasons if verdict.verdict == "warn" else []
        if new and self.on_warn is not None:
            try:
                self.on_warn(verdict)
            except Exception:
                log.exception("on_warn failed")

    def connect(self, timeout: float) -> http.client.HTTPConnection:
        kind = http.client.HTTPSConnection if self.url.scheme == "https" else http.client.HTTPConnection
        return kind(self.url.hostname or "", self.url.port, timeout=timeout)

    def path(self, subject: Subject, of: str = "") -> str:
        kind, value, tool = subject
        query = {kind: value} | ({"tool": tool} if tool else {}) | ({"project": self.project} if self.project else {})
        return f"{self.url.path.rstrip('/')}/api/v1/verdict/{of}?{urllib.parse.urlencode(query)}"

    def _ask(self, tool: Name, *named: Name) -> list[tuple[Known, Question | None]]:
        """Begins to ask what is neither fresh nor being asked; nothing while Tracestore is taken to be away.

        Threads ask: the look-up of a name cannot be given up, and an answer that is late counts for the next step.
        """
        if self._process != os.getpid():
            self._begin()  # Locks and connections are the parent's.
        kinds = zip(("trace_id", "session_id", "agent"), (named[0] or current_trace_id(), *named[1:]), strict=True)
        subjects = [(kind, str(value), str(tool or "")) for kind, value in kinds if value]
        asked, now = [], time.monotonic()
        with self._lock:
            for subject in subjects:
                known = self._known.setdefault(subject, Known())
                self._known.move_to_end(subject)
                if known.question is None and now >= known.fresh_until and now >= self._ask_again_at:
                    if self._failures >= FAILURES:  # This one tries whether it is back.
                        self._pause = min(2 * self._pause, LONGEST_PAUSE)
                        self._ask_again_at = now + self._pause
                    known.question = Question()
                    words = (subject, known, known.question)
                    threading.Thread(target=self._fetch, args=words, name="tracestore-brake", daemon=True).start()
                asked.append((known, known.question))
            while len(self._known) > MOST_KEPT:
                self._known.popitem(last=False)
        return asked

    def _answer(self, asked: list[tuple[Known, Question | None]]) -> Verdict:
        if not asked:
            return self._unjudged("no trace_id, session_id or agent was given, and no span is current")
        found = []
        for known, question in asked:
            if question is not None and not question.done.is_set() and not question.late:
                question.late, question.complaint = True, f"no answer within {self.timeout:g} s"
                self._failed(question.complaint)
            now, fault = time.monotonic(), question.complaint if question else ""
            is_fresh = not fault and (question is not None or now < known.fresh_until)
            if is_fresh or (known.verdict.halted and now < known.told_at + HALT_HOLDS):
                found.append(known.verdict)
            else:
                found.append(self._unjudged(f"Tracestore does not judge: {fault or self._complaint}"))
        return max(found, key=lambda one: RANK[one.verdict])

    def _unjudged(self, why: str) -> Verdict:
        return Verdict("halt" if self.fail_closed else "continue", [why], judged=False)

    def _broken(self, error: Exception) -> Verdict:
        log.error("The brake failed", exc_info=error)
        return self._unjudged(f"the brake failed: {type(error).__name__}")

    def _failed(self, complaint: str) -> None:
        with self._lock:
            if complaint != self._complaint:
                log.warning("Tracestore does not judge: %s", complaint)
            self._complaint, self._failures = complaint, self._failures + 1
            if self._failures == FAILURES:
                self._ask_again_at = time.monotonic() + self._pause

    def _fetch(self, subject: Subject, known: Known, question: Question) -> None:
        try:
            self.learn(subject, self._request(self.path(subject)), self.min_interval, in_time=not question.late)
        except Exception as error:
            if not question.late:
                question.complaint = str(error) or type(error).__name__
                self._failed(question.complaint)
        finally:
            known.question = None
            question.done.set()

    def _request(self, path: str) -> Verdict:
        """Raises OSError, http.client.HTTPException or ValueError. Redirects are not followed: the key is for one."""
        while True:
            with self._lock:
                kept = self._idle.pop() if self._idle else None
            connection = kept or self.connect(max(2.0, self.timeout))
            try:
                connection.request("GET", path, headers=self.headers)
                response = connection.getresponse()
                body = response.read(MOST_BYTES)
                break
            except (OSError, http.client.HTTPException):
                connection.close()
                if kept is None:  # A kept one may just have been closed by the other side.
                    raise
        if response.isclosed() and not response.will_close and len(self._idle) < MOST_IDLE:
            self._idle.append(connection)
        else:
            connection.close()
        if response.status != 200:
            raise ValueError(f"it answered {response.status} {response.reason}")
        return parsed(body)


class Guard:
    """What `Brake.guard` answers."""

    def __init__(self, brake: Brake, subject: dict[str, Name]) -> None:
        self.brake, self.subject = brake, subject

    def __enter__(self) -> Verdict:
        return self.brake.stop_if_halted(**self.subject)

    async def __aenter__(self) -> Verdict:
        return await self.brake.astop_if_halted(**self.subject)

    def __exit__(self, *_: object) -> None: ...

    async def __aexit__(self, *_: object) -> None: ...


def parsed(body: bytes | str) -> Verdict:
    """Raises ValueError for what is no verdict."""
    try:
        answer = json.loads(body)
        verdict = answer["verdict"]
        RANK[verdict]
    except (ValueError, LookupError, TypeError):
        raise ValueError("it did not answer with a verdict") from None
    reasons, cost, steps = answer.get("reasons"), answer.get("cost_usd"), answer.get("steps")
    return Verdict(
        verdict,
        [str(reason) for reason in reasons] if isinstance(reasons, list) else [],
        float(cost) if isinstance(cost, int | float) else None,
        steps if isinstance(steps, int) else 0,
    )


def current_trace_id() -> str | None:
    """Of OpenTelemetry's current span. Who has not imported OpenTelemetry has no span."""
    if (trace := sys.modules.get("opentelemetry.trace")) is None:
        return None
    context = trace.get_current_span().get_span_context()
    return f"{context.trace_id:032x}" if context.is_valid else None


def _or_halted(verdict: Verdict) -> Verdict:
    if verdict.halted:
        raise Halted(verdict)
    return verdict
