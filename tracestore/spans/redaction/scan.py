r"""One cheap pass over raw bytes: can there be a secret in them at all?

Almost every request holds none, so almost every request costs only this pass. It may say yes in vain
(the exact work on decoded values decides), never no in vain. That is why it knows little of what stands
around a secret: in raw bytes that may be a length, a tag or an escape, which look like letters and digits.

How: the body is read as pairs of bytes, and one table look-up a pair says which beginnings of secrets
("anchors") the pair can belong to, as first pair in the low byte, as second in the high byte. Where both
agree and the whole anchor stands there, the anchor's own expression looks closer. A pair begins at every
second byte only, so each anchor is entered twice, once for each way it can lie.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import product
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

from tracestore.spans.redaction.cards import LAYOUTS, lengths, passes_luhn
from tracestore.spans.redaction.names import PHRASE, TAIL

Words: TypeAlias = "tuple[bytes, ...]"

#: Pairs looked up at a time; small, so that what comes out stays in the processor's cache.
_CHUNK: Final = 1 << 16
#: Marks pairs of digits, or of a digit and what separates the digits of a card number.
_DIGITS: Final = 0x80
_DOUBLE: Final = np.uint32(_DIGITS << 16 | _DIGITS)
#: Places looked at closely before the answer is yes anyway: the exact work goes on span by span.
_MOST_LOOKS: Final = 5_000
#: A card number has six such pairs in a row at least.
_RUN: Final = 6


@dataclass(frozen=True, slots=True)
class Anchor:
    """`texts` are beginnings of what `closer` describes: three bytes at least, ASCII, in any case if `folded`.

    `rule` is whose secrets these are, '' for all rules. Anchors that share a `bit` cost each other some
    closer looks: their pairs can be mixed.
    """

    bit: int
    rule: str
    texts: Words
    closer: re.Pattern[bytes]
    folded: bool = False


def _closer(pattern: bytes) -> re.Pattern[bytes]:
    return re.compile(pattern, re.DOTALL)


def _joined(words: Words, last: bytes, separators: Words = (b"", b"_", b"-", b".")) -> Words:
    return tuple(word + separator + last for word, separator in product(words, separators))


#: A key and what follows it: the tag of its value in protobuf, or its closing quote, at whatever depth.
_KEY: Final = re.compile((PHRASE + TAIL).encode() + rb"(?:\x12|\\*[\"']|\\+u002[27])", re.IGNORECASE)
_BARE_KEY: Final = re.compile((PHRASE + TAIL).encode(), re.IGNORECASE)
#: An escaped character of JSON, which ends in what looks like letters and digits.
_ESCAPED: Final = rb"(?<=\\u[0-9A-Fa-f]{4})"
#: Before a token: no letter or digit, or one that is the length of the text which begins here.
_APART: Final = rb"(?:(?<![A-Za-z0-9])|(?<=[^A-Za-z0-9][A-Za-z0-9])|" + _ESCAPED + rb")"
_APART_TOKEN: Final = rb"(?:(?<![A-Za-z0-9_-])|(?<=[^A-Za-z0-9_-][A-Za-z0-9_-])|" + _ESCAPED + rb")"

#: Beginnings of the phrases of `names.py`, by bit.
_KEYS: Final[tuple[tuple[int, Words], ...]] = (
    (1, (b"password", b"passwd", b"passphrase", b"_pwd", b"-pwd", b".pwd", b"cookie")),
    (2, (b"secret", b"authorization", b"credential", *_joined((b"api",), b"key", (b"", b"_", b"-", b".", b" ")))),
    (2, _joined((b"session", b"security"), b"token")),
    (4, _joined((b"private", b"access", b"signing", b"encryption"), b"key")),
    (4, _joined((b"access", b"refresh", b"auth"), b"token")),
    (64, _joined((b"bearer",), b"token")),
)

ANCHORS: Final = (
    *(Anchor(bit, "secret_key", texts, _KEY, folded=True) for bit, texts in _KEYS),
    Anchor(32, "api_key", (b"sk-",), _closer(_APART + rb"sk-(?=[A-Za-z0-9_-]{0,200}[0-9])[A-Za-z0-9_-]{16}")),
    Anchor(8, "api_key", _joined((b"sk_", b"rk_"), b"_", (b"live", b"test", b"demo", b"prod")), _closer(rb"[sr]k_")),
    Anchor(
        8, "api_key", _joined((b"gh",), b"_", (b"p", b"o", b"u", b"s", b"r")), _closer(rb"gh[pousr]_[A-Za-z0-9]{20}")
    ),
    Anchor(8, "api_key", (b"github_pat_", b"glpat-", b"xapp-"), _closer(rb"github_pat_|glpat-|xapp-")),
    Anchor(
        8,
        "api_key",
        _joined((b"xox",), b"-", tuple(bytes([kind]) for kind in b"abceoprs")),
        _closer(rb"xox[abceoprs]-"),
    ),
    Anchor(1, "api_key", (b"hf_",), _closer(rb"hf_[A-Za-z0-9]{30}")),
    Anchor(16, "api_key", (b"AKIA", b"ASIA"), _closer(rb"[A-Z]{4}[A-Z0-9]{16}")),
    Anchor(16, "api_key", (b"AIza",), _closer(rb"AIza[A-Za-z0-9_-]{30}")),
    Anchor(16, "jwt", (b"eyJ",), _closer(_APART_TOKEN + rb"eyJ[A-Za-z0-9_-]{8,}\.eyJ")),
    Anchor(16, "private_key", (b"PRIVATE KEY",), _closer(rb"PRIVATE KEY(?: BLOCK)?-----")),
    Anchor(
        64,
        "bearer",
        (b"Bearer", b"bearer", b"BEARER", b"bEARER"),
        _closer(rb"[Bb](?:earer|EARER)(?:\s|\\+[rnt])+(?=[A-Za-z0-9._~+/\\-]{0,400}[0-9])[A-Za-z0-9._~+/\\-]{16}"),
    ),
    Anchor(
        32,
        "url_password",
        (b"://", b":\\/", b":\\\\"),
        _closer(rb":(?:\\*/){2}[^\s/?#@\"'<>\\:]*:[^\s/?#@\"'<>\\]+@"),
    ),
    # A letter or digit as \u00XX hides everything from this pass; binary values of JSON are base64.
    Anchor(
        64,
        "",
        (b"\\u00",),
        _closer(rb"\\u00(?:2[0bdefBDEF]|3[0-9aA]|4[0-9a-fA-F]|5[0-9aAfF]|6[0-9a-fA-F]|7[0-9aAeE])"),
    ),
    Anchor(64, "", (b"bytesValue",), _closer(rb"bytesValue")),
)

_ROW: Final = re.compile(rb"\d(?:[ -]?\d){12}")
#: A card number's digits in raw bytes, where a length or a tag may stand beside them.
_CARD: Final = re.compile(rb"(?:(?<!\d\d)(?<!\d\.)|" + _ESCAPED + rb")(?=(" + LAYOUTS.encode() + rb"))")


def _table() -> npt.NDArray[np.uint16]:
    """For each pair (its first byte is the low one): the anchors' bits, as first and as second pair."""
    table = np.zeros((256, 256), np.uint16)  # [second byte, first byte]
    anything = list(range(256))
    for anchor in ANCHORS:
        for text in anchor.texts:
            sets = [sorted({*c.lower(), *c.upper()}) if anchor.folded else list(c) for c in _bytes(text)]
            even = [*sets, anything][:4]
            odd = [anything, *sets[:3]] if len(sets) < 5 else sets[1:5]
            for a, b, c, d in (even, odd):
                table[np.ix_(b, a)] |= anchor.bit
                table[np.ix_(d, c)] |= anchor.bit << 8
    digits, separators = list(b"0123456789"), list(b" -")
    for first, second in ((digits, digits), (digits, separators), (separators, digits)):
        table[np.ix_(second, first)] |= _DIGITS
    return table.reshape(-1)


def _bytes(text: bytes) -> list[bytes]:
    return [text[index : index + 1] for index in range(len(text))]


def _code(text: bytes) -> int:
    """Three bytes as an index; letters of either case are the same."""
    return (text[0] & 0x7F | 0x20) << 14 | (text[1] & 0x7F | 0x20) << 7 | text[2] & 0x7F | 0x20


_TABLE: Final = _table()
#: The first three bytes of anchors, by their code and as they are in lower case.
_BEGINS: Final = np.zeros(1 << 21, np.bool_)
_BY_HEAD: Final[dict[bytes, list[Anchor]]] = {}
for _anchor in ANCHORS:
    for _head in sorted({text[:3].lower() for text in _anchor.texts}):
        _BEGINS[_code(_head)] = True
        _BY_HEAD.setdefault(_head, []).append(_anchor)

#: Where an anchor begins, from the pair that the table shows: there, or a byte on, or (a longer one,
#: seen by its second byte) a byte before.
_OFFSETS: Final = (0, 1, -1)


def may_hold_secret(body: bytes | memoryview, rules: frozenset[str]) -> bool:
    """Whether one of these default rules could find something in the body. Raises nothing."""
    raw = body if isinstance(body, bytes) else bytes(body)
    pairs = np.frombuffer(raw, "<u2", count=len(raw) // 2)
    anchors: list[npt.NDArray[np.intp]] = []
    digits: list[npt.NDArray[np.intp]] = []
    for start in range(0, len(pairs), _CHUNK):
        # The overlap is what an anchor or a run of digits needs to be seen whole.
        found = _TABLE.take(pairs[start : start + _CHUNK + _RUN], mode="clip")
        both = found[1:] >> 8
        both &= found[:-1]
        at = (both != 0).nonzero()[0]
        if len(at):
            anchors.append(at + start)
        # Two pairs at a time: of six pairs of digits in a row, two such doubles are always whole.
        full = (found[: len(found) & ~1].view(np.uint32) & _DOUBLE) == _DOUBLE
        at = (full[1:] & full[:-1]).nonzero()[0]
        if len(at):
            digits.append(at * 2 + start)
    if digits and "card_number" in rules and _holds_card(raw, np.concatenate(digits) * 2):
        return True
    return bool(anchors) and _holds_anchor(raw, np.concatenate(anchors) * 2, rules)


def _holds_anchor(raw: bytes, places: npt.NDArray[np.intp], rules: frozenset[str]) -> bool:
    """Whether one of the places, which the table has shown, begins a secret."""
    whole = np.frombuffer(raw, np.uint8)
    begins = np.concatenate([places + offset for offset in _OFFSETS])
    begins = begins[(begins >= 0) & (begins + 3 <= len(raw))]
    # As `_code` does, for all of them at once.
    codes = (whole[begins] & 0x7F | 0x20).astype(np.int32)
    for further in (1, 2):
        codes <<= 7
        codes |= whole[begins + further] & 0x7F | 0x20
    begins = begins[_BEGINS[codes]]
    return any(_is_secret(raw, begin, rules) for begin in begins[:_MOST_LOOKS].tolist()) or len(begins) > _MOST_LOOKS


def _is_secret(raw: bytes, begin: int, rules: frozenset[str]) -> bool:
    for anchor in _BY_HEAD.get(raw[begin : begin + 3].lower(), ()):
        if (not anchor.rule or anchor.rule in rules) and (
            anchor.closer.match(raw, begin) or (anchor.closer is _KEY and _is_key_after_value(raw, begin))
        ):
            return True
    return False


def _is_key_after_value(raw: bytes, begin: int) -> bool:
    """Whether a key that ends with what begins here is a field of its own (the value may be sent first)."""
    found = _BARE_KEY.match(raw, begin)
    if found is None:
        return False
    end = found.end()
    return any(raw[end - size - 1] == size and raw[end - size - 2] == 0x0A for size in range(3, min(128, end - 1)))


def _holds_card(raw: bytes, places: npt.NDArray[np.intp]) -> bool:
    """Whether a card number may be where digits stand in a row."""
    # Rows are told apart by a gap; a number begins and ends some bytes beside what the pairs have shown.
    gaps = (np.diff(places) > 16).nonzero()[0]
    firsts, lasts = places[np.concatenate(([0], gaps + 1))], places[np.concatenate((gaps, [len(places) - 1]))]
    looks = 0
    for first, last in zip(firsts.tolist(), lasts.tolist(), strict=True):
        if not _ROW.search(raw, max(0, first - 4), last + 32):
            continue
        for found in _CARD.finditer(raw, max(0, first - 24), last + 64):
            looks += 1
            if looks > _MOST_LOOKS:
                return True
            digits = re.sub(rb"[ -]", b"", found[1]).decode()
            for rest in (digits, digits[1:]):
                if any(len(rest) >= size and passes_luhn(rest[:size]) for size in lengths(rest)):
                    return True
    return False
