"""Looks for bytes that break a promise, guided by coverage (atheris, libFuzzer).

    python -m tests.fuzz.run json --seconds 300

In an environment that has atheris beside what Tracestore needs (`pip install atheris`; it is not among
the development requirements, because it has no wheels for every Python). Seeds are small
requests of the tests and what was found before. An input that fails is written to
`tests/fuzz/found/<target>/`, which `test_found.py` feeds to the target for ever after: mend the
defect, keep the file.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["tracestore.spans", "tracestore.clickhouse.columns"]):
    from tests.fuzz import targets

from tests.fuzz.seeds import FOUND, seeds

#: Words of OTLP/JSON, and values that parsers disagree about, for the fuzzer to put in.
TOKENS = r"""
resourceSpans scopeSpans spans resourceLogs scopeLogs logRecords resource scope attributes traceId spanId parentSpanId
name kind startTimeUnixNano endTimeUnixNano events links status code message key value stringValue intValue doubleValue
boolValue bytesValue arrayValue kvlistValue values droppedAttributesCount timeUnixNano body eventName severityNumber
flags null true NaN -Infinity 1e999 9223372036854775808 -0 1.0 {} [] [[[[[[[[ }}] \ud83d \udc00 \u0000
0af7651916cd43dd8448eb211c80319c b7ad6b7169203331 1799999999000000000
"""


def dictionary(folder: Path) -> Path:
    """The tokens in libFuzzer's form."""
    file = folder / "tokens.dict"
    lines = ("".join(f"\\x{byte:02x}" for byte in token.encode()) for token in TOKENS.split())
    file.write_text("".join(f'"{line}"\n' for line in lines))
    return file


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("target", choices=sorted(targets.TARGETS))
    parser.add_argument("--seconds", type=int, default=120)
    parser.add_argument("--corpus", type=Path, help="keep what reaches new code here, to go on from it next time")
    options = parser.parse_args()
    found = FOUND / options.target
    found.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="tracestore-fuzz-") as folder:
        corpus = options.corpus or Path(folder) / "corpus"
        corpus.mkdir(parents=True, exist_ok=True)
        for number, seed in enumerate(seeds(options.target)):
            (corpus / f"seed-{number}").write_bytes(seed)
        atheris.Setup(
            [
                sys.argv[0],
                str(corpus),
                f"-max_total_time={options.seconds}",
                f"-artifact_prefix={found}/",
                f"-dict={dictionary(Path(folder))}",
                "-max_len=8192",
                "-len_control=0",
                "-timeout=10",
                "-rss_limit_mb=2048",
                "-print_final_stats=1",
            ],
            targets.TARGETS[options.target],
        )
        atheris.Fuzz()


if __name__ == "__main__":
    main()
