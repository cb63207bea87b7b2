"""The replay bundle's hashes: the same for the same request, by a rule that other programs can follow."""

from __future__ import annotations

import json
import random
import shutil
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracestore.analysis.replay import canonical, digest, model_request, parsed, tool_request
from tracestore.spans.messages import Message

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip


@given(VALUES)
def test_canonical_text_is_json_of_the_same_value(value: object) -> None:
    read = json.JSONDecoder(parse_int=float).decode
    assert read(canonical(value)) == read(json.dumps(value))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1.0, "1"), (-0.0, "0"), (1e-7, "1e-7"), (1.5e-6, "0.0000015"), (12345678901234568e4, "123456789012345680000"),
        (1e21, "1e+21"), (1.5e300, "1.5e+300"), (0.1, "0.1"), (2**70, str(2**70)), (float("inf"), "null"),
        ({"b": 1, "a": [True, None, "ü\n"]}, '{"a":[true,null,"ü\\n"],"b":1}'),
        ({"\ufb33": 1, "\U0001f600": 2}, '{"\U0001f600":2,"\ufb33":1}'),
    ],
)  # fmt: skip
def test_numbers_and_order_follow_rfc_8785(value: object, text: str) -> None:
    assert canonical(value) == text


def test_floats_are_written_as_ecmascript_does() -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("no Node.js")
    dice = random.Random(8785)
    values = [dice.uniform(-1, 1) * 10.0 ** dice.randint(-30, 30) for _ in range(5_000)]
    values += [float(dice.getrandbits(70)) for _ in range(500)]
    script = "process.stdout.write(JSON.stringify(JSON.parse(require('fs').readFileSync(0))))"
    done = subprocess.run(
        [node, "-e", script], input=json.dumps(values), capture_output=True, text=True, timeout=60, check=True
    )
    assert canonical(values) == done.stdout


def test_the_same_request_has_the_same_hash_whatever_the_order_of_keys() -> None:
    one = tool_request("find", '{"order": 7, "deep": {"a": 1, "b": 2}}')
    other = tool_request("find", '{"deep":{"b":2,"a":1},"order":7}')
    assert digest(one) == digest(other)
    assert digest(one) != digest(tool_request("find", '{"order": 8}'))
    message = Message("user", [{"type": "text", "text": "hello"}], "stop")
    assert digest(model_request("m", [message])) == digest(
        {"kind": "model", "model": "m", "messages": [{"role": "user", "parts": [{"type": "text", "text": "hello"}]}]}
    )


def test_what_is_no_json_stays_text() -> None:
    assert parsed("plain") == "plain"
    assert parsed("[broken") == "[broken"
    assert parsed('{"a": NaN}') == {"a": None}
