"""Numbers of payment cards in text.

A number is taken for a card's only when everything fits: a layout that cards are written in, the
issuer's prefix with one of the issuer's lengths (ISO/IEC 7812-1, issuers' published ranges), the check
digit (Luhn), and nothing around it that makes it part of a longer number, an id or a fraction.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

#: Also looked for in raw bytes.
LAYOUTS: Final = (
    r"\d{4}(?P<a>[ -])\d{4}(?P=a)\d{4}(?P=a)\d{4}(?:(?P=a)\d{3})?|\d{4}(?P<b>[ -])\d{6}(?P=b)\d{4,5}|\d{13,19}"
)
_CARD: Final = re.compile(rf"(?<![\w.+-])(?:{LAYOUTS})(?!\w|[-.]\w)", re.ASCII)

#: First digits from, to (both of the same length), and the lengths of such numbers.
_ISSUERS: Final[tuple[tuple[int, int, tuple[int, ...]], ...]] = (
    (4, 4, (13, 16, 19)),  # Visa
    (51, 55, (16,)),  # Mastercard
    (2221, 2720, (16,)),
    (34, 34, (15,)),  # American Express
    (37, 37, (15,)),
    (300, 305, (14,)),  # Diners Club
    (36, 36, (14,)),
    (38, 39, (14, 16)),
    (3528, 3589, (16, 17, 18, 19)),  # JCB
    (6011, 6011, (16, 17, 18, 19)),  # Discover
    (644, 659, (16, 17, 18, 19)),
    (62, 62, (16, 17, 18, 19)),  # UnionPay
)
#: Of numbers that are not text, only those of today's common lengths: ids are numbers too.
_NUMBER_LENGTHS: Final = (15, 16)


def cards(text: str) -> Iterator[tuple[int, int]]:
    """Where card numbers stand in a text: (start, end)."""
    for found in _CARD.finditer(text):
        digits = re.sub("[ -]", "", found[0])
        if len(digits) in lengths(digits) and passes_luhn(digits):
            yield found.span()


def is_card(number: int) -> bool:
    """Whether a number that is not text is a card's."""
    digits = str(number)
    return len(digits) in _NUMBER_LENGTHS and len(digits) in lengths(digits) and passes_luhn(digits)


def lengths(digits: str) -> tuple[int, ...]:
    """How long a number with this beginning is, by its issuer; () when there is none."""
    for first, last, sizes in _ISSUERS:
        if first <= int(digits[: len(str(first))]) <= last:
            return sizes
    return ()


def passes_luhn(digits: str) -> bool:
    total = 0
    for place, digit in enumerate(map(int, reversed(digits))):
        doubled = digit * 2 if place % 2 else digit
        total += doubled - 9 if doubled > 9 else doubled
    return total % 10 == 0
