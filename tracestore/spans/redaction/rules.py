"""What is a secret in one project: the default rules it keeps, and rules of its own.

A rule of one's own names a key or gives a pattern. Patterns are run by RE2, through Arrow, which is a
dependency anyway: its time grows with the text and never explodes, so that a careless pattern cannot
stop ingest. Syntax: https://github.com/google/re2/wiki/Syntax
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

import pyarrow as pa
import pyarrow.compute as pc

from tracestore.errors import InvalidInput
from tracestore.spans.redaction.patterns import DEFAULT, OPTIONAL

Kind: TypeAlias = Literal["key", "pattern"]

#: Default rules → what they find. On unless a project switches them off.
DEFAULT_RULES: Final = {
    "secret_key": "values under names such as password, client_secret, api_key, authorization, cookie",
    "api_key": "keys of OpenAI, Anthropic, GitHub, GitLab, Slack, AWS, Google, Stripe, Hugging Face",
    "jwt": "JSON web tokens",
    "bearer": "tokens behind the word Bearer",
    "private_key": "private keys in PEM",
    "url_password": "passwords in URLs (scheme://user:password@host)",
    "card_number": "numbers of payment cards",
}
#: Off unless a project switches them on.
OPTIONAL_RULES: Final = {
    "email": "e-mail addresses",
    "phone": "telephone numbers in international notation",
    "iban": "bank account numbers (IBAN)",
}
assert {pattern.rule for pattern in DEFAULT} <= DEFAULT_RULES.keys()  # noqa: S101
assert {pattern.rule for pattern in OPTIONAL} == OPTIONAL_RULES.keys()  # noqa: S101

#: Counted, beside the rule's own name, for each value that was replaced because a rule failed on it.
FAILED: Final = "failed"

#: Rules of its own that a project may have, and characters of a pattern.
MOST_RULES: Final = 100
MOST_CHARS: Final = 500

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
_KEY: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.\- ]{1,99}")


@dataclass(frozen=True, slots=True)
class OwnRule:
    """A project's own rule. `pattern` is a key's name or a regular expression, by `kind`."""

    name: str
    kind: Kind
    pattern: str
    replacement: str = ""

    @property
    def marker(self) -> str:
        return self.replacement or f"[redacted:{self.name}]"


@dataclass(frozen=True, slots=True)
class RuleSet:
    """The rules of one project. `enabled` are names of default and optional rules."""

    enabled: frozenset[str] = frozenset(DEFAULT_RULES)
    own: tuple[OwnRule, ...] = ()


def check(rule: OwnRule) -> None:
    """Refuses a rule that could not be run, or that would do what nobody means.

    Raises:
        InvalidInput: with the field, and what is expected of it.
    """
    if not _NAME.fullmatch(rule.name):
        raise InvalidInput("name: expected up to 40 of a-z, 0-9, _ and -, a letter or digit first.", field="name")
    if rule.name in DEFAULT_RULES or rule.name in OPTIONAL_RULES or rule.name == FAILED:
        raise InvalidInput(f"name: {rule.name!r} is the name of a built-in rule; choose another.", field="name")
    if rule.kind not in ("key", "pattern"):
        raise InvalidInput("kind: expected key or pattern.", field="kind")
    if len(rule.pattern) > MOST_CHARS:
        raise InvalidInput(f"pattern: expected at most {MOST_CHARS} characters.", field="pattern")
    if len(rule.replacement) > 100 or not rule.replacement.isprintable() or set(rule.replacement) & {'"', "\\"}:
        raise InvalidInput(
            "replacement: expected up to 100 printable characters without quotes and backslashes.", field="replacement"
        )
    if rule.kind == "key":
        if not _KEY.fullmatch(rule.pattern):
            raise InvalidInput(
                "pattern: expected the name of a key, 2 to 100 letters, digits, _ - . and spaces.", field="pattern"
            )
        return
    try:
        matches_nothing = pc.match_substring_regex(pa.array([""]), rule.pattern)[0].as_py()
    except (pa.ArrowInvalid, UnicodeEncodeError):
        raise InvalidInput(
            "pattern: expected a regular expression in RE2's syntax (no look-around, no back-references).",
            field="pattern",
        ) from None
    if matches_nothing or not rule.pattern:
        raise InvalidInput(
            "pattern: it matches the empty text, and so everything; make it ask for more.", field="pattern"
        )


def raw_literal(pattern: str) -> str:
    """A plain text that everything a pattern matches must contain, or '' when none can be told.

    Looks at the simple parts of a pattern only: letters and digits outside groups and classes, without
    a quantifier that lets them be absent. Such text stands in raw bytes as it does in decoded values.
    """
    if "|" in pattern or "(?" in pattern.removeprefix("(?i)"):
        return ""
    rest = re.sub(r"\\[pPx]\{[^}]*\}|\\x..|\\[pP].|\\[0-7]{1,3}|\\.", "\0", pattern.removeprefix("(?i)"))
    rest = re.sub(r"\[\]?[^\]]*\]", "\0", rest)
    depth, outside = 0, ""
    for char in rest:
        depth += (char == "(") - (char == ")")
        outside += char if depth == 0 and char != ")" else "\0"
    # What a quantifier stands behind may be absent, or be repeated.
    outside = re.sub(r".(?:\{[^}]*\}|[*+?])[?]?", "\0", outside, flags=re.DOTALL)
    runs: list[str] = re.findall(r"[A-Za-z0-9_]{3,}", outside)
    return max(runs, key=len, default="")


def raw_key(name: str) -> str:
    """A pattern for a key's name in raw bytes, whatever separates its words."""
    return "[_.\\- ]".join(re.split(r"[_.\- ]", name))


def raw_pattern(own: tuple[OwnRule, ...]) -> str | None:
    """One expression that the raw bytes of every secret of these rules match; '' for no rules.

    None when there is no such expression: then every span must be looked at closely.
    """
    parts = []
    for rule in own:
        if rule.kind == "key":
            parts.append(raw_key(rule.pattern))
            continue
        literal = raw_literal(rule.pattern)
        if not literal:
            return None
        parts.append(literal)
    if not parts:
        return ""
    # Without regard to case, two letters have a third form: the Kelvin sign and the long s.
    folded = "|".join(parts).translate({ord("k"): K, ord("K"): K, ord("s"): S, ord("S"): S})
    return f"(?i){folded}"


#: Spelt in bytes, raw or as JSON escapes them: raw bytes are matched a byte at a time.
K: Final = r"(?:k|\xe2\x84\xaa|\\u212a)"
S: Final = r"(?:s|\xc5\xbf|\\u017f)"
