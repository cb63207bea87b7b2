"""The whole question and answer of a trace, read from its messages."""

from __future__ import annotations

import pytest
from django.test import Client

from dashboard.pages.sessions import answer, question
from tests.pages.fake_reader import FakeReader, detail, span_row
from tests.pages.sample_traces import SUPPORT

pytestmark = pytest.mark.urls("dashboard.pages.urls")

GENAI_IN = '[{"role":"user","parts":[{"type":"text","content":"First?"}]},' \
    '{"role":"assistant","parts":[{"type":"text","content":"Yes."}]},' \
    '{"role":"user","parts":[{"type":"text","content":"And then?"}]}]'  # fmt: skip
GENAI_OUT = '[{"role":"assistant","parts":[{"type":"text","content":"Then <b>this</b>."}],"finish_reason":"stop"}]'


def test_the_last_words_of_the_user_and_the_answer() -> None:
    made = detail(span_row("ab" * 16, "cd" * 8, type="llm"))
    made.attributes = {"gen_ai.input.messages": GENAI_IN, "gen_ai.output.messages": GENAI_OUT}
    assert question(made) == "And then?"
    assert answer(made) == "Then <b>this</b>."


def test_without_messages_the_words_of_the_payload() -> None:
    made = detail(span_row("ab" * 16, "cd" * 8, type="agent"))
    made.input, made.output = '{"question": "Where?"}', "There."
    assert (question(made), answer(made)) == ("Where?", "There.")


def test_the_fragment(browser_client: Client, filled: FakeReader) -> None:
    response = browser_client.get(f"/traces/{SUPPORT}/turn/")
    assert response.status_code == 200
    assert b'class="words user"' in response.content
    assert browser_client.get(f"/traces/{'0' * 31}1/turn/").status_code == 404
