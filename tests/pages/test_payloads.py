"""The drawer's payloads: parts loaded on demand, values to copy, what changed in a prompt; all with hostile input."""

from __future__ import annotations

import base64
import json
import re
from urllib.parse import quote, unquote

import pytest
from django.test import Client

from tests.pages.fake_reader import EPOCH, MS, FakeReader, detail, span_row
from tests.pages.sample_traces import ATTACKS, HOSTILE, SUPPORT, id_of
from tests.pages.test_trace_page import HTMX, Rows, text
from tracestore.clickhouse.rows import SpanDetail

pytestmark = pytest.mark.urls("dashboard.pages.urls")

TRACE = "ab" * 16


def part(client: Client, trace_id: str, span: int, of: str, **query: str) -> str:
    asked = "&".join(f"{name}={quote(value)}" for name, value in {"of": of, **query}.items())
    return text(client, f"/traces/{trace_id}/spans/{id_of(span)}/part/?{asked}")


def one_span(store: FakeReader, **more: object) -> None:
    row = span_row(TRACE, id_of(1), type="tool", name="big", tool_name="big")
    store.add([row], [detail(row, **more)])


def test_a_large_list_is_loaded_page_by_page(store: FakeReader, browser_client: Client) -> None:
    one_span(store, output=json.dumps({"rows": [{"n": n} for n in range(5_000)], "after": "still here"}))
    page = text(browser_client, f"/traces/{TRACE}/spans/{id_of(1)}/?tab=payload", **HTMX)
    assert "still here" in page
    assert page.count("<li") < 3_500
    (address,) = re.findall(r'<button type="button" hx-get="([^"]+at=[^"]+)"', page)
    seen = page.count('<span class="j-index">')
    while address:
        more = text(browser_client, address.replace("&amp;", "&"))
        seen += len(re.findall(r'<span class="j-index">', more))
        found = re.findall(r'<button type="button" hx-get="([^"]+)"', more)
        address = found[0] if found else ""
    assert seen == 5_000


@pytest.mark.parametrize(
    ("of", "at", "expected"),
    [
        ("output", "/history/0/state", "packed"),
        ("output", "/weight_g", "12345678901234567890"),
        ("output", "", ""),
        ("attribute:tags", "/1", "eu"),
        ("resource:host.name", "", "worker-1"),
    ],
)
def test_a_value_is_copied_as_it_was_received(
    filled: FakeReader, browser_client: Client, of: str, at: str, expected: str
) -> None:
    if of == "attribute:tags":
        filled.details[SUPPORT, id_of(5)].attributes["tags"] = ["prod", "eu"]
    copied = part(browser_client, SUPPORT, 5, of, at=at, **{"as": "text"})
    assert copied == (expected or filled.details[SUPPORT, id_of(5)].output)


def test_the_places_of_a_conversation_are_those_of_the_drawer(filled: FakeReader, browser_client: Client) -> None:
    assert '"order": "ORD-10442"' in part(browser_client, SUPPORT, 3, "said:3:0", **{"as": "text"})
    assert '"carrier": "DHL"' in part(browser_client, SUPPORT, 10, "answer:call_2", **{"as": "text"})
    assert '"type": "object"' in part(browser_client, SUPPORT, 3, "offer:0", **{"as": "text"})


@pytest.mark.parametrize(
    "query",
    [
        "of=nothing", "of=", "of=attribute:missing", "of=said:99:0", "of=said:x", "of=offer:7", "of=answer:none",
        "of=output&at=/nothing", "of=output&at=history", "of=output&at=/history/99",
    ],
)  # fmt: skip
def test_what_a_span_does_not_have_is_404(filled: FakeReader, browser_client: Client, query: str) -> None:
    response = browser_client.get(f"/traces/{SUPPORT}/spans/{id_of(5)}/part/?{query}", headers=HTMX)
    assert response.status_code == 404


def test_a_place_that_is_no_list_is_refused(filled: FakeReader, browser_client: Client) -> None:
    for query in ("of=output&at=/carrier", "of=output&from=-1", "of=output&text=x"):
        assert browser_client.get(f"/traces/{SUPPORT}/spans/{id_of(5)}/part/?{query}").status_code == 400


def test_parts_belong_to_the_project(filled: FakeReader, browser_client: Client) -> None:
    filled.project = "other"
    assert browser_client.get(f"/traces/{SUPPORT}/spans/{id_of(5)}/part/?of=output").status_code == 404
    assert Client().get(f"/traces/{SUPPORT}/spans/{id_of(5)}/part/?of=output").status_code == 302


def test_long_text_is_shown_piece_by_piece_with_its_true_size(store: FakeReader, browser_client: Client) -> None:
    received = "".join(f"line {n}\n" for n in range(600_000))
    assert len(received) > 5_000_000
    one_span(store, input=received)
    page = text(browser_client, f"/traces/{TRACE}/spans/{id_of(1)}/?tab=payload", **HTMX)
    assert f"{len(received):,} characters" in page
    assert len(page) < 60_000
    shown = unescaped(re.findall(r'<pre class="plain">(.*?)</pre>', page, re.S)[0])
    (address,) = re.findall(r'hx-get="([^"]+text=20000)"', page)
    while address:
        more = text(browser_client, address.replace("&amp;", "&"))
        assert f"of {len(received):,} characters" in more
        shown += unescaped(re.findall(r'<pre class="plain is-more">(.*?)</pre>', more, re.S)[0])
        found = re.findall(r'hx-get="([^"]+)"', more)
        address = found[0] if found else ""
    assert received.startswith(shown)
    assert len(shown) >= 2_000_000
    assert "No more is shown on a page" in more
    assert text(browser_client, f"/traces/{TRACE}/spans/{id_of(1)}/input.txt") == received


def unescaped(html: str) -> str:
    return html.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def test_a_picture_is_told_by_kind_and_size(store: FakeReader, browser_client: Client) -> None:
    picture = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 400).decode()
    asked = json.dumps(
        [{"role": "user", "content": [{"type": "image_url", "url": f"data:image/png;base64,{picture}"}]}]
    )
    one_span(store, input=asked, output=picture, attributes={"picture": picture, "list": [picture]})
    for tab in ("payload", "attributes", "raw"):
        page = text(browser_client, f"/traces/{TRACE}/spans/{id_of(1)}/?tab={tab}", **HTMX)
        assert "image/png, 102,408 bytes" in page
        assert picture[:100] not in page
    assert part(browser_client, TRACE, 1, "output", **{"as": "text"}) == picture


@pytest.mark.parametrize("of", ["input", "output", "attribute:{}", "said:1:0", "said:2:1", "answer:{}"])
def test_hostile_parts_stay_text(filled: FakeReader, browser_client: Client, of: str) -> None:
    for number, attack in enumerate(ATTACKS, 1):
        for query in ("", "&text=0", "&as=text"):
            address = f"/traces/{HOSTILE}/spans/{id_of(number)}/part/?of={quote(of.format(attack))}{query}"
            response = browser_client.get(address, headers=HTMX)
            assert response.status_code in (200, 404)
            if response.headers["Content-Type"].startswith("text/plain"):
                assert response.headers["Content-Disposition"].startswith("attachment")
                continue
            page = response.content.decode()
            assert Rows(page).dangers == []
            assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e\u200b]", page)


def test_keys_that_were_altered_for_the_eye_keep_their_path(store: FakeReader, browser_client: Client) -> None:
    odd = "a\u202eb\x00/~ \ud800"
    one_span(store, output=json.dumps({odd: {"deep": [1]}}))
    page = text(browser_client, f"/traces/{TRACE}/spans/{id_of(1)}/?tab=payload", **HTMX)
    (key,) = re.findall(r'data-key="([^"]+)"', page)
    assert unquote(key) == odd.replace("\ud800", "?")


def test_deep_json_and_bad_utf8_are_shown(store: FakeReader, browser_client: Client) -> None:
    one_span(store, input="[" * 500 + "1" + "]" * 500, output=b"bad \xff bytes".decode("utf-8", "replace"))
    page = text(browser_client, f"/traces/{TRACE}/spans/{id_of(1)}/?tab=payload", **HTMX)
    assert "bad � bytes" in page
    depth, at = 0, page
    while addresses := re.findall(r'hx-get="([^"]+at=[^"]*)"', at):
        at = text(browser_client, addresses[0].replace("&amp;", "&"))
        depth += 1
    assert depth > 10
    assert '<span class="j-number">1</span>' in at
    one_span(store, input="[" * 100_000)
    assert "[[[[" in text(browser_client, f"/traces/{TRACE}/spans/{id_of(1)}/?tab=payload", **HTMX)


def test_messages_are_formatted_or_as_received(filled: FakeReader, browser_client: Client) -> None:
    formatted = text(browser_client, f"/traces/{SUPPORT}/spans/{id_of(10)}/?tab=messages", **HTMX)
    assert "<strong>ORD-10442</strong>" in formatted
    received = text(browser_client, f"/traces/{SUPPORT}/spans/{id_of(10)}/?tab=messages&text=received", **HTMX)
    assert "<strong>ORD-10442</strong>" not in received
    assert "order **ORD-10442** was shipped" in received
    assert "order **ORD-10442** was" in text(browser_client, f"/traces/{SUPPORT}/?span={id_of(10)}&text=received")


def chat(number: int, said: list[tuple[str, str]], answer: str, offers: list[str]) -> SpanDetail:
    def shape(role: str, words: str) -> dict[str, object]:
        return {"role": role, "parts": [{"type": "text", "content": words}]}

    row = span_row(
        TRACE, id_of(number), id_of(1), f"chat {number}", type="llm", agent="writer", model="m",
        start_ns=EPOCH + number * MS, end_ns=EPOCH + (number + 1) * MS,
    )  # fmt: skip
    tools = [{"type": "function", "name": name, "description": "d", "parameters": {}} for name in offers]
    attributes = {
        "gen_ai.operation.name": "chat",
        "gen_ai.input.messages": json.dumps([shape(*one) for one in said]),
        "gen_ai.output.messages": json.dumps([shape("assistant", answer)]),
        "gen_ai.tool.definitions": json.dumps(tools),
    }
    return detail(row, attributes=attributes, input="x", output="y")


def test_the_changes_of_a_prompt_against_the_call_before(store: FakeReader, browser_client: Client) -> None:
    asked = [("system", "You write reports.\nBe brief."), ("user", "Write about rivers")]
    first = chat(2, asked, "Rivers flow.", ["search"])
    second = chat(
        3,
        [("system", "You write reports.\nBe verbose."), asked[1], ("assistant", "Rivers flow."), ("user", "Longer")],
        "Rivers flow downhill.",
        ["search", "draw"],
    )
    root = span_row(TRACE, id_of(1), type="agent", agent="writer", name="run")
    store.add([root, first.row, second.row], [first, second])

    page = text(browser_client, f"/traces/{TRACE}/spans/{id_of(3)}/?tab=changes", **HTMX)
    assert "The system prompt differs." in page
    assert "<del>brief</del>" in page
    assert "<ins>verbose</ins>" in page
    assert "the answer of the call before" in page
    assert "2 messages added" in page
    assert "1 message unchanged" in page
    assert '<span class="change-word">added</span> tool <code>draw</code>' in page
    assert f'data-go-span="{id_of(2)}"' in page

    page = text(browser_client, f"/traces/{TRACE}/spans/{id_of(2)}/?tab=changes", **HTMX)
    assert "there is no earlier prompt" in page


def test_a_call_before_without_messages_is_told(store: FakeReader, browser_client: Client) -> None:
    first, second = chat(2, [("user", "a")], "b", []), chat(3, [("user", "a")], "b", [])
    first.attributes = {}
    store.add([first.row, second.row], [first, second])
    page = text(browser_client, f"/traces/{TRACE}/spans/{id_of(3)}/?tab=changes", **HTMX)
    assert "recorded no messages of that call" in page
