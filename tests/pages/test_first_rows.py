"""What the trace page does so that its first rows, and then all of them, are there soon."""

from __future__ import annotations

import gc
import gzip
import re
from pathlib import Path

import pytest
from django.test import Client

from dashboard import waterfall_rows
from dashboard.outline import outline
from dashboard.pages import trace as trace_page
from dashboard.timeline import Timeline
from tests.pages.fake_reader import FakeReader, in_short, synthetic_trace
from tests.pages.sample_runs import loop_trace
from tests.pages.sample_traces import SUPPORT
from tracestore import collection
from tracestore.spans.explain import sums

pytestmark = pytest.mark.urls("dashboard.pages.urls")
JS = Path(trace_page.__file__).parents[1] / "static/dashboard/js"
BIG = "b1" * 16


def imported(module: Path) -> set[Path]:
    """The modules that one imports, and those that these import."""
    found: set[Path] = set()
    waiting = [module]
    while waiting:
        one = waiting.pop()
        for name in re.findall(r'^import .* from "(\..+)";$', one.read_text("utf-8"), re.MULTILINE):
            other = (one.parent / name).resolve()
            if other not in found:
                found.add(other)
                waiting.append(other)
    return found


def test_the_page_names_every_module_of_its_script_once(filled: FakeReader, browser_client: Client) -> None:
    """Else the browser would ask for them depth by depth."""
    page = browser_client.get(f"/traces/{SUPPORT}/").content.decode()
    named = re.findall(r'<link rel="modulepreload" href="/static/dashboard/js/(.+?)">', page)
    assert len(named) == len(set(named)) > 15
    assert set(named) == {str(one.relative_to(JS)) for one in imported(JS / "waterfall/main.js")}
    # What takes the server longest is asked for first.
    assert page.index('as="fetch"') < page.index("modulepreload")


def test_the_page_reads_of_each_span_what_it_shows_and_no_more(
    store: FakeReader, browser_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = loop_trace()
    trace_id = store.add(rows)
    short = [in_short(row) for row in rows]
    asked: list[str] = []

    def timeline(*_: object, limit: int) -> object:
        asked.append("timeline")
        return short[:limit]

    def spans(*_: object, limit: int) -> object:
        raise AssertionError("whole spans were read")

    monkeypatch.setattr(store, "timeline", timeline)
    monkeypatch.setattr(store, "spans", spans)
    page = browser_client.get(f"/traces/{trace_id}/").content.decode()
    assert sums(rows).cost_words in page
    assert browser_client.get(f"/traces/{trace_id}/columns/").status_code == 200
    assert asked == ["timeline"]


def test_first_rows_and_columns_are_of_the_same_outline() -> None:
    timeline = Timeline(loop_trace())
    waterfall_rows.first_rows(timeline)
    assert outline(timeline) is timeline.rows is outline(timeline, selected=3)
    # Of a giant each question has its own.
    giant = Timeline(synthetic_trace(300))
    assert outline(giant, whole=50).hidden
    assert giant.rows is None


def test_large_columns_are_packed_for_those_who_can_unpack_them(store: FakeReader, browser_client: Client) -> None:
    store.add(synthetic_trace(1_000, trace_id=BIG))
    path = f"/traces/{BIG}/columns/"
    plain = browser_client.get(path)
    assert "Content-Encoding" not in plain
    packed = browser_client.get(path, headers={"accept-encoding": "gzip, br"})
    assert packed["Content-Encoding"] == "gzip"
    assert plain["Vary"] == packed["Vary"]
    assert "Accept-Encoding" in packed["Vary"]
    assert gzip.decompress(packed.content) == plain.content
    assert len(packed.content) < len(plain.content) / 3


def test_nothing_is_collected_while_spans_are_made() -> None:
    assert gc.isenabled()
    with collection.put_off():
        assert not gc.isenabled()
        with collection.put_off():
            assert not gc.isenabled()
        assert not gc.isenabled()
    assert gc.isenabled()
    with pytest.raises(ValueError, match="unread"), collection.put_off():
        raise ValueError("unread")
    assert gc.isenabled()


def test_a_process_that_never_collects_stays_so() -> None:
    gc.disable()
    try:
        with collection.put_off():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()
