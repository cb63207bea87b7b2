"""How a share (failed calls, empty retrievals, retries) compares with its own past: the engine of all share detectors.

Pure and vectorised. Series are rows of arrays by hour; several series (versions) may belong to one
group (an agent's tool). At an hour, three windows are compared with the blocks of six hours before them:

    p      the group's usual share: own blocks, older versions as a prior that differs, the fleet as a faint one
    rho    correlation of calls in a block, from the group's own blocks, shrunk to the fleet's
    pv     P[BetaBinomial(n, p, concentration) >= k], concentration from rho and from how well p is known

A change is stated when the smallest pv passes Benjamini-Hochberg among all series of the hour and is below
`certainty`, the excess is at least `floor`, and the same was true one hour before. One confused run that
fails ten times in an hour is not a change: without its worst hour the window must still be unusual.
Past blocks that were themselves far out are left out of the usual, until they have lasted three days: then
they are the new usual.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

import numpy as np
import scipy  # its parts load when they are first used, not in every process that lists detectors
from numpy.typing import NDArray

from tracestore.detectors.detector import setting
from tracestore.detectors.histories import HOUR_NS
from tracestore.detectors.statistics.beta_binomial import intra_class, tail, wilson
from tracestore.detectors.statistics.multiplicity import benjamini_hochberg

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Key = TypeVar("Key", bound=Hashable)

#: Windows in hours; the long ones find what creeps.
WINDOWS: Final = (6, 24, 72)
BLOCK: Final = 6
#: Blocks that the usual share is taken from: 15 days.
REACH: Final = 60
#: So many far-out blocks in a row are the new usual (three days).
ACCEPTED: Final = 12
#: Standard deviation of the logit between versions of one agent: how much an older version says about a newer.
BETWEEN_VERSIONS: Final = 0.5
#: How much rho differs between groups, as a share of itself; and where it starts without any data.
RHO_DIFFERS: Final = 0.7
#: rho is itself a guess from some days, and real shares have a longer tail than the beta: it is taken larger.
RHO_DOUBT: Final = 1.4
RHO_FLEET: Final = 0.02


@dataclass(frozen=True, slots=True)
class ShareSettings:
    """When a change of a share is stated."""

    floor: float = setting(0.05, "Smallest rise that is stated, as a share (0.05 = 5 points).", minimum=0, maximum=1)
    least_hits: int = setting(3, "Fewest failures in the window.", minimum=1)
    least_calls: int = setting(5, "Fewest calls in the window.", minimum=1)
    false_discoveries: float = setting(
        0.05, "Share of stated changes that may be chance, over all series of an hour.", minimum=0.0001, maximum=0.5
    )
    certainty: float = setting(
        0.00003, "Largest probability of chance for a single series.", minimum=1e-12, maximum=0.05
    )
    known_calls: int = setting(
        30, "Fewest calls before the window for which a usual share is said to be known.", minimum=1
    )
    new_share: float = setting(
        0.6, "A new tool without a usual share is reported when surely more than this share fails.", minimum=0.1
    )


@dataclass(frozen=True, slots=True)
class Usual:
    """The usual share of each series before a window, and how firmly it is known (`worth` in independent calls)."""

    share: Floats
    worth: Floats
    rho: Floats
    calls: Floats


@dataclass(frozen=True, slots=True)
class Change:
    """A share that rose: in the last `hours`, `hits` of `total`, against `usual` known from `known` earlier calls."""

    series: int
    end: int
    hours: int
    hits: int
    total: int
    usual: float
    known: int
    p_value: float


class ShareHistory:
    """Counts by series and hour, with what is known of the past of each hour. `first_hour` is the hour of column 0."""

    def __init__(self, total: Floats, hits: Floats, group: Ints, first_hour: int = 0) -> None:
        self.total, self.hits, self.group = total, hits, group
        lead = first_hour % BLOCK
        hours = total.shape[1]
        self.blocks = -(-(lead + hours) // BLOCK)
        self.lead = lead
        pad = ((0, 0), (lead, self.blocks * BLOCK - lead - hours))
        shape = (total.shape[0], self.blocks, BLOCK)
        self.block_total = np.pad(total, pad).reshape(shape).sum(2)
        self.block_hits = np.pad(hits, pad).reshape(shape).sum(2)
        self.groups = int(group.max()) + 1 if group.size else 0
        self.group_total = _by_group(self.block_total, group, self.groups)
        self.group_hits = _by_group(self.block_hits, group, self.groups)
        self.sum_total = np.pad(np.cumsum(total, 1), ((0, 0), (1, 0)))
        self.sum_hits = np.pad(np.cumsum(hits, 1), ((0, 0), (1, 0)))
        # What is usual for all groups together, known at the beginning of each block.
        before_n = np.concatenate([[0.0], np.cumsum(self.group_total.sum(0))])
        before_k = np.concatenate([[0.0], np.cumsum(self.group_hits.sum(0))])
        self.fleet_share = np.clip((before_k + 0.5) / (before_n + 10), 0.001, 0.5)
        self._mark_far_out()
        self._changes: dict[tuple[int, ShareSettings], list[Change]] = {}

    def _mark_far_out(self) -> None:
        """Which blocks of a group are left out of its usual, and from which block on they count after all."""
        groups, blocks = self.group_total.shape
        self.far_out = np.zeros((groups, blocks), dtype=bool)
        self.accepted_at = np.full((groups, blocks), blocks + 1)
        self.usual_from = np.zeros((groups, blocks + 1), dtype=np.int64)
        calls, hits = np.zeros(groups), np.zeros(groups)
        running = np.zeros(groups, dtype=np.int64)
        begun = np.zeros(groups, dtype=np.int64)
        start = np.zeros(groups, dtype=np.int64)
        before = np.zeros(groups, dtype=bool)
        for block in range(blocks):
            n, k = self.group_total[:, block], self.group_hits[:, block]
            p = np.clip((hits + self.fleet_share[block]) / (calls + 1), 1e-4, 0.99)
            spread = np.sqrt(n * p * (1 - p) * (1 + np.maximum(n - 1, 0) * RHO_FLEET * 2)) + 1e-9
            far = (k >= 3) & (calls >= 30) & (k - n * p > 4.5 * spread) & (k > (p + 0.05) * n)
            # A single block is far out only when it is very far: else rho would be made too small by what it is of.
            out = far & (before | (k > (p + 0.25) * n))
            before = far
            self.far_out[:, block] = out
            begun = np.where(out & (running == 0), block, begun)
            running = np.where(out, running + 1, np.where(n > 0, 0, running))
            for group in np.nonzero(running >= ACCEPTED)[0]:
                since = int(begun[group])
                self.accepted_at[group, since : block + 1] = block
                start[group] = since
                running[group] = 0
                calls[group] = self.group_total[group, since : block + 1].sum()
                hits[group] = self.group_hits[group, since : block + 1].sum()
                out[group] = True  # already counted
            calls, hits = calls + np.where(out, 0, n), hits + np.where(out, 0, k)
            self.usual_from[:, block + 1] = start

    def usual(self, end: int, window: int) -> Usual:
        """What was usual before the window of `window` hours that ends at column `end` (excluded)."""
        last = max((self.lead + end - window) // BLOCK, 0)
        now = (self.lead + end) // BLOCK
        index = np.arange(last)
        use = ~self.far_out[:, :last] | (self.accepted_at[:, :last] <= now)
        use &= index >= np.maximum(self.usual_from[:, min(now, self.blocks)], now - REACH)[:, None]
        fleet_share = float(self.fleet_share[last])
        total, hits = self.group_total[:, :last] * use, self.group_hits[:, :last] * use
        group_n, group_k = total.sum(1), hits.sum(1)
        mean = np.clip((group_k + fleet_share) / (group_n + 1), 1e-4, 1 - 1e-4)
        rho = self._rho(total, hits, mean, days=window > BLOCK)
        if window > 24:
            rho = rho / 2
        own_n = self.block_total[:, :last] * use[self.group]
        own_k = self.block_hits[:, :last] * use[self.group]
        n1, k1 = own_n.sum(1), own_k.sum(1)
        n2, k2 = group_n[self.group] - n1, group_k[self.group] - k1
        rho = rho[self.group]
        worth1 = _worth(n1, (own_n**2).sum(1), rho)
        variance = BETWEEN_VERSIONS**2 * mean * (1 - mean)
        squares2 = np.maximum((total**2).sum(1)[self.group] - (own_n**2).sum(1), n2)
        worth2 = _worth(n2, squares2, rho)
        worth2 = worth2 / (1 + worth2 * variance[self.group])
        share1, share2 = k1 / np.maximum(n1, 1), k2 / np.maximum(n2, 1)
        share = (worth1 * share1 + worth2 * share2 + fleet_share) / (worth1 + worth2 + 1)
        return Usual(np.clip(share, 1e-4, 1 - 1e-4), worth1 + worth2 + 1, rho, n1 + n2)

    def _rho(self, total: Floats, hits: Floats, mean: Floats, *, days: bool) -> Floats:
        if days:
            pad = ((0, 0), (0, -total.shape[1] % 4))
            total = np.pad(total, pad).reshape(len(total), -1, 4).sum(2)
            hits = np.pad(hits, pad).reshape(len(hits), -1, 4).sum(2)
        blocks, k = (total > 0).sum(1).astype(float), hits.sum(1)
        surplus, weight = intra_class(blocks, k, total.sum(1), (hits**2 / np.maximum(total, 1)).sum(1), mean)
        prior = _pooled_rho(surplus, weight, mean * (1 - mean))
        # Precision-weighted: a variance from B blocks is off by sqrt(2 / B), and blocks without a hit say little.
        own = np.maximum(surplus, 0) / np.maximum(weight, 1)
        own_variance = 2 / np.maximum(np.minimum(blocks, k), 1) * (prior + blocks / np.maximum(weight, 1)) ** 2
        prior_variance = (RHO_DIFFERS * prior) ** 2
        rho = (own * prior_variance + prior * own_variance) / (prior_variance + own_variance)
        return np.asarray(np.clip(np.maximum(rho, prior / 2), 0.002, 0.5))

    def changes(self, end: int, settings: ShareSettings) -> list[Change]:
        """Series whose share rose in a window that ends at column `end` (excluded), most certain first."""
        if (end, settings) not in self._changes:
            self._changes[end, settings] = self._find_changes(end, settings)
        return self._changes[end, settings]

    def _find_changes(self, end: int, settings: ShareSettings) -> list[Change]:
        found: dict[int, Change] = {}
        asked = 0
        for window in WINDOWS:
            start = max(end - window, 0)
            n = self.sum_total[:, end] - self.sum_total[:, start]
            k = self.sum_hits[:, end] - self.sum_hits[:, start]
            usual = self.usual(end, window)
            possible = (n >= settings.least_calls) & (usual.calls >= settings.known_calls)
            asked = max(asked, int(possible.sum()))
            rose = possible & (k >= settings.least_hits) & (k >= (usual.share + settings.floor) * n)
            for series in np.nonzero(rose)[0].tolist():
                concentration = 1 / (RHO_DOUBT * usual.rho[series] + 1 / (usual.worth[series] + 1)) - 1
                share, total, hits = float(usual.share[series]), int(n[series]), int(k[series])
                p_value = len(WINDOWS) * tail(hits, total, share, concentration)
                if p_value > settings.certainty:
                    continue
                worst = start + int(np.argmax(self.hits[series, start:end]))
                rest_n, rest_k = total - int(self.total[series, worst]), hits - int(self.hits[series, worst])
                if rest_k < 2 or rest_k < (share + settings.floor / 2) * rest_n:
                    continue
                if tail(rest_k, rest_n, share, concentration) > 0.001:
                    continue
                known = found.get(series)
                if known is None or p_value < known.p_value:
                    found[series] = Change(series, end, window, hits, total, share, int(usual.calls[series]), p_value)
        changes = sorted(found.values(), key=lambda change: change.p_value)
        passed = benjamini_hochberg(np.array([change.p_value for change in changes]), settings.false_discoveries, asked)
        return [change for change, passes in zip(changes, passed, strict=True) if passes]

    def strongest(self, end: int, settings: ShareSettings) -> list[Change]:
        """Changes at column `end`, one per group."""
        best: dict[int, Change] = {}
        for change in self.changes(end, settings):
            best.setdefault(int(self.group[change.series]), change)
        return list(best.values())

    def mostly_failing(self, end: int, settings: ShareSettings) -> list[Change]:
        """Groups too new to have a usual share, of which at least `new_share` fails for certain (Wilson's lower bound).

        `usual` is 0 and `p_value` 1 in what is returned: nothing was compared.
        """
        start = max(end - WINDOWS[-1], 0)
        total = _by_group(self.total[:, :end], self.group, self.groups)
        hits = _by_group(self.hits[:, start:end], self.group, self.groups)
        n, k, recent = total[:, start:].sum(1), hits.sum(1), total[:, max(end - WINDOWS[0], 0) :].sum(1)
        new = (total.sum(1) - recent < settings.known_calls) & (recent > 0) & (k >= 5) & ((hits > 0).sum(1) >= 2)
        series = {int(group): index for index, group in enumerate(self.group)}
        return [
            Change(series[group], end, WINDOWS[-1], int(k[group]), int(n[group]), 0.0, int(n[group]), 1.0)
            for group in np.nonzero(new)[0].tolist()
            if wilson(k[group], n[group])[0] >= settings.new_share
        ]

    def since(self, change: Change) -> int:
        """The column at which the change most likely began: where the sum of hits above half the rise was lowest."""
        start = max(change.end - WINDOWS[-1], 0)
        middle = (change.usual + change.hits / change.total) / 2
        walk = np.cumsum(
            self.hits[change.series, start : change.end] - middle * self.total[change.series, start : change.end]
        )
        column = start + int(np.argmin(np.concatenate([[0.0], walk[:-1]])))
        active = np.nonzero(self.total[change.series, column : change.end])[0]
        return column + int(active[0]) if active.size else column

    def enough(self, end: int, settings: ShareSettings) -> NDArray[np.bool_]:
        """By series: could a change be seen now? Calls in the last day, and a known usual."""
        recent = self.sum_total[:, end] - self.sum_total[:, max(end - 24, 0)]
        return np.asarray((recent >= settings.least_calls) & (self.usual(end, 24).calls >= settings.known_calls))


def _pooled_rho(surplus: Floats, weight: Floats, odds: Floats) -> Floats:
    """What rho is for a group of this usual share: base + slope * p (1 - p), least squares over all groups.

    A correlation that is the same for every share (base), or noise of the logit (slope). Two faint made-up groups
    keep both near what is usual where there are few groups.
    """
    scale = 1 / (5 + 0.03 * weight)
    columns = np.stack([weight * scale, weight * scale * odds], axis=1)
    faint = np.array([[20.0, 0.0], [0.0, 4.0]])
    usual = np.array([RHO_FLEET / 2, 0.15])
    (base, slope), _ = scipy.optimize.nnls(
        np.vstack([columns, faint]), np.concatenate([surplus * scale, faint @ usual])
    )
    return np.asarray(np.clip(base, 0.002, 0.2) + min(slope, 1.0) * odds)


def _worth(total: Floats, squares: Floats, rho: Floats) -> Floats:
    """Calls in blocks as a number of independent calls: N^2 / sum n (1 + (n - 1) rho)."""
    return total**2 / np.maximum(total + (squares - total) * rho, 1e-9)


def lay_out(
    rows: Sequence[tuple[int, Key, float, float]], now_ns: int, days: int
) -> tuple[list[Key], Floats, Floats, int]:
    """(hour_ns, key, a, b) rows as two arrays keys x hours whose last column is the hour that `now_ns` ends or lies in.

    Returns keys, the arrays, and the hour since the epoch of column 0. Rows outside of the days are left out.
    """
    hours = days * 24
    first = -(-now_ns // HOUR_NS) - hours
    index: dict[Key, int] = {}
    for _, key, _, _ in rows:
        index.setdefault(key, len(index))
    one, two = np.zeros((len(index), hours)), np.zeros((len(index), hours))
    for hour_ns, key, a, b in rows:
        column = hour_ns // HOUR_NS - first
        if 0 <= column < hours:
            one[index[key], column] += a
            two[index[key], column] += b
    return list(index), one, two, first


def _by_group(values: Floats, group: Ints, groups: int) -> Floats:
    out = np.zeros((groups, values.shape[1]))
    np.add.at(out, group, values)
    return out
