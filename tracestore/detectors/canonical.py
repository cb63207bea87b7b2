"""One form for what is the same: arguments that differ only in spelling, results that differ only in noise.

Pure. Two forms of arguments are kept. *Exact*: JSON with sorted keys, lower case, white space collapsed.
*Folded*: besides, punctuation, the order of words and light words (the, please, latest, info…) do not count.
Results lose times, UUIDs, hashes and durations before they are compared; plain numbers stay, since a number
that changes is often the very thing that was waited for.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, NamedTuple

#: Longest text that is looked at, in characters.
READ: Final = 20_000
#: At most so many words of one text count.
WORDS: Final = 400
#: Texts whose form is remembered: a run that goes on is read again with each step, most of it unchanged.
REMEMBERED: Final = 1024
#: A result with so many words of its own tells something; a bare "ok" does not.
INFORMATIVE: Final = 8

#: Words that change nothing in what a query asks for: function words, courtesy, and words for "tell me about it".
_LIGHT: Final = """
    a an the this that these those of for to in on at by with and or from about into as is are was were be do does
    i me my we us our you your it its please pls kindly thanks thank hi hello now today currently current asap
    again just really very also more most some any all new newest latest recent updated info information detail
    details data help overview summary show tell give get find search look lookup check see list need want would
    can could what which who how when where why regarding related concerning
"""
LIGHT: Final = frozenset(_LIGHT.split())

_WORD: Final = re.compile(r"[^\W_]+(?:['.][^\W_]+)*")
_DIGIT: Final = re.compile(r"\d")
_LETTER: Final = re.compile(r"[^\W\d_]")
_NOISE: Final = re.compile(
    r"\d{4}-\d\d-\d\d(?:[t ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:z|[+-]\d\d:?\d\d)?)?"  # dates and times
    r"|\b\d\d:\d\d:\d\d(?:\.\d+)?\b"
    r"|\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b"  # UUIDs
    r"|\b(?=[0-9a-f]*\d)(?=[0-9a-f]*[a-f])[0-9a-f]{12,}\b"  # hashes
    r"|\b0x[0-9a-f]+\b"  # addresses
    r"|\b1[5-9]\d{8}(?:\d{3}|\d{6}|\d{9})?(?:\.\d+)?\b"  # seconds, ms, µs, ns since 1970
    r"|\b\d+(?:\.\d+)?\s?(?:ms|µs|us|ns|msec|secs?|seconds?)\b",  # durations
)
_WAITING: Final = re.compile(
    r"""["']?(?:status|state|phase)["']?\s*[:=]\s*["']?"""
    r"""(?:pending|queued|running|in[ _-]?progress|processing|waiting|scheduled|starting|building)\b"""
    r"|still (?:running|processing|waiting|in progress)|not (?:yet )?(?:ready|finished|complete)",
    re.IGNORECASE,
)


class Field(NamedTuple):
    """One value of arguments: as compared, its words, those that are not light, and its folded form."""

    spelled: str
    words: frozenset[str]
    telling: frozenset[str]
    folded: str


@dataclass(frozen=True, slots=True)
class Arguments:
    """The forms of a call's arguments. `fields` are its values by path, `words` those of all of them."""

    exact: int
    folded: int
    fields: dict[str, Field]
    words: frozenset[str]


def digest(text: str) -> int:
    """64 bits of a text, equal in every process."""
    return int.from_bytes(hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big")


@lru_cache(maxsize=2048)
def arguments(text: str) -> Arguments:
    """The forms of arguments sent as `text`: JSON, JSON inside a JSON string, or anything else."""
    value = _parsed(text)
    spelled = (
        json.dumps(value, sort_keys=True, ensure_ascii=False, default=str) if not isinstance(value, str) else value
    )
    fields: dict[str, Field] = {}
    _flatten(value, "", fields)
    folded = "\x1e".join(f"{path}\x1f{fields[path].folded}" for path in sorted(fields))
    words = frozenset().union(*(field.words for field in fields.values()))
    return Arguments(digest(collapsed(spelled)), digest(folded), fields, words)


def collapsed(text: str) -> str:
    return " ".join(text.lower().split())


def _parsed(text: str) -> Any:
    for _ in range(2):
        try:
            value = json.loads(text)
        except (ValueError, RecursionError):
            return text
        if not isinstance(value, str):
            return value
        text = value
    return text


def _flatten(value: Any, path: str, into: dict[str, Field], depth: int = 0) -> None:
    if isinstance(value, dict) and depth < 8:
        for name, inner in value.items():
            _flatten(inner, f"{path}.{str(name).lower()}", into, depth + 1)
    elif isinstance(value, list) and depth < 8 and any(isinstance(inner, dict | list) for inner in value):
        for place, inner in enumerate(value[:50]):
            _flatten(inner, f"{path}.{place}", into, depth + 1)
    elif len(into) < 100:
        if isinstance(value, list):
            value = " ".join(sorted(map(str, value[:200])))
        spelled = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
        spelled = collapsed(spelled[:READ])
        into[path] = _field(spelled, frozenset(_WORD.findall(spelled)[:WORDS]))


def _field(spelled: str, words: frozenset[str]) -> Field:
    """Folded is what a value asks for. A value of one piece (an id, a path, a number) keeps all of it."""
    telling = words - LIGHT
    if " " not in spelled:
        return Field(spelled, words, telling, spelled.strip(".?!,;:"))
    return Field(spelled, words, telling, " ".join(sorted(telling)) or " ".join(sorted(words)) or spelled)


def near(one: Arguments, other: Arguments) -> bool:
    """Whether two calls of one tool ask nearly the same: only running text differs, by few words, none a number.

    One text must contain the other, light words aside: "weather in Oslo" and "weather in Rome" are two
    questions, "late delivery" and "late delivery rules" are one. At most two words and a third of all may differ.
    """
    if one.folded == other.folded:
        return True
    if one.fields.keys() != other.fields.keys():
        return False
    for path, (spelled, _, mine, folded) in one.fields.items():
        there, _, yours, theirs = other.fields[path]
        if spelled == there or folded == theirs:
            continue
        if " " not in spelled or " " not in there:
            return False
        differing = mine ^ yours
        if len(differing) > 2 or 3 * len(differing) > len(mine | yours) or any(map(_has_digit, differing)):
            return False
        if mine - yours and yours - mine:
            return False
    return True


def _has_digit(word: str) -> bool:
    return any(letter.isdigit() for letter in word)


@lru_cache(maxsize=REMEMBERED)
def unnoised(text: str) -> str:
    """A text in lower case without times, UUIDs, hashes, addresses and durations."""
    plain = collapsed(text[:READ])
    return _NOISE.sub("#", plain) if _DIGIT.search(plain) else plain


def masked(result: str) -> int | None:
    """A result without its noise, as 64 bits; None when there is none."""
    text = unnoised(result)
    return digest(text) if text else None


@lru_cache(maxsize=REMEMBERED)
def words(text: str) -> frozenset[str]:
    """What a text without noise tells: its words but for identifiers (letters and digits mixed)."""
    found = text.split(maxsplit=2 * WORDS)[: 2 * WORDS]
    told = {word for piece in found if piece.isalpha() or not _identifier(piece) for word in _WORD.findall(piece)}
    return frozenset(told) if len(told) <= WORDS else frozenset(sorted(told)[:WORDS])


def _identifier(piece: str) -> bool:
    inner = piece.strip("\"'`,.;:!?()[]{}<>*")
    if inner.isalpha():
        return False
    if _DIGIT.search(inner) is None or _LETTER.search(inner) is None:
        return False
    return ":" not in inner and "=" not in inner


def waiting(result: str) -> bool:
    """Whether a result says that something is not done yet, so that asking again is waiting, not looping."""
    return len(result) < 2_000 and _WAITING.search(result) is not None
