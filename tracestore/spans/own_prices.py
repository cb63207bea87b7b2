"""A project's own prices, which go before the built-in table.

Of several that fit a call the most exact one counts: an exact name before a pattern, a pattern with
more letters before one with fewer, one that names the provider before one that does not, then the
one that became valid last, then the one that was made last.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, TypeAlias

from tracestore.spans.pricing import Price

#: Looked-up (provider, model) pairs remembered per project.
_REMEMBERED: Final = 4096


@dataclass(frozen=True, slots=True)
class OwnPrice:
    """One of a project's own prices.

    `model` is a name, or a pattern in which `*` stands for any text and `?` for one character; case
    does not matter. `provider` '' is any. Valid for calls that began at or after `from_ns` and before
    `until_ns` (ns since the epoch; 0 as `until_ns` is "for ever").
    """

    id: int
    model: str
    price: Price
    provider: str = ""
    from_ns: int = 0
    until_ns: int = 0

    def fits(self, provider: str, model: str) -> bool:
        """Whether it is about this model, whenever it was called."""
        if self.provider and self.provider.lower() != provider.lower():
            return False
        return pattern(self.model).match(model.lower()) is not None

    def holds(self, at_ns: int) -> bool:
        return self.from_ns <= at_ns and (self.until_ns == 0 or at_ns < self.until_ns)

    @property
    def rank(self) -> tuple[bool, int, bool, int, int]:
        letters = len(re.sub(r"[*?]", "", self.model))
        return is_glob(self.model), -letters, not self.provider, -self.from_ns, -self.id


def is_glob(model: str) -> bool:
    return "*" in model or "?" in model


def glob_as_regex(model: str) -> str:
    """The pattern as a regular expression that Python and the store (RE2) read alike; match in lower case."""
    parts = {"*": ".*", "?": "."}
    return "(?s)^" + "".join(parts.get(c, re.escape(c)) for c in re.sub(r"\*+", "*", model.lower())) + "$"


@lru_cache(maxsize=4096)
def pattern(model: str) -> re.Pattern[str]:
    """For `match` against a model's name in lower case."""
    return re.compile(glob_as_regex(model))


class Overrides:
    """The own prices of one project; immutable, safe to share among threads."""

    __slots__ = ("_known", "prices")

    def __init__(self, prices: Iterable[OwnPrice] = ()) -> None:
        self.prices: tuple[OwnPrice, ...] = tuple(sorted(prices, key=lambda own: own.rank))
        self._known: dict[tuple[str, str], tuple[OwnPrice, ...]] = {}

    def __bool__(self) -> bool:
        return bool(self.prices)

    def find(self, provider: str, model: str, at_ns: int) -> Price | None:
        """The price of a call, None when no own price is about it."""
        found = self._known.get((provider, model))
        if found is None:
            found = tuple(own for own in self.prices if own.fits(provider, model))
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            self._known[provider, model] = found
        for own in found:
            if own.holds(at_ns):
                return own.price
        return None


#: The own prices of a project by its slug; None where it has none.
OverridesOf: TypeAlias = Callable[[str], Overrides | None]
