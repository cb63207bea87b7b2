"""Where the search begins: small requests that reach most of the code, and what was found before."""

from __future__ import annotations

import json
import random
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FOUND = ROOT / "fuzz" / "found"
# The modules of tests/spans are imported by their bare names there.
sys.path.append(str(ROOT / "spans"))


def found(target: str) -> list[Path]:
    """Inputs that once broke a promise of this target."""
    return sorted(path for path in (FOUND / target).glob("*") if path.is_file())


def seeds(target: str) -> list[bytes]:
    import decode_requests as spans
    import log_requests as logs

    values = {
        "text": "naïve ☃",
        "n": 5,
        "f": 0.5,
        "b": True,
        "l": ["a", 1],
        "m": {"k": [{}]},
        "x": b"\xff",
        "none": None,
    }
    whole = spans.span(
        parentSpanId="00f067aa0ba902b7",
        traceState="a=b",
        attributes=spans.pairs({**values, "gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-4o"}),
        events=[{"timeUnixNano": "5", "name": "e", "attributes": spans.pairs(values)}],
        links=[{"traceId": "11" * 16, "spanId": "22" * 8, "attributes": spans.pairs({"l": True})}],
        status={"code": 2, "message": "boom"},
    )
    log = logs.log(eventName="gen_ai.choice", body=spans.value_of(values), attributes=spans.pairs(values))
    kept = [path.read_bytes() for path in found(target)]
    match target:
        case "protobuf":
            return [spans.protobuf(spans.request(whole, spans.span())), *kept]
        case "json":
            return [json.dumps(spans.request(whole, spans.span())).encode(), *kept]
        case "logs_protobuf":
            return [logs.message(logs.request(log)).SerializeToString(), *kept]
        case "logs_json":
            return [json.dumps(logs.request(log)).encode(), *kept]
    chance = random.Random(1)
    return [chance.randbytes(size) for size in (10, 40, 100, 200, 400, 400, 400, 400)] + kept
