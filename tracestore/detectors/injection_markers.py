"""Where a text gives orders to the model that reads it, in plain sight or hidden.

Pure. Markers of several families (`injection_wording.py`) close together are a suspicion. A list of markers is a
tripwire, not protection.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

from tracestore.detectors.injection_wording import FAMILIES, PIECES, STRONG

#: Longest text that is read, in characters: the beginning and the end of longer ones.
READ: Final = 100_000
#: Markers further apart than this do not belong together.
NEAR: Final = 1_500

#: Characters that are not seen: zero width, direction marks, and Unicode's tags, which spell ASCII invisibly.
_UNSEEN: Final = re.compile("[\u200b\u200c\u200d\u2060\ufeff\u00ad\u180e\u202a-\u202e\u2066-\u2069]")
_TAGS: Final = re.compile("[\U000e0020-\U000e007e]+")
_INVISIBLE: Final = re.compile(
    r"<(\w{1,20})\b[^<>]{0,400}?(?:display\s?:\s?none|visibility\s?:\s?hidden|font-size\s?:\s?0"
    r"|opacity\s?:\s?0(?![.\d])"
    r"|color\s?:\s?(?:white|#fff(?:fff)?)\b|\shidden(?=[\s>]))[^<>]{0,400}>(.{1,2000}?)</\1>",
    re.IGNORECASE | re.DOTALL,
)
#: Fewer characters of base64 hold no order.
_SHORTEST: Final = 40
_ENCODED: Final = re.compile(r"(?<![\w+/=])[A-Za-z0-9+/]{40,20000}={0,2}(?![\w+/=])")
_SIGNED: Final = re.compile(r"\w[.\-_*]\w[.\-_*]\w[.\-_*]\w")
_SPACED: Final = re.compile(r"\b(?:\w[ .\-_*]){5,}\w\b")
#: Cyrillic and Greek letters that look like Latin ones.
_LOOKS_LIKE: Final = str.maketrans("аеорсухіјѕԁοαеνΑΒΕΙΚΜΝΟΡΤΧАВЕКМНОРСТХ", "aeopcyxijsdoaevABEIKMNOPTXABEKMHOPCTX")
_MIXED: Final = re.compile(r"[A-Za-z][\u0370-\u03ff\u0400-\u052f]|[\u0370-\u03ff\u0400-\u052f][A-Za-z]")

#: A text about such attacks quotes them.
_ABOUT: Final = re.compile(
    r"prompt[- ]injections?|jailbreak(?:s|ing)?|adversarial|red[- ]team|attack(?:s|ers?)?\b|OWASP|vulnerabilit|"
    r"mitigat|malicious|"
    r"guardrails?|phishing|such as|for example|e\.g\.|exploit",
    re.IGNORECASE,
)
_QUOTES: Final = "\"'“”„«»‘’`「」"


class Marker(NamedTuple):
    family: str
    text: str
    place: int
    #: Inside quotes, as a text about attacks would have it.
    quoted: bool = False


@dataclass(frozen=True, slots=True)
class Suspicion:
    """What was found close together: markers of different families, and the passage around them.

    `mentions` says that the text speaks about such attacks and quotes them.
    """

    markers: tuple[Marker, ...]
    passage: str
    mentions: bool

    @property
    def families(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(marker.family for marker in self.markers))

    @property
    def speaks_to_model(self) -> bool:
        return not STRONG.isdisjoint(self.families)


def suspicion(text: str) -> Suspicion | None:
    """The passage of a text with the most families, None when it has no marker.

    A run is read again whenever it grows, so what was found in a text is remembered for a while by its digest.
    """
    key = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()
    if key not in _FOUND:
        if len(_FOUND) >= _REMEMBERED:
            _FOUND.clear()
        _FOUND[key] = _suspicion(text)
    return _FOUND[key]


#: Digest of a text → what was found in it.
_FOUND: Final[dict[bytes, Suspicion | None]] = {}
_REMEMBERED: Final = 20_000


def _suspicion(text: str) -> Suspicion | None:
    text = text if len(text) <= READ else text[: READ // 2] + "\n" + text[-READ // 2 :]
    if not text:
        return None
    plain = _seen(text)
    found = sorted([*_markers(plain), *_hidden(text)], key=lambda marker: marker.place)
    if not found:
        return None
    best: list[Marker] = []
    for first, start in enumerate(found):
        group = [marker for marker in found[first:] if marker.place - start.place <= NEAR]
        if len({marker.family for marker in group}) > len({marker.family for marker in best}):
            best = group
    begin, end = max(best[0].place - 200, 0), best[-1].place + len(best[-1].text) + 300
    hidden = " ".join(marker.text for marker in best if marker.family == "hidden")
    about = len(set(map(str.lower, _ABOUT.findall(plain)))) >= 2 and not hidden
    quoted = sum(marker.quoted for marker in best)
    return Suspicion(tuple(best), f"{plain[begin:end]} {hidden}".strip(), about and 2 * quoted >= len(best))


def _seen(text: str) -> str:
    """The text as a model may read it: no characters of no width, one form for each letter, l i k e  t h i s joined."""
    if text.isascii():
        plain = text
    else:
        plain = unicodedata.normalize("NFKC", _UNSEEN.sub("", text))
        if _MIXED.search(plain):
            plain = plain.translate(_LOOKS_LIKE)
    if not _may_be_spaced(plain):
        return plain
    return _SPACED.sub(lambda found: re.sub(r"[ .\-_*]", "", found[0]), plain)


def _may_be_spaced(text: str) -> bool:
    """Whether letters may stand apart, by spaces or by signs: a look at the words, before the costly pattern."""
    alone = len([1 for word in text.split() if len(word) == 1])
    return alone >= 4 or (sum(map(text.count, ".-_*")) >= 5 and _SIGNED.search(text) is not None)


def _markers(text: str) -> Iterator[Marker]:
    lower = text.lower()
    if len(lower) != len(text):
        lower = text
    speaks = False
    beginnings = _beginnings(lower)
    for family, pattern in FAMILIES.items():
        # Without a family that speaks to models the others mean nothing; they come last.
        if not (speaks or family in STRONG):
            continue
        for begin, end in _places(lower, _SOUGHT[family], beginnings):
            for found in pattern.finditer(text, begin, end):
                speaks = True
                yield Marker(family, found[0][:300], found.start(), _quoted(text, found.start(), found.end()))


#: What a marker's piece has around it at most; no pattern reaches further.
_AROUND: Final = 320
#: Of a word so many letters are compared.
_BEGINNING: Final = 5
_LETTERS_ONLY: Final = {code: " " for code in range(128) if not chr(code).isalpha()}


def _needed(piece: str) -> str:
    """The beginning of a word that every ASCII text with this piece has, '' when there is none to be sure of.

    Patterns begin at a word's start, so a piece's first word is one; its last may go on, so it must be long enough.
    """
    words = [
        found[0] for found in re.finditer(r"[a-z]+", piece) if len(found[0]) >= _BEGINNING or found.end() < len(piece)
    ]
    return max(words, key=len)[:_BEGINNING] if words and piece.isascii() else ""


#: Families that are looked for first, by piece, with the beginning of a word that must be there.
_SOUGHT: Final = {
    family: tuple((piece, _needed(piece) if family in STRONG else "") for piece in pieces)
    for family, pieces in PIECES.items()
}


def _beginnings(lower: str) -> frozenset[str] | None:
    """How the words of an ASCII text begin; None of others, whose words are not so easily told apart.

    To ask a set for a word is a hundred times cheaper than to search a text for it.
    """
    if not lower.isascii():
        return None
    return frozenset({word[:_BEGINNING] for word in lower.translate(_LETTERS_ONLY).split()})


def _places(
    lower: str, sought: tuple[tuple[str, str], ...], beginnings: frozenset[str] | None
) -> list[tuple[int, int]]:
    """The stretches of a text that have a piece, in order and apart from each other."""
    starts: list[int] = []
    for piece, needed in sought:
        if beginnings is not None and (not piece.isascii() or (needed and needed not in beginnings)):
            continue
        place = lower.find(piece)
        while place >= 0:
            starts.append(place)
            place = lower.find(piece, place + _AROUND // 4)
    merged: list[tuple[int, int]] = []
    for start in sorted(starts):
        begin, end = max(start - _AROUND, 0), min(start + _AROUND, len(lower))
        if merged and begin <= merged[-1][1]:
            merged[-1] = merged[-1][0], max(end, merged[-1][1])
        else:
            merged.append((begin, end))
    return merged


def _quoted(text: str, begin: int, end: int) -> bool:
    if any(quote in text[max(begin - 3, 0) : begin] for quote in _QUOTES):
        return True
    return _open_quote(text[max(begin - 200, 0) : begin]) and any(quote in text[end : end + 120] for quote in _QUOTES)


def _open_quote(before: str) -> bool:
    """Whether a quotation that began before is still open on this line."""
    line = before.rpartition("\n")[2]
    return line.count('"') % 2 == 1 or line.count("“") > line.count("”") or line.count("`") % 2 == 1


def _hidden(text: str) -> Iterator[Marker]:
    """Orders where no reader sees them. Hidden text without orders is no marker: every page has some."""
    for place, comment in _comments(text):
        if next(_markers(_seen(comment)), None):
            yield Marker("hidden", comment.strip()[:300], place)
    for found in _INVISIBLE.finditer(text) if "</" in text else ():
        if next(_markers(_seen(found[2])), None):
            yield Marker("hidden", found[2].strip()[:300], found.start())
    for found in _TAGS.finditer(text) if not text.isascii() else ():
        spelled = "".join(chr(ord(letter) - 0xE0000) for letter in found[0])
        if len(spelled) >= 8:
            yield from (Marker("hidden", spelled[:300], found.start()), *_moved(spelled, found.start()))
    unseen = [found.start() for found in _UNSEEN.finditer(text)] if not text.isascii() else []
    if len(unseen) >= 3 and next(_markers(_seen(text)), None) and not next(_markers(text), None):
        yield Marker("hidden", "characters of no width inside words", unseen[0])
    for found in _ENCODED.finditer(text) if max(map(len, text.split()), default=0) >= _SHORTEST else ():
        decoded = _decoded(found[0])
        inner = list(_moved(_seen(decoded), found.start())) if decoded else []
        if inner:
            yield from (Marker("hidden", decoded[:300], found.start()), *inner)


def _comments(text: str) -> Iterator[tuple[int, str]]:
    begin = text.find("<!--")
    while begin >= 0:
        end = text.find("-->", begin)
        if end < 0:
            return
        yield begin, text[begin + 4 : end]
        begin = text.find("<!--", end)


def _moved(text: str, place: int) -> Iterator[Marker]:
    return (marker._replace(place=place) for marker in _markers(text))


def _decoded(encoded: str) -> str:
    """The text that base64 stands for, '' when it is none."""
    try:
        decoded = base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True).decode("utf-8")
    except (binascii.Error, ValueError):
        return ""
    printable = sum(letter.isprintable() or letter.isspace() for letter in decoded)
    return decoded if decoded and printable == len(decoded) else ""
