"""The pass over raw bytes never says no to what the exact work would find, in either encoding."""

from __future__ import annotations

import json
from typing import Any

import pytest
from decode_requests import HOUR, NOW, pairs, protobuf, request, span
from hypothesis import example, given, settings
from hypothesis import strategies as st
from samples import CARD, KEYS, LOOKS, OPENAI

from tracestore.spans.decode import decode_json, protobuf_slices
from tracestore.spans.redaction.apply import Redactor
from tracestore.spans.redaction.rules import DEFAULT_RULES, OPTIONAL_RULES, OwnRule, RuleSet

OWN = (
    OwnRule("ticket", "pattern", r"TICKET-\d{4,}"),
    OwnRule("kiosk", "pattern", r"(?i)kiosk[ -]?\d+"),
    OwnRule("badge", "key", "badge number"),
)
OWN_TEXTS = ("TICKET-12345", "KIOSK-77", "\u212aio\u017fk-77")

TEXTS = st.text(st.sampled_from("ab zZ09_-./:\"'\\{}[]()\n\té€😀\u212a\u017f"), max_size=30)


@st.composite
def secrets(draw: st.DrawFn) -> Any:
    """A value with a secret, wrapped as applications wrap: in text, lists, maps, JSON, Python's repr."""
    if draw(st.booleans()):
        value: Any = (
            draw(TEXTS)
            + draw(
                st.sampled_from([secret for secret, _, _ in LOOKS.values()] + list(OWN_TEXTS) + ["4111111111111111"])
            )
            + draw(TEXTS)
        )
    else:
        key = draw(st.sampled_from([*KEYS, "badge_number", "Badge-Number", "my.badge number"]))
        plain = st.one_of(TEXTS, st.integers(-(2**63), 2**63 - 1), st.floats(), st.binary(max_size=20))
        value = {draw(TEXTS): 1, draw(st.sampled_from(["", "a_", "x."])) + key: draw(plain), "z": draw(TEXTS)}
    for wrap in draw(
        st.lists(st.sampled_from(["list", "map", "json", "unicode json", "repr", "prose", "bytes"]), max_size=4)
    ):
        try:
            match wrap:
                case "list":
                    value = [1, value, draw(TEXTS)]
                case "map":
                    value = {"a": draw(TEXTS), "b": value}
                case "json":
                    value = json.dumps(value, indent=draw(st.sampled_from([None, 1])))
                case "unicode json":
                    value = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
                case "repr":
                    value = repr(value)
                case "prose":
                    value = f"{draw(TEXTS)} {value}{draw(TEXTS)}"
                case "bytes":
                    value = value.encode() if isinstance(value, str) else value
        except TypeError:  # bytes are not for JSON
            continue
    return value


PLACES = (
    "attribute",
    "key",
    "name",
    "status",
    "state",
    "event",
    "event name",
    "link",
    "resource",
    "resource schema",
    "scope schema",
)

#: What both spans of the request have.
SHARED = ("resource", "resource schema", "scope schema")


def placed(value: Any, place: str, padding: str) -> dict[str, Any]:
    """A request with the value at this place of its second span, and other things around it."""
    text = value if isinstance(value, str) else str(value)
    moment = str(NOW - HOUR)
    other = {"padding": padding, "n": 4111}
    one: dict[str, Any] = {"spanId": "b7ad6b7169203332", "attributes": pairs(other)}
    resource: dict[str, Any] = {"service.name": "bot"}
    match place:
        case "attribute":
            one["attributes"] = pairs({**other, "note": value, "z": 1})
        case "key":
            one["attributes"] = pairs({**other, text: 1})
        case "name":
            one["name"] = text
        case "status":
            one["status"] = {"code": 2, "message": text}
        case "state":
            one["traceState"] = text
        case "event":
            one["events"] = [{"timeUnixNano": moment, "name": "e", "attributes": pairs({"note": value})}]
        case "event name":
            one["events"] = [{"timeUnixNano": moment, "name": text}]
        case "link":
            ids = {"traceId": "0af7651916cd43dd8448eb211c80319c", "spanId": "b7ad6b7169203333"}
            one["links"] = [{**ids, "attributes": pairs({"note": value})}]
        case "resource":
            resource["note"] = value
    body = request(span(attributes=pairs(other)), span(**one), resource=resource)
    (resource_spans,) = body["resourceSpans"]
    if place == "resource schema":
        resource_spans["schemaUrl"] = text
    if place == "scope schema":
        resource_spans["scopeSpans"][0]["schemaUrl"] = text
    return body


def agree(redactor: Redactor, body: dict[str, Any]) -> int:
    """Checks both encodings of a request; how many secrets the exact work found in it."""
    raw = protobuf(body)
    found = 0
    for part in protobuf_slices(raw, now_ns=NOW, suspicious=redactor.suspicious):
        for record in part.records:
            counts = redactor.redact(record)[1]
            found += counts.total()
            assert redactor.suspicious(raw) or not counts, (counts, raw)
            assert record.suspect or not counts, (counts, raw)
    for ascii_only, indent in ((True, None), (False, None), (True, 1)):
        text = json.dumps(body, ensure_ascii=ascii_only, indent=indent).encode()
        for record in decode_json(text, now_ns=NOW).records:
            counts = redactor.redact(record)[1]
            assert redactor.suspicious(text) or not counts, (counts, text)
    return found


RULES = [
    RuleSet(),
    RuleSet(own=OWN),
    RuleSet(frozenset(), OWN),
    RuleSet(frozenset({*DEFAULT_RULES, *OPTIONAL_RULES})),
    *(RuleSet(frozenset({rule})) for rule in DEFAULT_RULES),
]
REDACTORS = [Redactor(rules) for rules in RULES]


@settings(max_examples=200, deadline=None)
@given(secrets(), st.sampled_from(PLACES), TEXTS, st.sampled_from(REDACTORS))
@example("\u00e9" + OPENAI, "attribute", "", REDACTORS[0])
@example("\u2019" + CARD, "attribute", "", REDACTORS[0])
@example("\U0001f600" + CARD, "key", "", REDACTORS[0])
def test_never_no_in_vain(value: Any, place: str, padding: str, redactor: Redactor) -> None:
    agree(redactor, placed(value, place, padding))


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("look", LOOKS)
def test_every_look_at_every_place(look: str, place: str) -> None:
    for shift in range(4):  # the pass reads pairs of bytes
        assert agree(REDACTORS[0], placed(LOOKS[look][0], place, "x" * shift)) == (2 if place in SHARED else 1)


@pytest.mark.parametrize("key", KEYS)
def test_every_name(key: str) -> None:
    for shift in range(2):
        assert agree(REDACTORS[0], placed({"a" * shift + "." + key: "x"}, "attribute", "x")) == 1
        assert agree(REDACTORS[0], placed(json.dumps({"a" * shift + "." + key: 5}), "attribute", "x")) == 1


@pytest.mark.parametrize("text", OWN_TEXTS)
def test_own_patterns(text: str) -> None:
    assert agree(REDACTORS[2], placed(f"see {text}", "attribute", "")) == 1
    assert agree(REDACTORS[2], placed({"Badge Number": text}, "attribute", "")) == 1


@pytest.mark.parametrize("escaped", ["\\u0073k-", "sk\\u002d", "\\u0053\\u004b-".lower()])
def test_escapes_of_the_request_hide_nothing(escaped: str) -> None:
    text = json.dumps(placed(OPENAI, "attribute", "")).replace("sk-", escaped).encode()
    assert REDACTORS[0].suspicious(text)


def test_no_to_what_is_plain() -> None:
    body = placed("a plain text with input_tokens, a price of 9.99 and 1795240831000000000", "attribute", "y" * 200)
    assert not REDACTORS[0].suspicious(protobuf(body))
    assert not REDACTORS[0].suspicious(json.dumps(body).encode())
    assert not REDACTORS[0].suspicious(b"")
    assert REDACTORS[0].suspicious(memoryview(protobuf(placed(CARD, "attribute", ""))))
