"""What each channel is sent: forms that their receivers read, limits that they set, and texts that stay texts."""

from __future__ import annotations

import email
import email.policy
import hashlib
import hmac
import json
from typing import Any

import msgspec
import pytest

from tests.alerts.notify.samples import MESSAGE, NOW, of, outgoing
from tracestore.alerts.message import Message
from tracestore.alerts.notify import alertmanager, mail, pagerduty, slack, webhook, words

EVENTS = (
    "opened", "acknowledged", "unacknowledged", "resolved", "reopened", "severity", "reminder", "escalated", "test",
    "digest",
)  # fmt: skip
HOSTILE = (
    "a\r\nBcc: all@example.org <!channel> @here <script>alert(1)</script> \x1b[31m\u202egpj.exe & "
    "<https://evil.example|ok>"
)


def hostile(event: str = "opened") -> Message:
    facts = msgspec.structs.replace(MESSAGE.facts, summary=HOSTILE, changed=(HOSTILE,))
    labels = {**MESSAGE.labels, "agent": HOSTILE, "tool": HOSTILE}
    return of(event, title=HOSTILE, facts=facts, labels=labels, note=HOSTILE, actor=HOSTILE, owner=HOSTILE,
              lines=(HOSTILE,), runbook_url='javascript:alert(1)//"<')  # fmt: skip


def longest(event: str = "opened") -> Message:
    long = "überaus lang " * 2000
    facts = msgspec.structs.replace(MESSAGE.facts, summary=long, changed=(long,) * 50)
    return of(event, title=long, facts=facts, labels={f"label{n}": long for n in range(60)}, note=long, owner=long,
              key="k" * 400, lines=(long,) * 300)  # fmt: skip


# Words ----------------------------------------------------------------------------------------------------------------


def test_a_tired_person_can_act_on_it() -> None:
    text = words.as_text(MESSAGE)
    assert text.startswith("[CRITICAL] #12 support-agent repeats one step\n")
    for part in ("14 times", "since 2026-11-26 02:10 UTC, still going on", "$1.25 wasted so far", "$18.70 an hour",
                 "3 runs", "small-2 instead of small-1", "agent support-agent", "agents-team",
                 "Incident: https://tracestore.example.org/incidents/12/", "Evidence: https://",
                 "Runbook: https://"):  # fmt: skip
        assert part in text, part


def test_what_is_over_says_so_and_how_long_it_took() -> None:
    text = words.as_text(of("resolved"))
    assert text.startswith("[RESOLVED] #12 ")
    assert "It is over by itself, after 20 m." in text
    assert "over" in words.going_on(of("resolved"))
    assert "an hour" not in words.cost(of("resolved"))
    assert words.happened(of("resolved", actor="ada")) == "Resolved by ada, after 20 m."


@pytest.mark.parametrize(
    ("event", "said"),
    [("acknowledged", "by ada"), ("reminder", "not acknowledged, open for 1 h 00 m"), ("escalated", "nobody"),
     ("severity", "critical now"), ("reopened", "come back"), ("test", "nothing is wrong")],
)  # fmt: skip
def test_each_event_says_why_it_is_told(event: str, said: str) -> None:
    assert said in words.happened(of(event, actor="ada", at="2026-11-26T03:14:05Z"))


@pytest.mark.parametrize(
    ("dollars", "text"), [(None, "unknown"), (0, "$0"), (0.00001, "less than $0.0001"), (0.03121, "$0.0312"),
                          (12.5, "$12.50"), (1250, "$1,250")]
)  # fmt: skip
def test_money(dollars: float | None, text: str) -> None:
    assert words.money(dollars) == text


def test_what_is_not_known_is_left_out() -> None:
    bare = Message(event="opened", project="default", at="", title="It loops")
    assert words.as_text(bare) == (
        "[WARNING] It loops\n\nIt has just begun.\n\nWhere: project default\nWhen: still going on\n"
    )
    assert "Cost" not in dict(words.details(bare))


@pytest.mark.parametrize("event", EVENTS)
def test_no_text_is_more_than_one_line_or_has_control_characters(event: str) -> None:
    for line in words.as_text(hostile(event)).split("\n"):
        assert line == line.strip() or line == ""
        assert not set(line) & {"\r", "\x1b", "\u202e"}
        assert not line.startswith("Bcc")


def test_only_web_addresses_become_links() -> None:
    assert dict(words.links(hostile())).keys() == {"Incident", "Evidence"}


# Webhook --------------------------------------------------------------------------------------------------------------


def test_webhook_has_every_field_of_alertmanagers_version_4() -> None:
    made = webhook.payload(MESSAGE, "on-call")
    assert set(made) - {"tracestore"} == {
        "version", "groupKey", "truncatedAlerts", "status", "receiver", "groupLabels", "commonLabels",
        "commonAnnotations", "externalURL", "notification_reason", "alerts",
    }  # fmt: skip
    assert (made["version"], made["groupKey"], made["status"], made["receiver"]) == (
        "4", "tracestore/default/incident/12", "firing", "on-call",
    )  # fmt: skip
    [alert] = made["alerts"]
    assert alert == {
        "status": "firing", "labels": {"alertname": "loops", "agent": "support-agent", "severity": "critical"},
        "annotations": {"summary": "support-agent repeats one step"}, "startsAt": "2026-11-26T02:10:00Z",
        "endsAt": "0001-01-01T00:00:00Z", "generatorURL": "https://tracestore.example.org/",
        "fingerprint": "9f86d081884c7d65",
    }  # fmt: skip
    ours = made["tracestore"]
    assert (ours["incident"], ours["event"], ours["severity"]) == (12, "opened", "critical")
    assert (ours["cost"]["wasted_usd"], ours["cost"]["usd_per_hour"]) == (1.25, 18.7)
    assert (ours["url"], ours["evidence_url"]) == (MESSAGE.url, MESSAGE.evidence_url)
    assert ours["runs"][0]["trace_id"] in MESSAGE.evidence_url
    assert all(isinstance(value, str) for value in made["commonLabels"].values())


@pytest.mark.parametrize("event", EVENTS)
def test_webhook_always_has_an_alert_and_a_reason(event: str) -> None:
    made = webhook.payload(of(event, alerts=()), "on-call")
    assert len(made["alerts"]) == 1
    assert made["notification_reason"]
    assert made["alerts"][0]["labels"]["alertname"]
    assert made["status"] == ("resolved" if event == "resolved" else "firing")
    assert json.loads(msgspec.json.encode(made))


def test_webhook_is_resolved_only_when_all_of_it_is() -> None:
    [alert] = MESSAGE.alerts
    over = msgspec.structs.replace(alert, status="resolved", ends_at=MESSAGE.at)
    assert webhook.payload(of("reminder", alerts=(alert, over)), "r")["status"] == "firing"
    assert webhook.payload(of("resolved", alerts=(over, over)), "r")["status"] == "resolved"
    assert webhook.payload(of("reminder", alerts=(alert, over)), "r")["alerts"][1]["endsAt"] == MESSAGE.at


def test_signatures_are_those_that_a_receiver_works_out() -> None:
    body = b'{"version":"4"}'
    headers = webhook.signed("s3cret", 7, 1_700_000_000, body)
    assert headers["X-Tracestore-Signature"] == "sha256=" + hmac.new(b"s3cret", body, hashlib.sha256).hexdigest()
    assert (headers["webhook-id"], headers["webhook-timestamp"]) == ("notification-7", "1700000000")
    # The test vector of the Standard Webhooks specification.
    standard = webhook.standard_key("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    told = b'msg_p5jXN8AQM9LWM0D4loKWxJek.1614265330.{"test": 2432232314}'
    import base64

    assert base64.b64encode(hmac.new(standard, told, hashlib.sha256).digest()) == (
        b"g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    )
    assert set(webhook.signed("", 7, 0, body)) == {"webhook-id", "webhook-timestamp"}


# PagerDuty ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("event", EVENTS)
def test_pagerduty_has_one_key_and_the_action_of_the_event(event: str) -> None:
    made = pagerduty.event(of(event), "R" * 32)
    assert made["dedup_key"] == "tracestore/default/incident/12"
    assert made["event_action"] == {"acknowledged": "acknowledge", "resolved": "resolve"}.get(event, "trigger")
    assert made["payload"]["severity"] == "critical"
    assert made["client_url"] == MESSAGE.url
    assert {"href": MESSAGE.evidence_url, "text": "Evidence"} in made["links"]


@pytest.mark.parametrize("message", [longest(), hostile(), longest("digest")])
def test_pagerdutys_limits(message: Message) -> None:
    made = pagerduty.event(message, "R" * 32)
    assert len(made["payload"]["summary"]) <= 1024
    assert "\n" not in made["payload"]["summary"]
    assert len(made["dedup_key"]) <= 255
    assert len(pagerduty.encoded(made)) <= 512_000


def test_long_keys_stay_apart() -> None:
    assert pagerduty.dedup_key("k" * 300 + "1") != pagerduty.dedup_key("k" * 300 + "2")


# Slack ----------------------------------------------------------------------------------------------------------------


def texts(made: Any) -> list[str]:
    if isinstance(made, dict):
        own = [made["text"]] if isinstance(made.get("text"), str) else []
        return own + [text for value in made.values() for text in texts(value)]
    return [text for one in made for text in texts(one)] if isinstance(made, list) else []


@pytest.mark.parametrize("event", EVENTS)
def test_slack_calls_nobody_and_links_nowhere_else(event: str) -> None:
    made = slack.rendered(hostile(event))
    assert (made["parse"], made["link_names"], made["unfurl_links"]) == ("none", False, False)
    for text in texts(made):
        if made["blocks"][0]["text"]["text"] == text:
            continue  # plain_text: Slack reads no marks in it
        assert "<!" not in text
        assert "<https://evil" not in text
        assert "<script" not in text
    whole = json.dumps(made, ensure_ascii=False)
    assert "@here" not in whole
    assert "@channel" not in whole
    assert "javascript:" not in whole


@pytest.mark.parametrize("message", [longest(), longest("digest"), hostile()])
def test_slacks_limits(message: Message) -> None:
    made = slack.rendered(message)
    assert len(made["blocks"]) <= 50
    assert len(made["blocks"][0]["text"]["text"]) <= 150
    for block in made["blocks"][1:]:
        assert len(block.get("text", {}).get("text", "")) <= 3000
        assert len(block.get("fields", [])) <= 10
        assert all(len(field["text"]) <= 2000 for field in block.get("fields", []))


def test_slack_shows_links_and_cost() -> None:
    whole = json.dumps(slack.rendered(MESSAGE), ensure_ascii=False)
    assert f"<{MESSAGE.url}|Incident>" in whole
    assert "$18.70 an hour" in whole


# E-mail ---------------------------------------------------------------------------------------------------------------

TO = {"to": ["ada@example.org", "grace@example.org"]}
SENDER = "tracestore@example.org"


def parsed(message: Message, **more: Any) -> Any:
    made = mail.rendered(outgoing("email", TO, message, **more), SENDER)
    return email.message_from_bytes(made.as_bytes(), policy=email.policy.default)


def test_mail_is_text_and_html_with_the_same_facts() -> None:
    found = parsed(MESSAGE)
    assert found["To"] == "ada@example.org, grace@example.org"
    assert found["Auto-Submitted"] == "auto-generated"
    assert found.get_content_type() == "multipart/alternative"
    text, html = (part.get_content() for part in found.iter_parts())
    for part in (text, html):
        assert "$18.70 an hour" in part
        assert MESSAGE.url in part
        assert "still going on" in part


def test_mails_of_an_incident_are_one_thread() -> None:
    first = parsed(MESSAGE)
    later = parsed(of("resolved", title="another title"), first_title=MESSAGE.title, earlier=MESSAGE, id=8)
    assert first["Subject"] == later["Subject"] == "[default #12] support-agent repeats one step"
    assert later["References"] == later["In-Reply-To"] == first["Message-ID"]
    assert later["Message-ID"] != first["Message-ID"]
    assert parsed(of("resolved"), earlier=MESSAGE, id=8)["Message-ID"] == later["Message-ID"]
    assert parsed(of("opened", key="other", number=13))["Message-ID"] != first["Message-ID"]


@pytest.mark.parametrize("event", EVENTS)
@pytest.mark.parametrize("number", [0, 12])
def test_no_text_can_add_a_header(event: str, number: int) -> None:
    message = msgspec.structs.replace(hostile(event), number=number, project="p\r\nBcc: x@example.org")
    found = parsed(message, first_title=HOSTILE)
    assert found["Bcc"] is None
    assert set(found.keys()) <= {
        "Subject", "From", "To", "Date", "Message-ID", "In-Reply-To", "References", "Auto-Submitted",
        "X-Tracestore-Event", "Importance", "MIME-Version", "Content-Type",
    }  # fmt: skip
    html = list(found.iter_parts())[1].get_content()
    assert "<script>" not in html
    assert "javascript:" not in html


def test_mail_of_any_length_is_made() -> None:
    assert len(parsed(longest())["Subject"]) < 250


# Alertmanager ---------------------------------------------------------------------------------------------------------


def test_alertmanager_gets_one_alert_that_stays_until_it_is_over() -> None:
    [opened] = alertmanager.alerts(MESSAGE, None)
    assert opened["labels"] == {
        "alertname": "loops", "rule": "loops", "severity": "critical", "project": "default", "agent": "support-agent",
        "incident": "12",
    }  # fmt: skip
    assert (opened["startsAt"], opened["endsAt"]) == ("2026-11-26T02:14:05Z", "2026-11-27T02:14:05Z")
    assert opened["annotations"]["incident_url"] == MESSAGE.url
    [reminded] = alertmanager.alerts(of("reminder", at="2026-11-26T06:14:05Z"), MESSAGE)
    assert reminded["endsAt"] == "2026-11-27T06:14:05Z"
    [over] = alertmanager.alerts(of("resolved"), MESSAGE)
    assert (over["labels"], over["startsAt"], over["endsAt"]) == (
        opened["labels"], opened["startsAt"], "2026-11-26T02:34:05Z",
    )  # fmt: skip


def test_alertmanagers_alert_with_other_labels_is_ended() -> None:
    now, before = alertmanager.alerts(of("severity"), of("opened", severity="warning"))
    assert (now["labels"]["severity"], before["labels"]["severity"]) == ("critical", "warning")
    assert before["endsAt"] == MESSAGE.at


@pytest.mark.parametrize("event", EVENTS)
def test_alertmanager_gets_no_empty_label(event: str) -> None:
    for alert in alertmanager.alerts(of(event, number=0, labels={"agent": ""}), None):
        assert all(alert["labels"].values())
        assert alert["labels"]["alertname"]


def test_the_moment_of_the_samples_is_that_of_their_message() -> None:
    assert words.parsed(MESSAGE.at) == NOW
