"""Captures of real frameworks with their ground truth: the shared corpus when present, else the golden part."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import time
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

ROOT = Path(__file__).resolve().parents[2]


def corpus_directory() -> Path:
    """`TRACESTORE_CORPUS`, else the corpus beside the repository, else `tests/golden`."""
    candidates = [Path(os.environ["TRACESTORE_CORPUS"])] if "TRACESTORE_CORPUS" in os.environ else []
    candidates.append(ROOT.parent / "shared" / "data" / "corpus")
    for candidate in candidates:
        if candidate.is_dir():
            return candidate
    return ROOT / "tests" / "golden"


@dataclass(frozen=True)
class Capture:
    folder: Path

    @property
    def name(self) -> str:
        return self.folder.name

    @property
    def combo(self) -> str:
        return self.name.split(".")[0]

    @cached_property
    def manifest(self) -> dict[str, Any]:
        manifest: dict[str, Any] = json.loads((self.folder / "manifest.json").read_text())
        return manifest

    @property
    def expected(self) -> dict[str, Any]:
        expected: dict[str, Any] = self.manifest["expected"]
        return expected

    @property
    def recovered(self) -> dict[str, Any]:
        """What can be recovered from the spans at all (some instrumentations are defective)."""
        recovered: dict[str, Any] = self.manifest["from_capture"]["reference_recovery"]
        return recovered

    @property
    def trace_ids(self) -> list[str]:
        return [trace["trace_id"] for trace in self.manifest["from_capture"]["traces"]]

    def bodies(self) -> list[bytes]:
        return [gzip.decompress(file.read_bytes()) for file in sorted(self.folder.glob("*.traces.binpb.gz"))]

    def log_bodies(self) -> list[bytes]:
        return [gzip.decompress(file.read_bytes()) for file in sorted(self.folder.glob("*.logs.binpb.gz"))]

    def json_bodies(self) -> list[bytes]:
        return [gzip.decompress(file.read_bytes()) for file in sorted(self.folder.glob("*.traces.json.gz"))]


def captures() -> list[Capture]:
    return [Capture(folder.parent) for folder in sorted(corpus_directory().glob("*/manifest.json"))]


def renewed(body: bytes, salt: str, *, now: bool = True) -> bytes:
    """The same request as another run: ids hashed with `salt`, times moved so that it ends now."""
    request = ExportTraceServiceRequest.FromString(body)
    spans = [span for rs in request.resource_spans for ss in rs.scope_spans for span in ss.spans]
    shift = time.time_ns() - max(span.end_time_unix_nano for span in spans) if now else 0
    for span in spans:
        span.trace_id = other(span.trace_id, salt)
        span.span_id = other(span.span_id, salt)
        span.parent_span_id = other(span.parent_span_id, salt)
        for link in span.links:
            # To traces of its own run: links to those of another copy would make one run of both.
            link.trace_id, link.span_id = other(link.trace_id, salt), other(link.span_id, salt)
        span.start_time_unix_nano += shift
        span.end_time_unix_nano += shift
    return request.SerializeToString()


def renewed_logs(body: bytes, salt: str) -> bytes:
    """The same request of log records as of another run, at the same time; see `renewed`."""
    request = ExportLogsServiceRequest.FromString(body)
    for log in (log for rl in request.resource_logs for sl in rl.scope_logs for log in sl.log_records):
        log.trace_id, log.span_id = other(log.trace_id, salt), other(log.span_id, salt)
    return request.SerializeToString()


def other(identifier: bytes, salt: str) -> bytes:
    return hashlib.sha256(salt.encode() + identifier).digest()[: len(identifier)] if identifier else identifier
