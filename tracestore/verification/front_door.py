"""Sends and reads as anybody else does: OTLP/HTTP, the API with a key, SQL as `reader`. No way around."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

from tracestore.clickhouse import queries
from tracestore.verification.traces import SentTrace, export

TIMEOUT_S: Final = 10.0
_PAGE: Final = 100
#: Pages of one list at most: a busy project may have others in the same moment.
_MOST_PAGES: Final = 20


class RequestFailed(Exception):
    """A request was not answered, or not with success. Says which one, and what came back."""


@dataclass
class FrontDoor:
    """Where the doors are, and what opens them. URLs without a slash at their end."""

    otlp: str
    web: str
    sql: str
    project: str
    key: str
    sql_user: str
    sql_password: str

    def send(self, trace: SentTrace) -> None:
        """Returns when the store has said OK.

        Raises:
            RequestFailed
        """
        answer = self._ask(
            f"{self.otlp}/v1/traces",
            {"content-type": "application/x-protobuf", "x-api-key": self.key},
            export(trace).SerializeToString(),
        )
        if answer:  # success leaves the answer empty (OTLP: partial_success unset)
            raise RequestFailed("sending: not all spans were accepted")

    def trace(self, trace_id: str) -> dict[str, Any] | None:
        """The trace by its id, None when there is none."""
        try:
            found: dict[str, Any] = self._api(f"traces/{trace_id}/")
        except RequestFailed as error:
            if isinstance(error.__cause__, urllib.error.HTTPError) and error.__cause__.code == 404:
                return None
            raise
        return found

    def listed(self, trace_id: str, since: str, until: str, q: str = "") -> dict[str, Any] | None:
        """The trace's row in the list, None when the list does not have it."""
        cursor: str | None = None
        for _ in range(_MOST_PAGES):
            asked = {"since": since, "until": until, "limit": str(_PAGE)}
            page = self._api("traces/", **asked, **({"q": q} if q else {}), **({"cursor": cursor} if cursor else {}))
            for row in page["results"]:
                if row["trace_id"] == trace_id:
                    return dict(row)
            cursor = page["next"]
            if not cursor:
                break
        return None

    def sums(self, trace_id: str) -> dict[str, int | float]:
        """What the trace's spans add up to by SQL."""
        parameters = {
            "default_format": "JSON",
            "output_format_json_quote_64bit_integers": "0",
            "param_project": self.project,
            "param_trace_id": trace_id,
        }
        login = {"X-ClickHouse-User": self.sql_user, "X-ClickHouse-Key": self.sql_password}
        body = self._ask(f"{self.sql}/?{urlencode(parameters)}", login, queries.load("verify_trace").encode())
        row: dict[str, int | float | None] = json.loads(body)["data"][0]
        return {name: value or 0 for name, value in row.items()}

    def _api(self, path: str, **parameters: str) -> Any:
        query = f"?{urlencode(parameters)}" if parameters else ""
        return json.loads(self._ask(f"{self.web}/api/v1/{path}{query}", {"authorization": f"Bearer {self.key}"}))

    def _ask(self, url: str, headers: dict[str, str], body: bytes | None = None) -> bytes:
        where = url.partition("?")[0]
        request = urllib.request.Request(url, body, headers)  # noqa: S310 (the command has checked that it is http)
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT_S) as response:  # noqa: S310
                return bytes(response.read())
        except urllib.error.HTTPError as error:
            said = error.read(300).decode("utf-8", "replace").strip()
            raise RequestFailed(f"{where}: {error.code} {said}") from error
        except OSError as error:
            raise RequestFailed(f"{where}: {getattr(error, 'reason', error)}") from error
