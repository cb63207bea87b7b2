"""What is looked at every few seconds while a soak runs."""

from __future__ import annotations

import contextlib
import json
import os
import re
import time
import urllib.request
from pathlib import Path
from typing import Any, Final

import psutil

from benchmarks.chaos import Senders
from benchmarks.soaking.asking import Answers
from tests.e2e.stack import Stack

_TROUBLE: Final = re.compile(r"^(Traceback \(most recent call last\)|\W*(ERROR|CRITICAL|FATAL)\b)")
#: Figures of `GET /api/v1/status/` that are kept, by the name they get here.
STATUS: Final = {
    "settling": "settling_oldest", "traces_to_settle": "settling_backlog", "detection": "detection_lag",
    "alerts": "alerts_age", "notification": "notification_oldest",
}  # fmt: skip


def log_troubles(logs: Path) -> dict[str, int]:
    """Lines of the logs that tell of an error, with how often: “worker: what happened” → number."""
    found: dict[str, int] = {}
    for path in sorted(logs.glob("*.log*")):
        with path.open(errors="replace") as lines:
            for line in lines:
                said = ""
                if line.startswith("{"):
                    with contextlib.suppress(ValueError):
                        record = json.loads(line)
                        if record.get("level") in ("error", "critical") or "exception" in record:
                            said = str(record.get("event", ""))
                elif _TROUBLE.match(line):
                    said = line.strip()
                if said:
                    name = f"{path.name.partition('.')[0]}: {said[:160]}"
                    found[name] = found.get(name, 0) + 1
    return found


def size(folder: Path) -> int:
    """Bytes of all files below; those that go away meanwhile do not count."""
    total = 0
    for where, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(OSError):
                total += os.lstat(os.path.join(where, name)).st_size
    return total


def counters(url: str, start: str) -> dict[str, float]:
    """The samples of a /metrics page whose names begin so: “name{labels}” → value."""
    with urllib.request.urlopen(url, timeout=10) as answer:
        lines = answer.read().decode().splitlines()
    return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in lines if line.startswith(start)}


class Sampler:
    """Takes samples; a figure that could not be had is None, and `troubles` counts why."""

    def __init__(self, stack: Stack, senders: Senders, answers: Answers) -> None:
        self.stack, self.senders, self.answers = stack, senders, answers
        self.began = time.monotonic()
        self.samples: list[dict[str, Any]] = []
        self.troubles: dict[str, int] = {}
        self.restarts = 0
        self._pids = self._running()

    def sample(self) -> dict[str, Any]:
        found: dict[str, Any] = {"at": round(time.monotonic() - self.began, 1)}
        self._try(found, self._memory)
        self._try(found, self._status)
        self._try(found, self._ingest)
        report = self.senders.report
        found |= {
            "sent": report.spans_sent,
            "acknowledged": report.answers["OK"] * self.senders.template.count,
            "requests_waiting_to_be_sent": self.senders.waiting.qsize(),
            "asked": self.answers.pages,
            "errors": self.answers.failed,
            "page_p95_ms": round(self.answers.p95_ms(), 1),
            "disk": size(self.stack.data_dir),
            "log_errors": sum(log_troubles(self.stack.data_dir / "logs").values()),
        }
        now = self._running()
        self.restarts += len(now - self._pids)
        self._pids |= now
        self.samples.append(found)
        return found

    def _try(self, found: dict[str, Any], read: Any) -> None:
        try:
            found |= read()
        except (OSError, psutil.Error, ValueError, KeyError) as error:
            name = f"{read.__name__.strip('_')}: {type(error).__name__}"
            self.troubles[name] = self.troubles.get(name, 0) + 1

    def _running(self) -> set[int]:
        return {process.pid for processes in self.stack.children().values() for process in processes}

    def _memory(self) -> dict[str, Any]:
        assert self.stack.process is not None
        of = {name: sum(one.memory_full_info().pss for one in found) for name, found in self.stack.children().items()}
        of["supervisor"] = psutil.Process(self.stack.process.pid).memory_full_info().pss
        return {"memory": sum(of.values())} | {f"memory_{name}": bytes_ for name, bytes_ in of.items()}

    def _status(self) -> dict[str, Any]:
        items = {item["id"]: item for section in self.stack.api("status/")["sections"] for item in section["items"]}
        return {name: items[id_]["figure"] for name, id_ in STATUS.items() if id_ in items}

    def _ingest(self) -> dict[str, Any]:
        figures = counters(f"{self.stack.otlp_http}/metrics", "tracestore_ingest_")
        return {
            "queued_spans": figures["tracestore_ingest_queued_spans"],
            "in_flight_bytes": figures["tracestore_ingest_in_flight_bytes"],
            "ledger": self.stack.ledger(),
        }


def told(found: dict[str, Any]) -> str:
    """One line of progress."""

    def figure(name: str, scale: float = 1, digits: int = 0) -> str:
        return "?" if found.get(name) is None else f"{found[name] / scale:,.{digits}f}"

    minutes, seconds = divmod(int(found["at"]), 60)
    return (
        f"{minutes:02d}:{seconds:02d}  sent {found['sent']:,}  acknowledged {found['acknowledged']:,}"
        f"  memory {figure('memory', 1 << 20)} MiB  lag: settling {figure('settling', 1, 1)} s, detection"
        f" {figure('detection', 1, 1)} s  queued {figure('queued_spans')}  disk {figure('disk', 1 << 20)} MiB"
        f"  asked {found['asked']:,} (page p95 {found['page_p95_ms']:.0f} ms, {found['errors']} errors)"
        f"  log errors {found['log_errors']}"
    )
