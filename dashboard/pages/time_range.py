"""The time range on top of pages: one component, in the address, kept on the way from page to page."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from urllib.parse import urlencode

from django.http import HttpRequest

from dashboard.api.filters import bound
from tracestore.clickhouse.aggregates import period as periods
from tracestore.clickhouse.aggregates.period import Grid, Period
from tracestore.errors import InvalidInput

#: Quick ranges: what `since` says, and in words.
RANGES: Final = (("1h", "1 h"), ("24h", "24 h"), ("7d", "7 d"), ("30d", "30 d"), ("", "All time"))
DEFAULT: Final = "24h"
#: Where the browser session remembers the range for the links of the navigation.
SESSION_KEY: Final = "range"


@dataclass(frozen=True, slots=True)
class TimeRange:
    """What the page is about. `since_text` and `until_text` are as the address has them.

    `compared` tells whether there is an equally long time before it to compare with.
    """

    since_text: str
    until_text: str
    period: Period
    compared: bool
    words: str

    @property
    def pairs(self) -> dict[str, str]:
        """What a link must say to be about the same time."""
        return {"since": self.since_text} | ({"until": self.until_text} if self.until_text else {})

    @property
    def query(self) -> str:
        return urlencode(self.pairs)

    @property
    def grid(self) -> Grid:
        return periods.grid(self.period)

    @property
    def custom(self) -> bool:
        return bool(self.until_text) or self.since_text not in dict(RANGES)

    @property
    def ranges(self) -> tuple[tuple[str, str], ...]:
        return RANGES


def time_range(request: HttpRequest, project: str, *, default: str = DEFAULT) -> TimeRange:
    """The range that the address names, else `default`.

    Raises:
        InvalidInput: a bound is no time, or the end lies before the start.
        Unavailable: all time is asked for and the store does not say when that began.
    """
    params = request.GET.copy()
    if "since" not in params and not params.get("until", "").strip():
        params["since"] = default
    now = datetime.now(UTC)
    since, until = bound(params, "since"), bound(params, "until") or now
    all_time = since is None
    if since is None:
        since = periods.begun(project) or until - timedelta(days=1)
        since = min(since, until)
    if since >= until and not all_time:
        raise InvalidInput("The time range ends before it begins: expected since earlier than until.", field="since")
    since_text, until_text = params.get("since", "").strip(), params.get("until", "").strip()
    words = dict(RANGES).get(since_text, "") if not until_text else ""
    period = Period(project, since, until if until > since else since + timedelta(seconds=1))
    return TimeRange(since_text, until_text, period, not all_time, words or "this time")


def kept(request: HttpRequest) -> str:
    """`?since=…` for links to other pages: the range of this address, else the one last chosen; '' without any."""
    named = {name: request.GET[name].strip() for name in ("since", "until") if name in request.GET}
    if named:
        try:
            for name in named:
                bound(request.GET, name)
        except InvalidInput:
            named = {}
    if named and request.session.get(SESSION_KEY) != named:
        request.session[SESSION_KEY] = named
    chosen = named or request.session.get(SESSION_KEY) or {}
    return f"?{urlencode(chosen)}" if chosen else ""
