"""What an index of the words in payloads costs and saves, over chDB.

    python -m benchmarks.text_index --payloads 200000
    python -m benchmarks.text_index --payloads 1000000 --forms no --only "none;text, lower case;tokenbf_v1(65536, 3, 0)"

Payloads are generated prose of 2,300 characters with the skew of real text, in inserts of 8,192 rows.
Each index gets the same rows in a process of its own. A rare word stands in one payload of 50,000, a
middling one in one of 50, a common one in about every other, an absent one in none. Two questions:
the newest 100 spans with the word (as a page asks), and how many there are.
"""

from __future__ import annotations

import argparse
import random
import signal
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from benchmarks.conversations import Words
from benchmarks.payload_storage import NO_MERGES, apart, cpu, merge, milliseconds

INSERT = 8192
RARE, MIDDLING, ABSENT = "quibberwort", "flinderbeam", "zzyzxroadless"
KEY = "(project, toStartOfHour(start_time), trace_id, start_time, span_id)"


@dataclass(frozen=True)
class Index:
    name: str
    definition: str  # the TYPE; '' = none
    column: str = "input"
    on_insert: bool = True


TEXT = "text(tokenizer = 'splitByNonAlpha')"
INDEXES = (
    Index("none", ""),
    Index("text", TEXT),
    Index("text, on merge only", TEXT, on_insert=False),
    Index("text, lower case", "text(tokenizer = 'splitByNonAlpha', preprocessor = lower(input))"),
    Index("text, postings packed", "text(tokenizer = 'splitByNonAlpha', posting_list_codec = 'bitpacking')"),
    Index("text, ngrams(4)", "text(tokenizer = ngrams(4))"),
    Index("tokenbf_v1(65536, 3, 0)", "tokenbf_v1(65536, 3, 0) GRANULARITY 1"),
    Index("ngrambf_v1(4, 65536, 3, 0)", "ngrambf_v1(4, 65536, 3, 0) GRANULARITY 1"),
)
#: Ways to ask for a word. `{word}` is replaced.
FORMS = {
    "hasToken": "hasToken(input, '{word}')",
    "hasAnyTokens": "hasAnyTokens(input, ['{word}'])",
    "hasAllTokens": "hasAllTokens(input, ['{word}'])",
    "LIKE %word%": "input LIKE '%{word}%'",
    "ILIKE %word%": "input ILIKE '%{word}%'",
    "LIKE % word %": "input LIKE '% {word} %'",
    "positionCaseInsensitive": "positionCaseInsensitive(input, '{word}') > 0",
    "lower LIKE": "lower(input) LIKE '%{word}%'",
    "multiSearchAny": "multiSearchAny(input, ['{word}'])",
    "match": "match(input, '{word}')",
}
PLAIN, NEAREST = FORMS["hasToken"], FORMS["LIKE %word%"]


def create(index: Index) -> str:
    line = f", INDEX words {index.column} TYPE {index.definition}" if index.definition else ""
    return (
        "CREATE TABLE bench.payloads (project LowCardinality(String), trace_id String CODEC(ZSTD(1)), span_id String CODEC(ZSTD(1)), "
        f"start_time DateTime64(9, 'UTC') CODEC(Delta(8), ZSTD(1)), input String CODEC(ZSTD(1)), version UInt64{line}) "
        f"ENGINE = ReplacingMergeTree(version) PARTITION BY toYYYYMMDD(start_time) ORDER BY {KEY} SETTINGS {NO_MERGES}"
    )


def write(folder: Path, payloads: int, characters: int) -> tuple[list[Path], str]:
    """Arrow files of `INSERT` rows each, over the last day; and a word that is in about every other payload."""
    words, chance = Words(11, 20_000), random.Random(3)
    # Long payloads are cut from a pool of sentences: making each word by itself would take longer than all the rest.
    pool = [words.text(chance, 120) for _ in range(40_000)]
    start = time.time_ns() // (86_400 * 10**9) * 86_400 * 10**9 - 86_400 * 10**9
    files = []
    for first in range(0, payloads, INSERT):
        numbers = range(first, min(payloads, first + INSERT))
        texts = []
        for number in numbers:
            text = " ".join(chance.choices(pool, k=characters // 125)) + f" order-{chance.getrandbits(40):x}"
            if number % 50_000 == 25_000:
                text += f" {RARE}"
            if number % 50 == 25:
                text += f" {MIDDLING}"
            texts.append(text)
        rows = pa.table(
            {
                "project": pa.array(["default"] * len(texts)),
                "trace_id": pa.array([f"{n // 16 * 2654435761 % 2**32:032x}" for n in numbers]),
                "span_id": pa.array([f"{n:016x}" for n in numbers]),
                "start_time": pa.array([start + n * (86_000 * 10**9 // payloads) for n in numbers], pa.int64()).cast(
                    pa.timestamp("ns", "UTC")
                ),
                "input": pa.array(texts),
                "version": pa.array([1] * len(texts), pa.uint64()),
            }
        )
        file = folder / f"{first}.arrow"
        with pa.ipc.new_stream(file, rows.schema) as writer:
            writer.write_table(rows)
        files.append(file)
    return files, words.words[60]


def measured(index: Index, files: list[Path], common: str, forms: bool, answer: Any) -> None:
    """Runs in a process of its own; puts a dict of figures on the queue."""
    from chdb.session import Session

    with tempfile.TemporaryDirectory(prefix="tracestore-bench-") as folder:
        session = Session(f"{folder}/data")

        def ask(statement: str, form: str = "TabSeparated") -> str:
            return str(session.query(statement, form))

        def size(column: str) -> int:
            return int(ask(f"SELECT sum({column}) FROM system.parts WHERE active AND database = 'bench'"))

        ask("CREATE DATABASE bench")
        ask(create(index))
        begun = cpu()
        for file in files:
            ask(
                f"INSERT INTO bench.payloads SELECT * FROM file('{file}', 'ArrowStream') SETTINGS "
                f"schema_inference_make_columns_nullable = 0, materialize_skip_indexes_on_insert = {int(index.on_insert)}"
            )
        inserting = cpu() - begun
        begun = cpu()
        merge(ask, "payloads")
        merging = cpu() - begun
        found: dict[str, Any] = {"insert": inserting, "merge": merging, "bytes": size("bytes_on_disk"),
                                 "index": size("secondary_indices_compressed_bytes"), "times": {}, "forms": {}}  # fmt: skip
        source = "FROM bench.payloads FINAL WHERE project = 'default' AND"
        settings = "SETTINGS use_skip_indexes_if_final = 1, do_not_merge_across_partitions_select_final = 1"

        def newest(condition: str) -> str:
            return f"SELECT trace_id, span_id {source} {condition} ORDER BY start_time DESC LIMIT 100 {settings}"

        def number(condition: str) -> str:
            return f"SELECT count() {source} {condition} {settings}"

        form = NEAREST if "ngram" in index.definition else PLAIN
        for word in (RARE, MIDDLING, common, ABSENT):
            condition = form.replace("{word}", word)
            found["times"][word] = (
                milliseconds(lambda c=condition: ask(newest(c), "Null"), 5),  # type: ignore[misc]
                milliseconds(lambda c=condition: ask(number(c), "Null"), 3),  # type: ignore[misc]
            )
        if forms:
            for name, text in FORMS.items():
                condition = text.replace("{word}", RARE)
                try:
                    took = milliseconds(lambda c=condition: ask(number(c), "Null"), 3)  # type: ignore[misc]
                    plan = ask(f"EXPLAIN indexes = 1 {number(condition)}")
                    found["forms"][name] = (took, "words" in plan, int(ask(number(condition))))
                except Exception as refused:
                    found["forms"][name] = (0.0, False, str(refused).split(".")[0][:90])
        session.close()
        answer.put(found)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--payloads", type=int, default=200_000)
    parser.add_argument("--characters", type=int, default=2300)
    parser.add_argument("--only", default="", help="only these indexes: names, separated by semicolons")
    parser.add_argument("--forms", choices=("yes", "no"), default="yes", help="also compare ways to ask")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that folders and processes of its own are removed
    with tempfile.TemporaryDirectory(prefix="tracestore-bench-") as folder:
        files, common = write(Path(folder), options.payloads, options.characters)
        print(
            f"{options.payloads:,} payloads of about {options.characters:,} characters; ms: newest 100 / count of all.\n"
        )
        print("| index | CPU ms per 1,000 payloads: insert | merge | B a payload | of that index | rare | middling | common | absent |")  # fmt: skip
        print("|---" * 9 + "|")
        asked: dict[str, dict[str, Any]] = {}
        for index in INDEXES:
            if options.only and index.name not in options.only.split(";"):
                continue
            got = apart(measured, index, files, common, options.forms == "yes")
            scale = 1e6 / options.payloads
            times = " | ".join(f"{newest:,.0f} / {count:,.0f}" for newest, count in got["times"].values())
            print(
                f"| {index.name} | {got['insert'] * scale:,.1f} | {got['merge'] * scale:,.1f} "
                f"| {got['bytes'] / options.payloads:,.0f} | {got['index'] / options.payloads:,.0f} | {times} |",
                flush=True,
            )
            asked[index.name] = got["forms"]
        if options.forms == "yes":
            print(
                "\nCounting the rare word, ms; * = the plan names the index; the number found where it differs from hasToken's.\n"
            )
            print("| index | " + " | ".join(FORMS) + " |\n|---" + "|---" * len(FORMS) + "|")
            for name, results in asked.items():
                right = results["hasToken"][2]
                cells = [
                    f"{took:,.0f}{'*' if used else ''}{'' if count == right else f' ({count})'}"
                    for took, used, count in results.values()
                ]
                print(f"| {name} | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
