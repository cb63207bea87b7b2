"""The values of fields: texts with `*`, counts, times, money. Each is checked where it stands."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Final

from tracestore.search.fields import BY_NAME, SPACES, Known, nearest
from tracestore.search.lexer import Token, unescaped, wrong
from tracestore.search.tree import Comparison, Field, Match, Pattern

#: Nanoseconds of each unit of time.
TIMES: Final = {
    "ns": 1,
    "us": 10**3,
    "µs": 10**3,
    "ms": 10**6,
    "s": 10**9,
    "m": 60 * 10**9,
    "h": 3600 * 10**9,
    "d": 86_400 * 10**9,
}
MULTIPLES: Final = {"": 1, "k": 10**3, "m": 10**6}
#: What the store's whole numbers hold, with room.
MOST: Final = 10**18

_NUMBER = re.compile(r"(\d{1,19}(?:\.\d{1,12})?|\.\d{1,12})([a-zµ]*)", re.IGNORECASE)
_MONEY = re.compile(r"\$?(\d{1,15}(?:\.\d{1,12})?|\.\d{1,12})")
_SIGNED = re.compile(r"-?\d{1,18}(?:\.\d{1,12})?")


def compared(token: Token, *, in_span: bool) -> tuple[Match, bool]:
    """The comparison that a field's token stands for, and whether it is negated (`!=`).

    Raises:
        InvalidInput: the value is not of the field's kind, or the field cannot be compared so.
    """
    sign = token.comparison.removeprefix(":") or "="
    negative, sign = sign == "!=", "=" if sign == "!=" else sign
    comparison: Comparison = sign  # type: ignore[assignment]  # the lexer knows no others
    if token.field.space:
        return Match(token.field, comparison, _attribute(token, comparison)), negative
    known = BY_NAME[token.field.name]
    if known.holds in ("text", "texts"):
        if comparison != "=":
            raise wrong(f"{known.name} is a text: expected : or != instead of {sign}.", token.value_start - len(sign))
        return Match(token.field, "=", _text(token, known, in_span)), negative
    read = {"count": _count, "time": _time, "money": _money}[known.holds]
    return Match(token.field, comparison, read(token, known.name)), negative


def named(token: Token, *, in_span: bool) -> Field:
    """The field after `has:`.

    Raises:
        InvalidInput: there is no such field, or not here.
    """
    name = unescaped(token.value)
    for space in SPACES:
        if name.startswith(f"{space}.") and len(name) > len(space) + 1:
            return Field(name[len(space) + 1 :], space)
    known = BY_NAME.get(name)
    if known is None:
        like = nearest(name, BY_NAME)
        hint = f" Did you mean {like}?" if like else ""
        raise wrong(f"There is no field {name[:100]}: expected the name of one after has:.{hint}", token.value_start)
    if in_span and not known.span:
        raise wrong(f"{known.name} is of a whole trace: expected it outside of span(…).", token.value_start)
    return Field(known.name)


def pattern(text: str) -> Pattern:
    r"""A value with `*` as a pattern; `\*` is a star itself."""
    parts, part = [], ""
    for piece in re.findall(r'\\[\\"*]|\*|.', text, re.DOTALL):
        if piece == "*":
            parts.append(part)
            part = ""
        else:
            part += piece[1] if len(piece) == 2 else piece
    return Pattern((*parts, part))


def _text(token: Token, known: Known, in_span: bool) -> Pattern:
    made = pattern(token.value)
    allowed = known.span_values if in_span and known.span_values else known.values
    if allowed and made.exact and made.parts[0] not in allowed:
        like = nearest(made.parts[0], allowed)
        hint = f" Did you mean {like}?" if like else ""
        listed = f"{', '.join(allowed[:-1])} or {allowed[-1]}"
        raise wrong(f"{known.name} is {listed}, not {made.parts[0][:60]}.{hint}", token.value_start)
    return made


def _attribute(token: Token, comparison: Comparison) -> Pattern | Decimal:
    """Attributes are kept as texts; one that is compared by size is read as a number."""
    if comparison == "=":
        return pattern(token.value)
    if not _SIGNED.fullmatch(token.value):
        raise wrong(f"Expected a number after {comparison}, such as 500.", token.value_start)
    return Decimal(token.value)


def _count(token: Token, name: str) -> Decimal:
    found = _NUMBER.fullmatch(token.value)
    scale = MULTIPLES.get(found[2].lower()) if found else None
    if found is None or scale is None:
        raise wrong(f"{name} is a count: expected a whole number such as 12 or 4k.", token.value_start)
    return _whole(Decimal(found[1]) * scale, f"{name} is a count: expected a whole number.", token)


def _time(token: Token, name: str) -> Decimal:
    found = _NUMBER.fullmatch(token.value)
    unit = TIMES.get(found[2].lower()) if found else None
    if found is None or unit is None:
        raise wrong(f"{name} is a time: expected it with its unit, such as 500ms, 2s, 5m or 1h.", token.value_start)
    return _whole(Decimal(found[1]) * unit, f"{name} is a time: expected whole nanoseconds.", token)


def _money(token: Token, name: str) -> Decimal:
    found = _MONEY.fullmatch(token.value)
    if found is None:
        raise wrong(f"{name} is in US dollars: expected a number such as 0.5.", token.value_start)
    return Decimal(found[1])


def _whole(value: Decimal, complaint: str, token: Token) -> Decimal:
    if value != value.to_integral_value() or value > MOST:
        raise wrong(f"{complaint} At most {MOST}.", token.value_start)
    return value.to_integral_value()
