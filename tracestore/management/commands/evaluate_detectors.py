"""`manage.py evaluate_detectors`: how good the detectors are on labelled traces, and the series engine's scores."""

from __future__ import annotations

import json
from argparse import RawDescriptionHelpFormatter
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from tracestore.detectors.evaluation.folders import datasets
from tracestore.detectors.evaluation.measure import measurable, measure
from tracestore.detectors.evaluation.series import score_folder
from tracestore.detectors.evaluation.table import markdown
from tracestore.detectors.registry import trace_detectors
from tracestore.errors import TracestoreError


class Command(BaseCommand):
    help = """Measures detectors on labelled traces and prints one row for each data set, detector and level.

DIR is a data set (index.jsonl, labels.jsonl, gzipped traces), a folder of captures (each with
manifest.json), or a folder of such folders. Nothing is stored and no server is needed. The rows are
JSON: dataset, detector, level, n, positives, precision, recall, f1, auc, interval (95 % of f1, over
traces), baselines (always: everything is positive; trace_length: the longest are). docs/detectors.md
says what the levels mean. Progress goes to standard error.

With --series, the series engine scores every CSV (timestamp, value) below a folder and writes
OUT/GROUP/tracestore_FILE.csv with anomaly_score (an alarm from 0.5), as the Numenta Anomaly Benchmark
lays out its results, so that its own scorer can judge them. A score sees only the past.

Examples:
  manage.py evaluate_detectors labels/
  manage.py evaluate_detectors labels/mast_hyperagent --detector loop
  manage.py evaluate_detectors corpus/ --markdown
  manage.py evaluate_detectors --series nab/data --out results/tracestore"""

    def create_parser(self, *args: Any, **kwargs: Any) -> CommandParser:
        return super().create_parser(*args, formatter_class=RawDescriptionHelpFormatter, **kwargs)

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("dir", metavar="DIR", nargs="?", type=Path, help="a folder with labelled traces")
        parser.add_argument("--detector", default="", metavar="ID", help="only this detector (default: all)")
        parser.add_argument("--markdown", action="store_true", help="print a table instead of JSON")

        parser.add_argument("--series", type=Path, metavar="DIR", help="score the series below this folder instead")
        parser.add_argument("--out", type=Path, metavar="OUT", help="where --series writes its scores")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["series"] is not None:
            self.series(options["series"], options["out"])
        if options["dir"] is not None:
            self.traces(options["dir"], options["detector"], as_table=options["markdown"])
        elif options["series"] is None:
            raise CommandError("DIR is missing: expected a folder with labelled traces.")

    def series(self, folder: Path, out: Path | None) -> None:
        if out is None:
            raise CommandError("--out is missing: expected a folder for the scores of --series.")
        if not folder.is_dir():
            raise CommandError(f"--series: {folder} is no folder: expected one with CSV files below it.")
        try:
            for path, count in score_folder(folder, out):
                self.progress(f"{path.relative_to(folder)}: {count} values")
        except TracestoreError as error:
            raise CommandError(error.message) from error

    def traces(self, folder: Path, only: str, *, as_table: bool) -> None:
        detectors = trace_detectors()
        known = measurable(detectors)
        if only and only not in known:
            raise CommandError(f"--detector: {only!r} is not measured on traces: expected one of {', '.join(known)}.")
        try:
            rows = [row for dataset in datasets(folder) for row in measure(dataset, detectors, only, self.progress)]
        except TracestoreError as error:
            raise CommandError(error.message) from error
        self.stdout.write(markdown(rows) if as_table else json.dumps(rows, indent=2, ensure_ascii=False))

    def progress(self, line: str) -> None:
        self.stderr.write(line, style_func=str)
