"""What must go, in every place and spelling in which it comes, and what exactly is left."""

from __future__ import annotations

import copy
import json
import pickle
from collections.abc import Callable
from typing import Any

import pytest
from samples import CARD, JWT, KEYS, LOOKS, OPENAI, PEM, everywhere, record

from tracestore.spans.model import Resource, Scope, Value
from tracestore.spans.redaction.apply import Redactor

REDACTOR = Redactor()
GONE = "[redacted:secret_key]"


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("around", ["{}", "it is {}, and more", "a={};b=2", "say '{}'", "<k>{}</k>", "({})", "x\n{}\n"])
def test_by_look(look: str, around: str) -> None:
    secret, left, rule = LOOKS[look]
    if look == "pem, cut" and around != "{}":
        pytest.skip("what follows a key without its end may be part of it")
    text, counts = REDACTOR.redact_text(around.format(secret))
    assert (text, dict(counts)) == (around.format(left), {rule: 1})


def opened(value: Any) -> Any:
    """What JSON in JSON says, whatever the spaces in it."""
    match value:
        case str() if value[:1] in ("{", "["):
            return opened(json.loads(value)) if value[:9] != "[redacted" else value
        case list():
            return [opened(item) for item in value]
        case dict():
            return {key: opened(item) for key, item in value.items()}
    return value


@pytest.mark.parametrize("look", LOOKS)
def test_in_json_and_in_json_in_json(look: str) -> None:
    secret, left, rule = LOOKS[look]
    wraps: list[Callable[[str], Any]] = [
        lambda text: {"a": [text], text: None},
        lambda text: {"a": json.dumps({"b": text, text: 1})},
        lambda text: [1.5, json.dumps([json.dumps([text]), text])],
    ]
    for wrap in wraps:
        text, counts = REDACTOR.redact_text(json.dumps(wrap(secret)))
        assert opened(text) == opened(wrap(left))
        assert counts == {rule: 2}


@pytest.mark.parametrize("look", LOOKS)
def test_everywhere_in_a_span(look: str) -> None:
    secret, left, rule = LOOKS[look]
    expected = everywhere(left)
    for place, span in everywhere(secret).items():
        found, counts = REDACTOR.redact(span)
        assert (place, found) == (place, expected[place])
        assert (place, dict(counts)) == (place, {rule: 1})


@pytest.mark.parametrize("key", KEYS)
def test_by_name(key: str) -> None:
    for value in ("hunter2", "x", 12345, 1.5, b"\x00\x01", "{not json", '{"a": 1}'):
        found, counts = REDACTOR.redact(record({key: value}))
        gone: Value = GONE.encode() if isinstance(value, bytes) else GONE
        assert found.attributes == {key: gone}
        assert counts == {"secret_key": 1}


@pytest.mark.parametrize("key", KEYS)
def test_by_name_at_depth(key: str) -> None:
    found, counts = REDACTOR.redact(record({"a": [{key: ["x", {"b": "y", "n": None, "f": True}]}]}))
    assert found.attributes == {"a": [{key: [GONE, {"b": GONE, "n": None, "f": True}]}]}
    assert counts == {"secret_key": 2}


@pytest.mark.parametrize("key", KEYS)
def test_by_name_in_texts(key: str) -> None:
    inner = json.dumps({key: "hunter2", "n": 5})
    left = json.dumps({key: GONE, "n": 5})
    for text, expected in {
        f"args: {inner}": f"args: {left}",
        f"args: {inner[:-8]}": f"args: {left[:-8]}",
        f"call({{'{key}': 'hunter2', 'n': 5}})": f"call({{'{key}': '{GONE}', 'n': 5}})",
        f"{{'{key}': 'hunter2'}}": f"{{'{key}': '{GONE}'}}",
        f"{{'{key}': ['hunter2']}}": f"{{'{key}': ['{GONE}']}}",
        f"{{'{key}': b'hunter2'}}": f"{{'{key}': b'{GONE}'}}",
        f"{{'{key}': 12345}}": f"{{'{key}': '{GONE}'}}",
        f"{{'{key}' => 'it\\'s me', 'a' => 1}}": f"{{'{key}' => '{GONE}', 'a' => 1}}",
        f"repr: {json.dumps(inner)}": f"repr: {json.dumps(left)}",
        f"repr: {json.dumps(json.dumps(inner))}": f"repr: {json.dumps(json.dumps(left))}",
    }.items():
        assert REDACTOR.redact_text(text) == (expected, {"secret_key": 1})


@pytest.mark.parametrize("key", KEYS)
def test_by_name_in_json(key: str) -> None:
    for levels in range(4):
        text: str = json.dumps({key: "hunter2", "n": 5})
        left: str = json.dumps({key: GONE, "n": 5})
        for _ in range(levels):
            text, left = json.dumps({"inner": text}), json.dumps({"inner": left})
        found, counts = REDACTOR.redact_text(text)
        for _ in range(levels):
            found, left = json.loads(found)["inner"], json.loads(left)["inner"]
        assert json.loads(found) == json.loads(left)
        assert counts == {"secret_key": 1}


def test_what_is_untouched_in_json_keeps_its_bytes() -> None:
    text = '{"big": 12345678901234567890123, "f": 1.50, "e": 1E5, "u": "\\u00e9", "password": "x", "z": [1,  2]}'
    assert REDACTOR.redact_text(text)[0] == (
        '{"big":12345678901234567890123,"f":1.50,"e":1E5,"u":"\\u00e9","password":"[redacted:secret_key]","z":[1,  2]}'
    )


def test_several_in_one_text() -> None:
    text = f"keys {OPENAI} and {OPENAI}, card {CARD}, token {JWT}\n{PEM}"
    assert REDACTOR.redact_text(text) == (
        "keys [redacted:api_key] and [redacted:api_key], card [redacted:card_number], token [redacted:jwt]\n"
        "[redacted:private_key]",
        {"api_key": 2, "card_number": 1, "jwt": 1, "private_key": 1},
    )


def test_a_card_that_is_a_number() -> None:
    found, counts = REDACTOR.redact(record({"card": 4111111111111111, "in": '{"a": 378282246310005}'}))
    assert found.attributes == {"card": "[redacted:card_number]", "in": '{"a":"[redacted:card_number]"}'}
    assert counts == {"card_number": 2}


@pytest.mark.parametrize("escape", ["\\u0073k-", "sk\\u002D", "s\\u006b-"])
def test_escapes_of_json_hide_nothing(escape: str) -> None:
    text = f'{{"a": "{escape}{OPENAI[3:]}"}}'
    assert REDACTOR.redact_text(text) == ('{"a":"[redacted:api_key]"}', {"api_key": 1})


def test_nothing_is_changed_in_place() -> None:
    shared: dict[str, Value] = {"a": [{"password": "hunter2"}], "b": {"c": OPENAI}}
    resource, scope = Resource({"service.name": "bot", "password": "x"}, "bot"), Scope("lib", "1", {"key": OPENAI})
    spans = [record(shared, resource=resource, scope=scope), record(shared, resource=resource, scope=scope)]
    before = pickle.dumps(spans)
    found = [REDACTOR.redact(span)[0] for span in spans]
    assert pickle.dumps(spans) == before
    assert found[0].attributes == {"a": [{"password": GONE}], "b": {"c": "[redacted:api_key]"}}
    # Shared they stay: one resource and one scope for the spans of a request.
    assert found[0].resource is found[1].resource
    assert found[0].scope is found[1].scope
    assert found[0].resource == Resource({"service.name": "bot", "password": GONE}, "bot")


def test_a_span_without_secrets_is_passed_on_as_it_is() -> None:
    span = record({"a": [1, "b", {"c": None}], "gen_ai.usage.input_tokens": 5})
    kept = copy.deepcopy(span)
    found, counts = REDACTOR.redact(span)
    assert found is span == kept
    assert not counts


def test_doing_it_twice_takes_nothing_more() -> None:
    for secret, _, _ in LOOKS.values():
        for span in everywhere(json.dumps({"password": "x", "t": f"a {secret}"})).values():
            once, counts = REDACTOR.redact(span)
            assert counts
            assert REDACTOR.redact(once) == (once, {})
