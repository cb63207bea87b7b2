"""What the `config` of each kind of channel holds, how it is checked, and what of it may be shown.

Secrets are sealed where they are stored (`tracestore.alerts.sealed`). They are never shown again, neither by the API
nor on a page nor in a log.
"""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import ip_address
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec

from tracestore.alerts.notify import addresses, apprise_url, guarded_http, mail
from tracestore.alerts.notify.outcome import Permanent
from tracestore.errors import InvalidInput

MOST_TEXT: Final = 500
MOST_RECIPIENTS: Final = 20


class ConfigField(msgspec.Struct, frozen=True):
    """A field of `config`. `secret`: never shown. `address`: shown without what may be secret in it.
    `goes_to`: a secret that is sent to the address in that field, so that it must be sent anew when that changes.
    """

    name: str
    about: str
    secret: bool = False
    address: bool = False
    goes_to: str = ""


FIELDS: Final[dict[str, tuple[ConfigField, ...]]] = {
    "webhook": (
        ConfigField("url", "Where to post, such as https://example.org/hook.", address=True),
        ConfigField("secret", "Signs each message (HMAC-SHA256). Optional.", secret=True),
    ),
    "pagerduty": (
        ConfigField("routing_key", "The integration key of a service (Events API v2).", secret=True, goes_to="url"),
        ConfigField("url", "For another region or a relay; https://events.pagerduty.com unless set.", address=True),
    ),
    "slack": (
        ConfigField("url", "An incoming webhook, such as https://hooks.slack.com/services/… .", address=True),
        ConfigField("token", "Instead: a bot's token (xoxb-…) with chat:write. Keeps an incident in one thread.",
                    secret=True, goes_to="api_url"),
        ConfigField("channel", "With a token: the id of the channel, such as C0123456789, or its #name."),
        ConfigField("api_url", "With a token: only for a relay; https://slack.com unless set.", address=True),
    ),
    "email": (ConfigField("to", "One address or several, separated by commas."),),
    "alertmanager": (ConfigField("url", "The Alertmanager, such as http://alertmanager:9093.", address=True),),
    "apprise": (ConfigField("url", "An address of Apprise, such as ntfy://topic.", address=True),),
}  # fmt: skip


def checked(kind: str, sent: object, before: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """A `config` as it is stored: what is sent over what was; an empty text or null takes a field away.

    Raises:
        InvalidInput: a field is unknown, missing or cannot be that; names it as `config.NAME`.
    """
    if not isinstance(sent, Mapping):
        raise InvalidInput("config: expected an object.", field="config")
    fields = {field.name: field for field in FIELDS[kind]}
    found = dict(before or {})
    for name, value in sent.items():
        if name not in fields:
            raise InvalidInput(
                f"There is no such field for {kind}: expected {', '.join(fields)}.", field=f"config.{str(name)[:100]}"
            )
        if value is None or value == "" or value == []:
            found.pop(name, None)
        elif name == "to":
            found[name] = recipients(value)
        elif before is not None and fields[name].address and value == shown_address(str(before.get(name, ""))):
            continue  # sent back as it was shown
        else:
            found[name] = text(fields[name], kind, value)
    complete(kind, found)
    for field in fields.values():
        moved = before is not None and field.goes_to and host(before, field.goes_to) != host(found, field.goes_to)
        if moved and field.name in found and not sent.get(field.name):
            raise InvalidInput(
                f"config.{field.name} is sent to the new address: expected it again.", field=f"config.{field.name}"
            )
    return found


def text(field: ConfigField, kind: str, value: object) -> str:
    name = f"config.{field.name}"
    if not isinstance(value, str):
        raise InvalidInput(f"{name}: expected a text.", field=name)
    value = value.strip()
    most = guarded_http.MOST_URL if field.address else MOST_TEXT
    if not 0 < len(value) <= most or not value.isprintable():
        raise InvalidInput(f"{name}: expected 1 to {most} characters on one line.", field=name)
    if not value.isascii() and field.secret and field.name != "secret":
        raise InvalidInput(f"{name}: expected letters and digits only.", field=name)
    if kind == "apprise":
        apprise(value)
    elif field.address:
        address(name, value)
    return value


def address(name: str, value: str) -> None:
    """Raises: InvalidInput, for what can be told of an address without looking its host up."""
    private = guarded_http.private_allowed()
    try:
        target = guarded_http.checked(value, private=private)
    except Permanent as error:
        raise InvalidInput(f"{name}: {error.reason}", field=name) from None
    try:
        refused = not addresses.allowed(ip_address(target.host), private=private)
    except ValueError:
        refused = not private and (target.host == "localhost" or target.host.endswith(".localhost"))
    if refused:
        raise InvalidInput(
            f"{name}: this is a private or reserved address, which messages may not be sent to: expected a public one.",
            field=name,
        )


def apprise(value: str) -> None:
    if not guarded_http.private_allowed():
        raise InvalidInput(apprise_url.REFUSED, field="kind")
    if not apprise_url.known(value):
        raise InvalidInput("config.url: Apprise does not know this address.", field="config.url")


def recipients(value: object) -> list[str]:
    found = value.split(",") if isinstance(value, str) else value
    if not isinstance(found, list) or not all(isinstance(one, str) for one in found):
        raise InvalidInput("config.to: expected an address or a list of addresses.", field="config.to")
    found = list(dict.fromkeys(one.strip() for one in found if one.strip()))
    if not 0 < len(found) <= MOST_RECIPIENTS:
        raise InvalidInput(f"config.to: expected 1 to {MOST_RECIPIENTS} addresses.", field="config.to")
    for one in found:
        if not mail.ADDRESS.fullmatch(one) or ".." in one or one.startswith(".") or ".@" in one:
            raise InvalidInput(f"config.to: {one[:100]!r} is no mail address.", field="config.to")
    return found


def complete(kind: str, found: Mapping[str, Any]) -> None:
    """Raises: InvalidInput, if something is missing or does not go together."""
    if kind == "slack":
        if "token" in found:
            if "channel" not in found:
                raise InvalidInput(
                    "config.channel: expected a channel, since there is a token.", field="config.channel"
                )
        elif "url" not in found:
            raise InvalidInput(
                "config.url: expected an incoming webhook, or a token and a channel.", field="config.url"
            )
        return
    needed = {"pagerduty": "routing_key", "email": "to"}.get(kind, "url")
    if needed not in found:
        about = next(field.about for field in FIELDS[kind] if field.name == needed)
        raise InvalidInput(f"config.{needed}: expected {about[0].lower()}{about[1:]}", field=f"config.{needed}")


def host(config: Mapping[str, Any], name: str) -> str:
    try:
        return urlsplit(str(config.get(name, ""))).netloc.lower()
    except ValueError:
        return ""


def shown(kind: str, config: Mapping[str, Any]) -> dict[str, Any]:
    """The config as anybody of the project may see it: of secrets only whether they are set."""
    found: dict[str, Any] = {}
    for field in FIELDS.get(kind, ()):
        value = config.get(field.name)
        if field.secret:
            found[f"{field.name}_set"] = bool(value)
        elif field.address and value:
            found[field.name] = shown_address(str(value))
        elif value:
            found[field.name] = value
    return found


def shown_address(url: str) -> str:
    """Scheme and host: a path or a query may be a secret, as those of incoming webhooks are."""
    try:
        parts = urlsplit(url)
        port = f":{parts.port}" if parts.port else ""
        name = parts.hostname or ""
    except ValueError:
        return "…"
    if parts.scheme not in ("http", "https"):
        return f"{parts.scheme}://…"  # of Apprise: anything after it may be a secret
    name = f"[{name}]" if ":" in name else name
    more = parts.path not in ("", "/") or parts.query
    return f"{parts.scheme}://{name}{port}{'/…' if more else parts.path}"


def where(kind: str, config: Mapping[str, Any]) -> str:
    """Where it goes, in a few words."""
    if kind == "email":
        return ", ".join(config.get("to", []))
    if kind == "pagerduty":
        return shown_address(str(config.get("url") or "https://events.pagerduty.com"))
    if kind == "slack" and config.get("token"):
        return str(config.get("channel", ""))
    return shown_address(str(config.get("url", "")))
