"""A project's own rules, switching rules on and off, and a redactor that lets nothing through when it fails."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from samples import JWT, KEYS, LOOKS, OPENAI, everywhere, record

from tracestore.errors import InvalidInput
from tracestore.spans.model import Event, Link, Resource, Scope, SpanRecord
from tracestore.spans.redaction import apply, cards
from tracestore.spans.redaction.apply import FAILED, Redactor
from tracestore.spans.redaction.rules import (
    DEFAULT_RULES,
    MOST_CHARS,
    OPTIONAL_RULES,
    OwnRule,
    RuleSet,
    check,
    raw_literal,
)


def test_an_own_pattern() -> None:
    redactor = Redactor(RuleSet(own=(OwnRule("ticket", "pattern", r"(?i)ticket-(\d+)", "TICKET"),)))
    assert redactor.redact_text("see Ticket-12 and TICKET-34, ticket") == (
        "see TICKET and TICKET, ticket",
        {"ticket": 2},
    )
    found, counts = redactor.redact(record({"a": ["ticket-5"], "b": json.dumps({"c": "ticket-6", "password": "x"})}))
    assert found.attributes == {"a": ["TICKET"], "b": '{"c":"TICKET","password":"[redacted:secret_key]"}'}
    assert counts == {"ticket": 2, "secret_key": 1}


def test_groups_of_a_pattern_are_not_put_into_the_replacement() -> None:
    redactor = Redactor(RuleSet(own=(OwnRule("n", "pattern", r"no (\d+)", "no 1"),)))
    assert redactor.redact_text("no 42")[0] == "no 1"


@pytest.mark.parametrize(
    "written", ["badge number", "Badge_Number", "badge-number", "BADGE.NUMBER", "staff.badge_number"]
)
def test_an_own_key_however_its_words_are_joined(written: str) -> None:
    redactor = Redactor(RuleSet(own=(OwnRule("badge", "key", "badge_number"),)))
    for key in (written,):
        found, counts = redactor.redact(record({key: 7, "m": {key: ["x"]}, "j": json.dumps({key: "x"})}))
        assert found.attributes[key] == "[redacted:badge]"
        assert found.attributes["m"] == {key: ["[redacted:badge]"]}
        assert json.loads(str(found.attributes["j"])) == {key: "[redacted:badge]"}
        assert counts == {"badge": 3}
        assert redactor.redact_text(f"got {{'{key}': 'x'}}") == (f"got {{'{key}': '[redacted:badge]'}}", {"badge": 1})


def test_other_keys_stay() -> None:
    redactor = Redactor(RuleSet(own=(OwnRule("badge", "key", "badge"),)))
    span = record({"badges_seen": 5, "badgeless": "x", "abadge": "y"})
    assert redactor.redact(span) == (span, {})


@pytest.mark.parametrize("rule", DEFAULT_RULES)
def test_each_default_rule_can_be_switched_off_and_be_the_only_one(rule: str) -> None:
    without, alone = Redactor(RuleSet(frozenset(DEFAULT_RULES) - {rule})), Redactor(RuleSet(frozenset({rule})))
    for secret, left, of in [*LOOKS.values(), ('{"api_key":"x"}', '{"api_key":"[redacted:secret_key]"}', "secret_key")]:
        assert alone.redact_text(secret) == ((left, {rule: 1}) if of == rule else (secret, {}))
        assert rule not in without.redact_text(secret)[1]


@pytest.mark.parametrize(
    ("rule", "text", "left"),
    [
        ("email", "to jane.roe+x@mail.example.com.", "to [redacted:email]."),
        ("phone", "call +49 30 901820-55 now", "call [redacted:phone] now"),
        ("iban", "pay DE89 3704 0044 0532 0130 00 or GB82WEST12345698765432", "pay [redacted:iban] or [redacted:iban]"),
    ],
)
def test_optional_rules_are_off_until_switched_on(rule: str, text: str, left: str) -> None:
    assert Redactor().redact_text(text) == (text, {})
    redactor = Redactor(RuleSet(frozenset({rule})))
    assert redactor.redact_text(text) == (left, {rule: left.count("[")})
    assert redactor.suspicious(b"whatever")


def test_no_rules_take_nothing() -> None:
    redactor = Redactor(RuleSet(frozenset()))
    for secret, _, _ in LOOKS.values():
        for span in everywhere(json.dumps({"password": secret})).values():
            assert redactor.redact(span)[0] is span
    assert not redactor.suspicious(OPENAI.encode())


@pytest.mark.parametrize(
    ("rule", "field"),
    [
        (OwnRule("", "key", "badge"), "name"),
        (OwnRule("Bad Name", "key", "badge"), "name"),
        (OwnRule("x" * 41, "key", "badge"), "name"),
        (OwnRule("jwt", "key", "badge"), "name"),
        (OwnRule("email", "key", "badge"), "name"),
        (OwnRule("failed", "key", "badge"), "name"),
        (OwnRule("a", "regex", "badge"), "kind"),  # type: ignore[arg-type]
        (OwnRule("a", "key", ""), "pattern"),
        (OwnRule("a", "key", "b"), "pattern"),
        (OwnRule("a", "key", "ba*ge"), "pattern"),
        (OwnRule("a", "key", "b" * 101), "pattern"),
        (OwnRule("a", "pattern", ""), "pattern"),
        (OwnRule("a", "pattern", "("), "pattern"),
        (OwnRule("a", "pattern", "x*"), "pattern"),
        (OwnRule("a", "pattern", "(?<=a)b"), "pattern"),
        (OwnRule("a", "pattern", r"(a)\1"), "pattern"),
        (OwnRule("a", "pattern", "\ud800"), "pattern"),
        (OwnRule("a", "pattern", "a" * (MOST_CHARS + 1)), "pattern"),
        (OwnRule("a", "pattern", "((a{1,900}){1,900}){1,900}"), "pattern"),
        (OwnRule("a", "key", "badge", "x" * 101), "replacement"),
        (OwnRule("a", "key", "badge", 'say "x"'), "replacement"),
        (OwnRule("a", "key", "badge", "a\\1"), "replacement"),
        (OwnRule("a", "key", "badge", "a\nb"), "replacement"),
    ],
)
def test_what_cannot_be_a_rule_is_refused_by_name(rule: OwnRule, field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        check(rule)
    assert refused.value.field == field
    assert refused.value.message.startswith(f"{field}: ")


@pytest.mark.parametrize(
    "rule",
    [
        OwnRule("badge", "key", "staff badge.no-1"),
        OwnRule("a", "pattern", r"(?i)\bticket-\d{4,}\b", "T"),
        OwnRule("a-b_1", "pattern", r"\p{Greek}+"),
    ],
)
def test_what_can_be_a_rule(rule: OwnRule) -> None:
    check(rule)


@pytest.mark.parametrize(
    ("pattern", "literal"),
    [
        (r"TICKET-\d+", "TICKET"),
        (r"ab?cdef", "cdef"),
        (r"abcd*ef", "abc"),
        (r"abcd{0,2}", "abc"),
        (r"(abc)?def", "def"),
        (r"abc|def", ""),
        (r"(?i)order\d", "order"),
        (r"(?s)order", ""),
        (r"[abc]{3}\d\d", ""),
        (r"\x41BC", ""),
        (r"\pLabc", "abc"),
        (r"[]abc]", ""),
        (r"\Qabc\E", "abc"),
        (r"[[:alpha:]]+ref", "ref"),
        (r"[\]]abcd", "abcd"),
    ],
)
def test_what_all_matches_of_a_pattern_contain(pattern: str, literal: str) -> None:
    assert raw_literal(pattern) == literal


class Boom(Exception):
    pass


def boom(*_: object) -> Any:
    raise Boom


def test_a_failing_rule_takes_the_whole_text_and_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cards, "cards", boom)
    span = record({"a": "a text that is long enough", "n": 5, "j": '{"b": "another that is long"}'}, name="chat")
    found, counts = Redactor().redact(span)
    assert found.attributes == {"a": "[redacted:card_number]", "n": 5, "j": '{"b":"[redacted:card_number]"}'}
    assert (found.name, found.trace_id, found.start_ns) == (span.name, span.trace_id, span.start_ns)
    assert counts == {FAILED: 2, "card_number": 2}


def test_an_own_rule_that_cannot_run_takes_the_whole_text() -> None:
    redactor = Redactor(RuleSet(own=(OwnRule("broken", "pattern", "("),)))
    assert redactor.redact_text("some text") == ("[redacted:broken]", {FAILED: 1, "broken": 1})
    assert redactor.suspicious(b"some text")


def test_a_span_that_cannot_be_looked_through_is_emptied(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apply._Run, "attributes", boom)
    span = record({"a": OPENAI}, parent_span_id="b7ad6b7169203330", status="error", status_message=JWT)
    found, counts = Redactor().redact(span)
    assert counts == {FAILED: 1}
    assert found == SpanRecord(
        span.trace_id, span.span_id, span.parent_span_id, "[redacted:failed]", 1_000, 2_000, span.kind, "error"
    )


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64)
    | st.floats()
    | st.text(max_size=40)
    | st.binary(max_size=40)
    | st.text("{}[]\"'\\:,skpa-41 \n", max_size=60)
    | st.sampled_from([secret for secret, _, _ in LOOKS.values()]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=12,
)
REDACTORS = [
    Redactor(),
    Redactor(
        RuleSet(
            frozenset({*DEFAULT_RULES, *OPTIONAL_RULES}), (OwnRule("p", "pattern", "p.a"), OwnRule("k", "key", "kk"))
        )
    ),
]


@settings(max_examples=100, deadline=None)
@given(st.dictionaries(st.text(max_size=10) | st.sampled_from(KEYS), VALUES, max_size=4), st.sampled_from(REDACTORS))
def test_whatever_comes_nothing_raises_json_stays_json_and_twice_is_once(attributes: Any, redactor: Redactor) -> None:
    text = json.dumps(attributes, default=repr)
    span = record(
        attributes, name=text, events=[Event(1, "e", attributes)], links=[Link("", "", text, attributes)],
        resource=Resource(attributes), scope=Scope("s", text, attributes), status_message=repr(attributes),
    )  # fmt: skip
    once, counts = redactor.redact(span)
    assert FAILED not in counts
    assert all(counts.values())
    assert (once is span) == (not counts)
    json.loads(once.name)
    again, more = redactor.redact(once)
    assert (again, dict(more)) == (once, {}) or "nan" in repr(attributes)


@settings(max_examples=200, deadline=None)
@given(st.text("{}[]\"'\\:,=> \nu0", max_size=60), st.sampled_from(KEYS))
def test_broken_quoting_raises_nothing(text: str, key: str) -> None:
    for place in (0, len(text) // 2, len(text)):
        REDACTORS[0].redact_text(text[:place] + key + text[place:])


@pytest.mark.parametrize("depth", [10, 23, 24, 25, 26, 40, 400, 5_000])
def test_depth_hides_nothing(depth: int) -> None:
    deep = '{"a":' * depth + json.dumps({"password": "hunter2", "b": OPENAI}) + "}" * depth
    left, counts = Redactor().redact_text(deep)
    assert "hunter2" not in left
    assert OPENAI not in left
    assert counts == {"secret_key": 1, "api_key": 1}
    if depth < 400:
        json.loads(left)


def test_the_work_grows_with_the_text() -> None:
    """Texts made to make patterns go back and forth; the test suite would hang."""
    for text in ("sk-" * 20_000, "eyJa" * 20_000, "a" * 80_000 + "@", "4 " * 40_000, "://a:" * 20_000,
                 "-----BEGIN PRIVATE KEY-----" * 4_000, "'password': '" * 6_000, "\\" * 80_000 + '"',
                 "Bearer " * 12_000, "+1 " * 20_000, '{"password":' * 6_000, "password\\" * 10_000):  # fmt: skip
        for redactor in REDACTORS:
            redactor.redact_text(text)
            redactor.suspicious(text.encode())


def test_markers_look_as_the_docs_say() -> None:
    assert all(re.fullmatch(r"[a-z_]+", rule) for rule in {**DEFAULT_RULES, **OPTIONAL_RULES})
    assert Redactor().marker("jwt") == "[redacted:jwt]"
