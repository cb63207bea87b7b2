"""The words of a preview, whatever JSON is around them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.preview_text import words

ASKED = "Where is my parcel?"


@pytest.mark.parametrize(
    "preview",
    [
        ASKED,
        '[{"role": "user", "parts": [{"type": "text", "content": "Where is my parcel?"}]}]',
        '[{"role":"system","content":[{"text":"Help."}]},{"role":"user","content":[{"text":"Where is my parcel?"}]}]',
        '[{"content": "Where is my parcel?", "role": "user"}]',
        '{"messages": [{"role": "user", "content": "Where is my parcel?"}]}',
        '{"task": "Where is my parcel?", "stream": false}',
        '{"messages":[{"content":"Where is my parcel?","additional_kwargs":{},"type":"human"',
    ],
)
def test_the_question_is_found(preview: str) -> None:
    assert words(preview) == ASKED


def test_a_text_that_is_cut_is_shown_as_far_as_it_goes() -> None:
    assert words('{"task": "Where is my par') == "Where is my par"
    assert words('{"task": "an escape that is cut \\u00').startswith("an escape that is cut ")


def test_json_without_words_shows_nothing() -> None:
    assert words('{"a": 1, "b": [true]}') == ""
    assert words("[") == ""


@given(st.text())
def test_it_never_raises(preview: str) -> None:
    words(preview)
    words("{" + preview)
