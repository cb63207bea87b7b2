"""The columns and the first rows."""

from __future__ import annotations

import json
import re
from pathlib import Path

from dashboard import waterfall, waterfall_rows
from dashboard.design import generate
from dashboard.timeline import Timeline
from tests.pages.fake_reader import EPOCH, MS, span_row, synthetic_trace
from tests.pages.sample_traces import hostile_trace, odd_trace, support_trace

JS = generate.TARGET.parent.parent / "js" / "waterfall"
PARALLEL = (
    "name",
    "label",
    "type",
    "status",
    "parent",
    "depth",
    "start",
    "dur",
    "self",
    "tokens_in",
    "tokens_out",
    "cost",
    "flags",
    "id",
)


def test_columns_are_parallel_and_codes_are_known() -> None:
    for spans in (support_trace()[0], odd_trace(), hostile_trace()[0], synthetic_trace(500), []):
        made = json.loads(json.dumps(waterfall.columns(Timeline(spans))))
        assert {len(made[name]) for name in PARALLEL} == {made["n"]}
        for codes, strings in (("name", "names"), ("label", "labels"), ("type", "types"), ("status", "statuses")):
            assert all(0 <= code < len(made[strings]) for code in made[codes])
        own = [one for row, one in enumerate(made["id"]) if row not in made["groups"]]
        assert sorted(own) == sorted(span.span_id for span in spans)
        assert made["total"] == len(spans)
        assert all(start >= 0 for start in made["start"])


def test_columns_say_what_a_span_is() -> None:
    spans, _ = support_trace()
    made = waterfall.columns(Timeline(spans))
    row = made["id"].index(spans[2].span_id)
    assert made["names"][made["name"][row]] == "chat gpt-4o-mini"
    assert made["labels"][made["label"][row]] == "gpt-4o-mini-2024-07-18"
    assert made["types"][made["type"][row]] == "llm"
    assert (made["start"][row], made["dur"][row]) == (20_000, 1_780_000)
    assert (made["tokens_in"][row], made["tokens_out"][row], made["cost"][row]) == (1240, 96, 0.0002436)


def test_an_unknown_price_is_null_and_marked() -> None:
    spans, _ = support_trace()
    made = waterfall.columns(Timeline(spans))
    row = made["id"].index(spans[9].span_id)
    assert made["cost"][row] is None
    assert made["flags"][row] == waterfall.FLAGS["unpriced"]


def test_odd_rows_are_marked() -> None:
    spans = odd_trace()
    made = waterfall.columns(Timeline(spans))
    flags = {made["names"][made["name"][row]]: made["flags"][row] for row in range(made["n"])}
    assert flags["starts early"] == waterfall.FLAGS["early"]
    assert flags["outlives its parent"] == waterfall.FLAGS["outlives"]
    assert flags["parent never came"] == waterfall.FLAGS["orphan"]
    assert flags["ring a"] == flags["its own parent"] == waterfall.FLAGS["cut"]


def test_the_script_knows_the_same_flags_and_words() -> None:
    model = Path(JS / "model.js").read_text("utf-8")
    found = re.search(r"export const FLAGS = \{(.+?)\};", model)
    assert found is not None
    assert {k: int(v) for k, v in re.findall(r"(\w+): (\d+)", found[1])} == waterfall.FLAGS
    words = dict(re.findall(r'(\w+): "(.+?)",', Path(JS / "words.js").read_text("utf-8")))
    assert words == waterfall_rows.FLAG_WORDS


def test_10_000_spans_fit_two_megabytes() -> None:
    body = json.dumps(waterfall.columns(Timeline(synthetic_trace(10_000))), separators=(",", ":"))
    assert len(body) < 2_000_000


def test_bars_lie_where_their_times_are() -> None:
    trace_id = "a" * 32
    spans = [
        span_row(trace_id, "1" * 16, name="whole", start_ns=EPOCH, end_ns=EPOCH + 100 * MS),
        span_row(trace_id, "2" * 16, "1" * 16, "half", start_ns=EPOCH + 50 * MS, end_ns=EPOCH + 75 * MS),
    ]
    rows = waterfall_rows.first_rows(Timeline(spans))
    assert [(row.left, row.width) for row in rows] == [(0, 100), (50, 25)]
