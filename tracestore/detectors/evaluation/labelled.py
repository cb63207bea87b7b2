"""Reads a folder of labelled traces: `index.jsonl`, `labels.jsonl` and one gzipped request for each trace.

Of `index.jsonl` the fields `trace_id` and `file` are read, of `labels.jsonl` `trace_id`, `level`, `label`,
`family`, `value`, `annotator`, `span_id` or `span_ids`, `agent`; other fields may stand beside them.
"""

from __future__ import annotations

import gzip
import json
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from tracestore.analysis.trajectory import from_spans
from tracestore.detectors.evaluation.cases import Case, Dataset, Label
from tracestore.errors import InvalidInput
from tracestore.spans.decode import decode_protobuf
from tracestore.spans.model import Span
from tracestore.spans.normalise import normalise
from tracestore.spans.resolve import resolve

INDEX: Final = "index.jsonl"
LABELS: Final = "labels.jsonl"


def read(folder: Path) -> Dataset:
    """The data set in a folder.

    Raises:
        InvalidInput: a file is missing or a line of it cannot be read; names the file and what was expected.
    """
    labels: defaultdict[str, list[Label]] = defaultdict(list)
    for row in _rows(folder / LABELS, "trace_id", "level", "label"):
        labels[row["trace_id"]].append(_label(row))
    cases = []
    for row in _rows(folder / INDEX, "trace_id", "file"):
        spans = spans_of(folder / row["file"])
        trajectory = from_spans(folder.name, spans, row["trace_id"])
        cases.append(Case(row["trace_id"], (trajectory,), tuple(labels.get(row["trace_id"], ()))))
    return Dataset(folder.name, tuple(cases))


def spans_of(file: Path) -> list[Span]:
    """The spans of a gzipped ExportTraceServiceRequest in protobuf, as understood."""
    try:
        body = gzip.decompress(file.read_bytes())
    except (OSError, EOFError) as error:
        raise InvalidInput(f"{file}: expected a gzipped ExportTraceServiceRequest ({error}).", field=INDEX) from error
    spans = [normalise(record) for record in decode_protobuf(body).records]
    resolve(spans)
    return spans


def _label(row: dict[str, Any]) -> Label:
    spans = row.get("span_ids") or ([row["span_id"]] if row.get("span_id") else [])
    return Label(
        row["level"], row["label"], row.get("family") or "", bool(row.get("value", True)),
        row.get("annotator") or "human", tuple(spans), row.get("agent") or "",
    )  # fmt: skip


def _rows(file: Path, *fields: str) -> Iterator[dict[str, Any]]:
    if not file.is_file():
        raise InvalidInput(f"{file} is missing: expected a file with one JSON object on each line.", field=file.name)
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except ValueError:
            row = None
        if not isinstance(row, dict) or any(not isinstance(row.get(name), str) for name in fields):
            wanted = ", ".join(fields)
            raise InvalidInput(f"{file}, line {number}: expected a JSON object with {wanted}.", field=file.name)
        yield row
