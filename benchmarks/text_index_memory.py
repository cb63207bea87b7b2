"""What merging an index of words takes of memory, by the kind of text, over chDB.

    python -m benchmarks.text_index_memory [--payloads 150000]

Payloads of about 2,500 characters, inserted in fifteenths without the index and merged into one part, with and
without it. "words" come again and again, as in prose; those of the others never do: images as base64, hexadecimal
ids, printable noise. Each in a process of its own; the most that was resident.
"""

from __future__ import annotations

import argparse
import tempfile
from typing import Any

from benchmarks.apart import NO_MERGES, apart, cpu, merge, most_memory

TEXTS = {
    "words": "arrayStringConcat(arrayMap(x -> 'word' || toString(rand(x + number) % 20000), range(270)), ' ')",
    "base64": "base64Encode(randomString(1875))",
    "hexadecimal ids": "arrayStringConcat(arrayMap(x -> lower(hex(rand64(x + number))), range(147)), ' ')",
    "noise": "randomPrintableASCII(2500)",
}
INDEX = ", INDEX words text TYPE text(tokenizer = 'splitByNonAlpha', preprocessor = lower(text), posting_list_codec = 'bitpacking')"
INSERTS = 15


def measured(text: str, index: bool, payloads: int, answer: Any) -> None:
    """Runs in a process of its own; puts a dict of figures on the queue."""
    from chdb.session import Session

    with tempfile.TemporaryDirectory(prefix="tracestore-bench-") as folder:
        session = Session(f"{folder}/data")

        def ask(statement: str) -> str:
            return str(session.query(statement, "TabSeparated"))

        ask("CREATE DATABASE bench")
        ask(f"CREATE TABLE bench.texts (id UInt64, text String CODEC(ZSTD(1)){INDEX if index else ''})"
            f" ENGINE = MergeTree ORDER BY id SETTINGS {NO_MERGES}")  # fmt: skip
        each = payloads // INSERTS
        for number in range(INSERTS):
            ask(f"INSERT INTO bench.texts SELECT number + {number * each}, {text} FROM numbers({each})"
                " SETTINGS materialize_skip_indexes_on_insert = 0")  # fmt: skip
        before, begun = most_memory(), cpu()
        merge(ask, "texts")
        found = {"before": before, "most": most_memory(), "cpu": cpu() - begun}
        found["index"] = int(ask("SELECT sum(secondary_indices_compressed_bytes) FROM system.parts WHERE active AND database = 'bench'"))  # fmt: skip
        session.close()
        answer.put(found)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--payloads", type=int, default=150_000)
    options = parser.parse_args()
    print(f"{options.payloads:,} payloads.\n")
    print("| text | memory at most before, GiB | while merging, without | with the index | CPU ms per 1,000: without | with | index, B a payload |")  # fmt: skip
    print("|---" * 7 + "|")
    for name, text in TEXTS.items():
        without, with_index = (apart(measured, text, index, options.payloads) for index in (False, True))
        scale = 1e6 / options.payloads
        print(
            f"| {name} | {with_index['before'] / 2**30:.2f} | {without['most'] / 2**30:.2f} | {with_index['most'] / 2**30:.2f} "
            f"| {without['cpu'] * scale:.1f} | {with_index['cpu'] * scale:.1f} | {with_index['index'] / options.payloads:,.0f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
