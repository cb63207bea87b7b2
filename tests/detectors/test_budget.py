"""Budgets: shares, burn rates, forecasts and verdicts, by hand."""

from __future__ import annotations

import pytest

from tracestore.detectors.budget import Budget, Spent, judge
from tracestore.detectors.histories import DAY_NS, HOUR_NS
from tracestore.errors import InvalidInput

DAY_BUDGET = Budget("usd", "agent", 24.0, DAY_NS)
MINUTE = HOUR_NS // 60


def every_minute(per_hour, start_ns, end_ns):
    return [Spent(at, per_hour / 60) for at in range(start_ns + MINUTE, end_ns + 1, MINUTE)]


def test_half_a_day_at_the_budgets_own_rate_continues():
    state = judge(DAY_BUDGET, every_minute(0.96, 0, 12 * HOUR_NS), 0, 12 * HOUR_NS)
    assert state.action == "continue"
    assert state.spent_share == pytest.approx(0.48)
    assert state.remaining == pytest.approx(24 - 11.52)
    assert state.burn[1.0] == pytest.approx(0.96)
    assert state.forecast == pytest.approx(23.04)


def test_all_spent_halts_and_most_spent_warns():
    assert judge(DAY_BUDGET, [Spent(1, 24.0)], 0, 20 * HOUR_NS).action == "halt"
    state = judge(DAY_BUDGET, [Spent(1, 20.0)], 0, 23 * HOUR_NS)
    assert state.action == "warn"
    assert "83%" in state.reason


def test_burning_needs_both_windows():
    fast = every_minute(8.0, 0, HOUR_NS)
    state = judge(DAY_BUDGET, fast, 0, HOUR_NS)
    assert state.burn[1.0] == pytest.approx(8.0)
    assert state.action == "warn"
    assert "8.0 times as fast" in state.reason
    strict = Budget("usd", "agent", 24.0, DAY_NS, halt_on_burn=True)
    assert judge(strict, fast, 0, HOUR_NS).action == "halt"
    # An hour later nothing more was spent: the short windows are empty.
    assert judge(DAY_BUDGET, fast, 0, 2 * HOUR_NS).action == "continue"


def test_the_forecast_knows_earlier_days():
    # Yesterday 2 were spent by noon and 6 after; today 4 by noon, so 12 more are to come.
    spending = [Spent(1, 0.0), Spent(6 * HOUR_NS, 2.0), Spent(18 * HOUR_NS, 6.0), Spent(DAY_NS + 6 * HOUR_NS, 4.0)]
    state = judge(Budget("usd", "user", 10.0, DAY_NS), spending, DAY_NS, DAY_NS + 12 * HOUR_NS)
    assert state.forecast == pytest.approx(16.0)
    # 6 of 12 are left: reached half-way through the rest of the day.
    assert state.exhausted_ns == DAY_NS + 18 * HOUR_NS


def test_a_run_has_no_period():
    budget = Budget("steps", "run", 50)
    state = judge(budget, [Spent(at, 1) for at in range(1, 42)], 0, 1000)
    assert (state.action, state.spent, state.forecast, state.burn) == ("warn", 41, 41, {})
    assert judge(budget, [Spent(at, 1) for at in range(1, 51)], 0, 1000).action == "halt"
    assert judge(budget, [], 0, 1000).action == "continue"


def test_a_months_budget_uses_the_months_windows():
    month = Budget("tokens", "day", 720.0, 30 * DAY_NS, halt_on_burn=True)
    now = 10 * DAY_NS
    assert judge(month, every_minute(15.0, now - HOUR_NS, now), 0, now).action == "halt"
    assert judge(month, every_minute(7.0, now - 6 * HOUR_NS, now), 0, now).action == "warn"
    assert judge(month, every_minute(0.9, now - 3 * DAY_NS, now), 0, now).action == "continue"


@pytest.mark.parametrize(
    ("field", "values"),
    [("limit", {"limit": 0}), ("warn_share", {"warn_share": 1.5}), ("period_ns", {"period_ns": -1})],
)
def test_a_wrong_budget_names_the_field(field, values):
    with pytest.raises(InvalidInput) as error:
        Budget(**{"measure": "usd", "scope": "run", "limit": 1.0, **values})
    assert error.value.field == field
