"""What an installation needs at ten, a hundred and a thousand times the rate of one machine, and what gives way first.

    python -m benchmarks.capacity                           1, 10, 100 and 1,000 times
    python -m benchmarks.capacity --times 1 4 16            other steps
    python -m benchmarks.capacity --retention 7 --json      figures for a program
    python -m benchmarks.capacity --spans 250000            one rate, from the one machine up

Figures of this product come from benchmarks/scaling/figures.py (recorded by `make bench`), with what was assumed beside them.
Each step takes the layout of the step before, lets spans arrive with bursts for ten minutes second by second, names the
part that gives way first, changes it, and goes on until everything has room. Nothing is started and nothing is measured.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence

from benchmarks.scaling.figures import ASSUMED, RECORDED, Assumed, Recorded
from benchmarks.scaling.simulation import Stage, sustained
from benchmarks.scaling.steps import Step, as_json, needs, one_machine, steps, with_retention

TIMES = (1.0, 10.0, 100.0, 1000.0)


def figure(value: float) -> str:
    return (
        f"{value:,.0f}"
        if value >= 100 or float(value).is_integer()
        else f"{value:,.1f}"
        if value >= 1
        else f"{value:.2g}"
    )


def stage(one: Stage) -> str:
    if one.growth > 0:
        return f"grows by {one.growth:,.0f}/s, {one.lag:,.0f} s behind after 10 min"
    return f"{one.lag:.1f} s"


def report(found: Sequence[Step], seen: Recorded, assumed: Assumed) -> str:
    """Markdown tables: what gives way and what changes at each step, what it needs, how it then runs."""
    heads = [f"{step.times:g}×" for step in found]
    lines = ["| step | gives way, in this order | at | what changes |", "|---|---|---|---|"]
    for step in found:
        name = f"{step.times:g}×: {step.spans_per_s:,.0f} spans/s"
        if not step.changes:
            lines.append(f"| {name} | nothing | | |")
        for number, change in enumerate(step.changes):
            lines.append(
                f"| {name if not number else ''} | {change.part} | {change.utilisation:.1f} × | {change.then} |"
            )
    table = [needs(step, seen, assumed) for step in found]
    lines += ["", f"| needs | {' | '.join(heads)} |", "|---|" + "---|" * len(heads)]
    lines += [f"| {name} | {' | '.join(figure(one[name]) for one in table)} |" for name in table[0]]
    lines += ["", f"| after ten minutes | {' | '.join(heads)} |", "|---|" + "---|" * len(heads)]
    for label, outcomes in (
        ("layout before", [step.before for step in found]),
        ("layout after", [step.after for step in found]),
    ):
        lines.append(
            f"| {label}: stored of offered | {' | '.join(f'{min(one.stored / one.offered, 1):.0%}' for one in outcomes)} |"
        )
        lines.append(f"| {label}: waiting with senders | {' | '.join(stage(one.senders) for one in outcomes)} |")
        for name in ("settling", "detection"):
            lines.append(f"| {label}: {name} behind | {' | '.join(stage(one.stage(name)) for one in outcomes)} |")
    names = list(dict.fromkeys(name for step in found for name in step.utilisations))
    lines += ["", f"| used of what it can take | {' | '.join(heads)} |", "|---|" + "---|" * len(heads)]
    for name in names:
        cells = [f"{step.utilisations[name]:.0%}" if name in step.utilisations else "" for step in found]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    wanted = parser.add_mutually_exclusive_group()
    wanted.add_argument(
        "--times", type=float, nargs="+", default=list(TIMES), help="of the sustained rate of one machine"
    )
    wanted.add_argument("--spans", type=float, help="spans/s, instead")
    parser.add_argument("--retention", type=float, default=ASSUMED.retention_days, metavar="DAYS")
    parser.add_argument("--json", action="store_true", help="all figures as JSON")
    return parser


def main(given: Sequence[str] | None = None) -> int:
    parser = arguments()
    options = parser.parse_args(given)
    times = [options.spans / RECORDED.spans_per_s] if options.spans else sorted(options.times)
    if min(times) <= 0 or max(times) > 100_000 or options.retention <= 0:
        parser.error("--times, --spans and --retention: expected numbers above 0, and at most 100,000 times")
    assumed = with_retention(ASSUMED, options.retention)
    found = steps(times, RECORDED, assumed)
    if options.json:
        print(json.dumps(as_json(found, RECORDED, assumed), indent=1))
        return 0
    print(
        f"One machine of {RECORDED.cores} cores: the model says {sustained(one_machine(RECORDED, assumed), RECORDED, assumed):,.0f}"
        f" realistic spans/s, {RECORDED.spans_per_s:,.0f} were measured ({RECORDED.date}).\n"
    )
    print(report(found, RECORDED, assumed), end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
