"""What of a budget is spent, how fast, where that ends, and what should happen now. Pure; policy, not an anomaly.

Burn rate = spending per time over the budget's own rate. A single fast hour should not stop an agent, so each
verdict needs a long and a short window (Google, Site Reliability Workbook, chapter 5, for 30 days).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

from tracestore.detectors.histories import DAY_NS, HOUR_NS
from tracestore.errors import InvalidInput

Measure = Literal["tokens", "usd", "steps", "minutes"]
Scope = Literal["run", "session", "user", "agent", "day"]
Action = Literal["continue", "warn", "halt"]

MINUTE_NS: Final = HOUR_NS // 60


class Burn(NamedTuple):
    """Faster than `rate` over both windows means `action`."""

    long_ns: int
    short_ns: int
    rate: float
    action: Action


#: For a budget of a month: 2 % of it in an hour, 5 % in six hours, 10 % in three days.
MONTH: Final = (
    Burn(HOUR_NS, 5 * MINUTE_NS, 14.4, "halt"),
    Burn(6 * HOUR_NS, 30 * MINUTE_NS, 6.0, "warn"),
    Burn(3 * DAY_NS, 6 * HOUR_NS, 1.0, "warn"),
)
#: For a budget of a day: a quarter of it in an hour, or in three. Slower than that, the forecast speaks.
DAY: Final = (
    Burn(HOUR_NS, 5 * MINUTE_NS, 6.0, "halt"),
    Burn(3 * HOUR_NS, 15 * MINUTE_NS, 2.0, "warn"),
)


@dataclass(frozen=True, slots=True)
class Budget:
    """`limit` of `measure` for each `scope`. `period_ns` is 0 for a run or session, which end by themselves.

    Burning fast halts only when `halt_on_burn`: without it a verdict of `halt` comes from the limit alone.
    """

    measure: Measure
    scope: Scope
    limit: float
    period_ns: int = 0
    warn_share: float = 0.8
    halt_on_burn: bool = False

    def __post_init__(self) -> None:
        if not self.limit > 0:
            raise InvalidInput(f"limit: expected a number above 0, got {self.limit}", field="limit")
        if not 0 < self.warn_share <= 1:
            raise InvalidInput(
                f"warn_share: expected more than 0 and at most 1, got {self.warn_share}", field="warn_share"
            )
        if self.period_ns < 0:
            raise InvalidInput(f"period_ns: expected 0 or more, got {self.period_ns}", field="period_ns")


class Spent(NamedTuple):
    """An amount spent at a time (ns)."""

    at_ns: int
    amount: float


@dataclass(frozen=True, slots=True)
class BudgetState:
    """`spent_share` of the limit; `burn` by window in hours; `forecast` at the period's end (the limit's unit).

    `exhausted_ns` is when the limit is reached at the present rate, 0 when that is not within the period.
    `reason` is a sentence.
    """

    action: Action
    spent: float
    spent_share: float
    remaining: float
    burn: dict[float, float]
    forecast: float
    exhausted_ns: int
    reason: str


def judge(budget: Budget, spending: Sequence[Spent], start_ns: int, now_ns: int) -> BudgetState:
    """The state at `now_ns` of a budget whose period, run or session began at `start_ns`.

    `spending` may reach back before `start_ns`, so that windows at the beginning of a period are full.
    """
    spent = sum(entry.amount for entry in spending if start_ns <= entry.at_ns <= now_ns)
    share = spent / budget.limit
    if share >= 1:
        reason = f"{_amount(budget, spent)} of {_amount(budget, budget.limit)} are spent."
        return BudgetState("halt", spent, share, 0.0, {}, spent, now_ns, reason)
    action: Action = "continue"
    reason = f"{share:.0%} of {_amount(budget, budget.limit)} is spent."
    burn: dict[float, float] = {}
    forecast, exhausted = spent, 0
    if budget.period_ns:
        end_ns = start_ns + budget.period_ns
        rules = MONTH if budget.period_ns > 7 * DAY_NS else DAY
        forecast, exhausted = _forecast(budget, spending, spent, start_ns, now_ns, end_ns)
        for rule in rules:
            long = _rate(budget, spending, now_ns, rule.long_ns)
            short = _rate(budget, spending, now_ns, rule.short_ns)
            burn[rule.long_ns / HOUR_NS] = round(long, 3)
            if long > rule.rate and short > rule.rate:
                wanted: Action = rule.action if budget.halt_on_burn or rule.action != "halt" else "warn"
                if _RANK[wanted] > _RANK[action]:
                    action = wanted
                    reason = (
                        f"Over the last {rule.long_ns / HOUR_NS:g} h it is spent {long:.1f} times as fast as the "
                        f"budget lasts ({share:.0%} is spent)."
                    )
    if share >= budget.warn_share and action == "continue":
        action = "warn"
    if exhausted and action == "continue" and forecast >= budget.limit and share >= 0.5:
        action = "warn"
        limit = _amount(budget, budget.limit)
        reason = f"At this rate {_amount(budget, forecast)} are spent by the end; the limit is {limit}."
    return BudgetState(action, spent, share, budget.limit - spent, burn, forecast, exhausted, reason)


_RANK: Final[dict[Action, int]] = {"continue": 0, "warn": 1, "halt": 2}


def _rate(budget: Budget, spending: Sequence[Spent], now_ns: int, window_ns: int) -> float:
    """Burn rate over the window that ends now."""
    amount = sum(entry.amount for entry in spending if now_ns - window_ns < entry.at_ns <= now_ns)
    return (amount / budget.limit) / (window_ns / budget.period_ns)


def _forecast(
    budget: Budget, spending: Sequence[Spent], spent: float, start_ns: int, now_ns: int, end_ns: int
) -> tuple[float, int]:
    """Spent by the period's end, and when the limit is reached (0 = not before the end).

    What was spent on the same stretch of earlier periods counts, when there is one in `spending`; else the period's
    rate so far goes on. A day that is busy in the morning is so every day.
    """
    left = max(end_ns - now_ns, 0)
    earlier: list[float] = []
    oldest = min((entry.at_ns for entry in spending), default=now_ns)
    for back in range(1, 8):
        shift = back * budget.period_ns
        if start_ns - shift < oldest - HOUR_NS:
            break
        until_now = _between(spending, start_ns - shift, now_ns - shift)
        rest = _between(spending, now_ns - shift, end_ns - shift)
        if until_now > 0:
            earlier.append(rest / until_now)
    elapsed = max(now_ns - start_ns, 1)
    growth = sorted(earlier)[len(earlier) // 2] if earlier else left / elapsed
    forecast = spent * (1 + growth)
    if forecast < budget.limit or forecast <= spent:
        return forecast, 0
    return forecast, now_ns + round(left * (budget.limit - spent) / (forecast - spent))


def _between(spending: Sequence[Spent], start_ns: int, end_ns: int) -> float:
    return sum(entry.amount for entry in spending if start_ns < entry.at_ns <= end_ns)


def _amount(budget: Budget, amount: float) -> str:
    unit = {"usd": "USD"}.get(budget.measure, budget.measure)
    return f"{amount:,.2f} {unit}" if budget.measure == "usd" else f"{amount:,.0f} {unit}"
