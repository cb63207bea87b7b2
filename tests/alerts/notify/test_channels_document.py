"""docs/channels.md is right: its code verifies real messages, and its example has the fields that are sent."""

from __future__ import annotations

import json
import re
import time
from typing import Any

import pytest

from tests.alerts.notify.receivers import HttpReceiver
from tests.alerts.notify.samples import MESSAGE, outgoing
from tracestore.alerts import channel_config
from tracestore.alerts.notify import senders, webhook
from tracestore.environment import ROOT

TEXT = (ROOT / "docs/channels.md").read_text()


@pytest.mark.parametrize("secret", ["choose one", "schlüssel", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"])
def test_its_code_verifies_what_arrives_and_refuses_anything_else(receiver: HttpReceiver, secret: str) -> None:
    [code] = re.findall(r"```python\n(.*?)```", TEXT, re.S)
    names: dict[str, Any] = {}
    exec(code, names)
    senders.send(outgoing("webhook", {"url": receiver.url, "secret": secret}))
    got = receiver.got[0]
    old = webhook.signed(secret, 7, int(time.time()) - 3600, got.body)
    old = {name.lower(): value for name, value in old.items()}
    for name in ("is_ours", "is_ours_and_new"):
        assert names[name](got.body, got.headers, secret)
        assert not names[name](got.body + b" ", got.headers, secret)
        assert not names[name](got.body, got.headers, secret + "x" if "whsec" not in secret else "whsec_AAAA")
        assert not names[name](got.body, {"webhook-id": "notification-7"}, secret)
    assert names["is_ours"](got.body, old, secret)
    assert not names["is_ours_and_new"](got.body, old, secret)


def test_its_example_has_the_fields_that_are_sent() -> None:
    [block] = re.findall(r"```json\n(.*?)```", TEXT, re.S)
    example, sent = json.loads(block), webhook.payload(MESSAGE, "on-call")
    assert set(example) == set(sent)
    assert set(example["alerts"][0]) == set(sent["alerts"][0])
    assert set(example["tracestore"]) <= set(sent["tracestore"])
    assert set(example["tracestore"]["cost"]) == set(sent["tracestore"]["cost"])


def test_it_names_every_kind_with_its_fields_and_every_event() -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \| (.*?) \|", TEXT.split("## Kinds")[1], re.M))
    assert set(rows) == set(channel_config.FIELDS)
    for kind, fields in channel_config.FIELDS.items():
        assert {field.name for field in fields} == set(re.findall(r"`(\w+)`", rows[kind])), kind
    for event in webhook.REASONS:
        assert f"`{event}`" in TEXT
