"""Hostile text, markdown, JSON and figures, before any page."""

from __future__ import annotations

import base64
import json
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard import figures_as_text, json_tree, json_values, markdown
from dashboard.inline_media import without_media
from dashboard.payload_view import payload_view
from dashboard.visible_text import visible

CASES = json.loads((Path(__file__).parent.parent / "js" / "format_cases.json").read_text("utf-8"))


@pytest.mark.parametrize("name", ["duration", "tokens", "cost"])
def test_figures_read_as_in_the_browser(name: str) -> None:
    for value, expected in CASES[name]:
        assert getattr(figures_as_text, name)(value) == expected


def test_times_ago_read_as_in_the_browser() -> None:
    now = 1_790_000_000_000_000_000
    for seconds, expected in CASES["ago"]:
        assert figures_as_text.ago(now - seconds * 1_000_000_000, now) == expected


def test_controls_go_and_directions_show() -> None:
    assert visible("\x1b[31mred\x1b[0m\x00 a\u202eb\nc\td") == "red a⟦U+202E⟧b\nc\td"
    assert visible("x" * 50, limit=10) == "x" * 9 + "…"
    assert visible("naïve 日本 🙂") == "naïve 日本 🙂"


@given(st.text())
def test_nothing_hidden_is_left(text: str) -> None:
    shown = visible(text)
    assert not any(
        (ord(c) < 32 and c not in "\n\t") or 0x7F <= ord(c) < 0xA0 or 0x202A <= ord(c) <= 0x202E for c in shown
    )
    shown.encode()


@pytest.mark.parametrize(
    "text",
    [
        ">" * 50_000,
        "> " * 10_000,
        "- " * 20_000,
        "*" * 50_000,
        "[" * 50_000,
        "".join(" " * (2 * i) + "- a\n" for i in range(300)),
    ],
)
def test_deep_markdown_is_shown_plain_and_whole(text: str) -> None:
    began = time.process_time()
    html = markdown.render(text)
    assert html.startswith('<pre class="plain">')
    assert time.process_time() - began < 2.0  # a hang, not a slow machine


def test_markdown_cannot_run_or_fetch_anything() -> None:
    html = markdown.render(
        "![b](http://evil.invalid/x.png) <img src=x onerror=alert(1)> [c](javascript:alert(1)) [ok](https://a.invalid/)"
    )
    assert "<img" not in html
    assert "src=" not in html.replace("&lt;img src=", "")
    assert 'href="javascript' not in html
    assert 'href="https://a.invalid/" rel="noopener noreferrer nofollow"' in html


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=30,
    )
)
def test_json_trees_are_balanced_and_escaped(value: object) -> None:
    html = json_tree.render(value)
    for tag in ("ul", "details", "li"):
        assert html.count(f"<{tag}>") + html.count(f"<{tag} ") == html.count(f"</{tag}>")
    assert "<script" not in html


def test_json_keeps_digits_and_stays_bounded() -> None:
    assert "12345678901234567890123.10" in json_tree.render(json_values.parse('{"a": 12345678901234567890123.10}'))
    big = json_tree.render([list(range(50)) for _ in range(500)])
    assert big.count("<li") <= json_tree.ROW_LIMIT
    assert "not shown here; the download has it" in big
    with pytest.raises(json_values.NotJson):
        json_values.parse("[" * 100_000)
    deep = json_tree.render(json_values.parse("[" * 200 + "1" + "]" * 200))
    assert deep.count("<details") < json_tree.DEPTH_LIMIT


def test_what_a_tree_leaves_out_can_be_asked_for() -> None:
    value = {"a": {"~/": list(range(1_200))}, "z": "after"}
    html = json_tree.render(value, source="/part/?of=input&")
    assert "after" in html
    assert 'hx-get="/part/?of=input&amp;at=%2Fa%2F~0~1&amp;from=500"' in html
    assert "500 of 700 more" in html
    assert json_values.pointed(value, "/a/~0~1") == value["a"]["~/"]
    rest = json_tree.render_rows(value["a"]["~/"], ["a", "~/"], 1_000, "/part/?of=input&")
    assert (rest.count("<li>"), "more" in rest) == (200, False)
    with pytest.raises(KeyError):
        json_values.pointed(value, "/a/0")


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=30,
    )
)
def test_json_is_written_as_it_was_read(value: object) -> None:
    text = json.dumps([value])
    assert json.loads(json_values.write(json_values.parse(text))) == [value]


def test_files_inside_texts_are_told_not_shown() -> None:
    picture = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 40).decode()
    told = without_media(f'{{"url": "data:image/png;base64,{picture}", "data": "{picture}"}}')
    assert told.count("[image/png, 10,248 bytes, in the text as base64]") == 2
    assert picture[:50] not in told
    assert "image/png, 10,248 bytes" in json_tree.render([picture])
    for harmless in ("x" * 5_000, "lorem ipsum " * 500, "a" * 64, "/usr/share/" * 100):
        assert without_media(harmless) == harmless


def test_a_cut_text_says_its_size_and_where_the_rest_is() -> None:
    view = payload_view("word " * 10_000, "/part/?of=input&")
    assert (view.length, len(view.head), view.is_cut) == (50_000, 20_000, True)
    assert view.more == "/part/?of=input&text=20000"
    assert not payload_view("word", "/part/?").is_cut
    long = payload_view("[" + "1," * 2_000_000 + "1]")
    assert (long.tree, long.is_cut, long.is_too_long_for_a_tree) == (None, True, True)
