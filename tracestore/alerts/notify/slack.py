"""Slack: an incoming webhook (`url`), or a bot (`token` and `channel`), which keeps an incident in one thread.

Texts of agents stand in it as plain words: `&`, `<` and `>` are escaped, mentions of everybody are broken, and Slack
is told to look for no links or names in them.
"""

from __future__ import annotations

import re
from typing import Any, Final

import msgspec

from tracestore.alerts.message import Message
from tracestore.alerts.notify import guarded_http, words
from tracestore.alerts.notify.outcome import Outgoing, Permanent, Retry, Sent

API: Final = "https://slack.com"
MOST_HEADER: Final = 150
MOST_SECTION: Final = 2900
MOST_FIELD: Final = 1900
_EVERYBODY: Final = re.compile(r"@(?=channel|here|everyone|group)", re.IGNORECASE)
#: In a thread and in the channel too: what somebody must see who does not follow the thread.
BROADCAST: Final = frozenset({"reopened", "severity", "escalated", "unacknowledged"})
#: Errors of chat.postMessage that another attempt does not mend, and those of the message alone.
WRONG_CHANNEL: Final = frozenset(
    {
        "account_inactive", "access_denied", "channel_not_found", "invalid_auth", "is_archived", "missing_scope",
        "no_permission", "not_allowed_token_type", "not_authed", "not_in_channel", "org_login_required",
        "restricted_action", "token_expired", "token_revoked", "two_factor_setup_required",
    }
)  # fmt: skip
WRONG_MESSAGE: Final = frozenset(
    {"invalid_arguments", "invalid_blocks", "invalid_blocks_format", "msg_blocks_too_long", "msg_too_long", "no_text"}
)


def send(out: Outgoing) -> Sent:
    made = rendered(out.message)
    if not out.config.get("token"):
        answer = guarded_http.post(out.config["url"], msgspec.json.encode(made), {"Content-Type": "application/json"})
        return Sent(answer.status)
    channel, _, thread = out.thread.partition(":")
    if thread:
        made |= {"thread_ts": thread, "reply_broadcast": out.message.event in BROADCAST}
    try:
        return posted(out, {**made, "channel": channel or out.config["channel"]})
    except Permanent as error:
        if not thread or "thread_not_found" not in error.reason:
            raise
        # Somebody deleted the thread: a new one begins.
        made = {name: value for name, value in made.items() if name not in ("thread_ts", "reply_broadcast")}
        return posted(out, {**made, "channel": out.config["channel"]})


def posted(out: Outgoing, made: dict[str, Any]) -> Sent:
    """Slack says in the answer, with status 200, whether it took a message."""
    url = (out.config.get("api_url") or API).rstrip("/").removesuffix("/api") + "/api/chat.postMessage"
    headers = {"Content-Type": "application/json; charset=utf-8", "Authorization": f"Bearer {out.config['token']}"}
    answer = guarded_http.post(url, msgspec.json.encode(made), headers)
    try:
        said: Any = msgspec.json.decode(answer.body)
    except msgspec.DecodeError:
        raise Retry("Slack's answer cannot be understood.", status=answer.status) from None
    if not isinstance(said, dict) or not said.get("ok"):
        name = words.one_line(str(said.get("error", "")) if isinstance(said, dict) else "", 60) or "no reason"
        reason = f"Slack refused it: {name}."
        if name in WRONG_CHANNEL or name == "thread_not_found":
            raise Permanent(reason, answer.status)
        if name in WRONG_MESSAGE:
            raise Permanent(reason, answer.status, this_one_only=True)
        raise Retry(reason, status=answer.status)
    return Sent(answer.status, f"{said.get('channel', '')}:{said.get('ts', '')}"[:200])


def rendered(message: Message) -> dict[str, Any]:
    """Blocks, and the same in one line for notifications of phones and screen readers."""
    summary = words.summary(message, 1500)
    intro = escaped(words.happened(message)) + (f"\n{escaped(summary)}" if summary else "")
    header = broken(words.headline(message, MOST_HEADER))[:MOST_HEADER]
    blocks: list[dict[str, Any]] = [
        {"type": "header", "text": {"type": "plain_text", "text": header, "emoji": False}},
        section(intro),
    ]  # fmt: skip
    if lines := words.digest_lines(message):
        blocks += [section(part) for part in parts([f"• {escaped(line)}" for line in lines])]
    if found := words.details(message):
        fields = [mrkdwn(f"*{name}*\n{escaped(value)}", MOST_FIELD) for name, value in found[:10]]
        blocks.append({"type": "section", "fields": fields})
    if places := words.links(message):
        blocks.append(section(" · ".join(f"<{address.replace('&', '&amp;')}|{name}>" for name, address in places)))
    return {
        "text": escaped(words.headline(message)),
        "blocks": blocks,
        "parse": "none",
        "link_names": False,
        "unfurl_links": False,
        "unfurl_media": False,
    }


def escaped(text: str) -> str:
    return broken(text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;"))


def broken(text: str) -> str:
    """`@channel` and the like with a mark in between that is not seen: nobody is called by a text."""
    return _EVERYBODY.sub("@\u2060", text)


def mrkdwn(text: str, limit: int) -> dict[str, Any]:
    return {"type": "mrkdwn", "text": text if len(text) <= limit else text[: limit - 1] + "…", "verbatim": True}


def section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": mrkdwn(text, MOST_SECTION)}


def parts(lines: list[str]) -> list[str]:
    """The lines in as few texts as may be, none longer than a section."""
    found = [""]
    for line in lines:
        if len(found[-1]) + len(line) + 1 > MOST_SECTION:
            found.append("")
        found[-1] = f"{found[-1]}\n{line}".lstrip("\n")
    return found
