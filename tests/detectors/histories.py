"""Small histories for tests of window detectors."""

from __future__ import annotations

from benchmarks.fleets.episodes import EPOCH_HOUR
from tracestore.detectors.histories import HOUR_NS, CostHour, CostHours, ToolHour, ToolHours

HOURS = 240


def tool_hours(pairs, now=0):
    """Ten days. By "agent/tool": `calls` and `failed` each hour; in the `last` hours (or in the hour `burst` hours ago)
    `then` of `calls_then` fail, on `version`, with `template`. `now` moves the end by hours.
    """
    end = HOURS + now
    rows = []
    for hour in range(now, end):
        for name, pair in pairs.items():
            agent, tool = name.split("/")
            changed = hour >= end - pair.get("last", 0) or hour == end - pair.get("burst", -1)
            calls = pair.get("calls_then", pair["calls"]) if changed else pair["calls"]
            failed = pair["then"] if changed else pair["failed"]
            if calls:
                rows.append(
                    ToolHour(
                        (EPOCH_HOUR + hour) * HOUR_NS,
                        agent,
                        pair.get("version", "1.0") if changed else "1.0",
                        tool,
                        calls,
                        failed,
                        pair.get("template", "") if changed else "usual failure",
                        "failed-trace" if changed else "",
                        "failed-span" if changed else "",
                    )
                )
    return ToolHours("p", (EPOCH_HOUR + end) * HOUR_NS, tuple(rows))


def cost_hours(cost, runs, kind="agent", name="a", days=28):
    """`cost(hour)` and `runs(hour)` for `days`; hour 0 is Monday midnight UTC."""
    rows = tuple(
        CostHour(
            (EPOCH_HOUR + hour) * HOUR_NS,
            kind,
            name,
            cost(hour),
            1000,
            runs(hour),
            f"trace-{hour}",
            cost(hour) / 2,
        )
        for hour in range(days * 24)
        if runs(hour)
    )
    return CostHours("p", (EPOCH_HOUR + days * 24) * HOUR_NS, rows)
