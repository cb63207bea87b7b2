"""The shapes of incidents, silences and routes, for the OpenAPI schema only; see `shape_fields.py`."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from dashboard.api.shape_fields import choice, count, moment, money, text

SEVERITIES = ("info", "warning", "critical")
STATES = ("open", "acknowledged", "resolved")
KINDS = ("silence", "maintenance")


def maybe_moment(help_text: str = "") -> serializers.DateTimeField:
    return serializers.DateTimeField(allow_null=True, help_text=help_text or "Null when it did not happen.")


class Run(serializers.Serializer[Any]):
    trace_id = text()
    name = text()
    agent = text()
    cost_usd = money("Null when a price is unknown.")
    at = text("When it began, RFC 3339; may be empty.")
    running = serializers.BooleanField()


class Evidence(serializers.Serializer[Any]):
    title = text()
    trace_id = text()
    span_id = text()
    finding_id = text()


class Incident(serializers.Serializer[Any]):
    id = count("Its number.")
    state = choice(STATES)
    severity = choice(SEVERITIES)
    title = text("In one line.")
    summary = text("A sentence or two.")
    labels = serializers.DictField(child=serializers.CharField())
    agent = text("The label `agent`; may be empty.")
    detector = text("The label `detector`; may be empty.")
    rule = serializers.IntegerField(allow_null=True, help_text="The alert rule that opened it.")
    opened_at = moment()
    last_seen_at = moment()
    acknowledged_at = maybe_moment()
    acknowledged_by = text()
    resolved_at = maybe_moment()
    resolved_by = text("`tracestore` when its alerts were over.")
    snoozed_until = maybe_moment("Null when it is not snoozed.")
    wasted_usd = serializers.FloatField(help_text="By what is wrong, so far.")
    wasted_tokens = count()
    usd_per_hour = money("How fast; null when that is not known.")
    going_on = serializers.BooleanField(help_text="Evidence is still coming.")
    run_count = count("All runs that are concerned; `runs` has the newest.")
    runs = Run(many=True)
    evidence = Evidence(many=True)
    changed = serializers.ListField(child=serializers.CharField(), help_text="What is different since before.")
    owner = text()
    runbook_url = text()
    reopened = count("How many times it came back.")
    url = text("Of its page.")
    cause = serializers.IntegerField(allow_null=True, help_text="The incident of the shared cause, told instead.")
    version = count("Rises with each change.")


class IncidentPage(serializers.Serializer[Any]):
    results = Incident(many=True)
    next = serializers.CharField(allow_null=True)


class Transition(serializers.Serializer[Any]):
    kind = text("What happened: opened, acknowledged, noted, severity, escalated and so on.")
    from_state = text()
    to_state = text()
    at = moment()
    actor = text("A user, a key, or `tracestore` itself.")
    note = text()
    version = serializers.IntegerField(allow_null=True, help_text="The incident's after it; null for a note.")


class IncidentAlert(serializers.Serializer[Any]):
    fingerprint = text()
    rule = text("Name of the rule.")
    state = choice(("pending", "firing", "resolved"))
    severity = choice(SEVERITIES)
    labels = serializers.DictField(child=serializers.CharField())
    value = serializers.FloatField(allow_null=True)
    since = moment()
    resolved_at = maybe_moment()


class SimilarIncident(serializers.Serializer[Any]):
    id = count()
    state = choice(STATES)
    severity = choice(SEVERITIES)
    title = text()
    opened_at = moment()
    resolved_at = maybe_moment()
    resolved_by = text()
    wasted_usd = serializers.FloatField()
    done = Transition(many=True, help_text="What people did about it last: notes, resolving, halts.")


class NotificationSummary(serializers.Serializer[Any]):
    event = text("Why it was told: opened, reminder, escalated, resolved and so on.")
    channel = text()
    state = choice(("waiting", "sending", "sent", "failed", "skipped"))
    attempts = count()
    created_at = moment()
    sent_at = maybe_moment()
    error = text()


class WholeIncident(Incident):
    history = Transition(many=True, help_text="The oldest first.")
    alerts = IncidentAlert(many=True)
    similar = SimilarIncident(many=True)
    notifications = NotificationSummary(many=True, help_text="The latest 100, the newest first.")
    effects = serializers.ListField(child=serializers.IntegerField(), help_text="Incidents that this one caused.")


class NoteFields(serializers.Serializer[Any]):
    note = serializers.CharField(required=False, allow_blank=True, help_text="Kept with the change in its history.")


class SnoozeFields(NoteFields):
    until = serializers.DateTimeField(required=False, help_text="Or `for`.")

    def get_fields(self) -> dict[str, Any]:
        # A word of Python cannot be declared as an attribute.
        found = super().get_fields()
        found["for"] = serializers.CharField(required=False, help_text="From now on: `15m`, `4h`, `1d`.")
        return found


class NewNote(serializers.Serializer[Any]):
    text = serializers.CharField(help_text="At most 4,000 characters.")


class Matcher(serializers.Serializer[Any]):
    name = text("Of a label.")
    value = text()
    is_regex = serializers.BooleanField(required=False)
    is_equal = serializers.BooleanField(required=False, help_text="False: it must not match.")


class SilenceFields(serializers.Serializer[Any]):
    kind = serializers.CharField(required=False, help_text="`silence`, or `maintenance` for a window that may repeat.")
    matchers = Matcher(many=True, help_text='Also as text: lines of `name="value"`, `!=`, `=~`, `!~`.')
    starts_at = serializers.DateTimeField(required=False, help_text="Now unless given.")
    ends_at = serializers.DateTimeField(required=False, help_text="Or `duration_s`.")
    duration_s = serializers.IntegerField(required=False, min_value=1, help_text="Seconds from its start.")
    repeats = serializers.CharField(required=False, allow_blank=True, help_text="`weekly` or empty.")
    time_zone = serializers.CharField(required=False, help_text="By which it repeats: an IANA name.")
    comment = serializers.CharField(required=False, allow_blank=True)


class Silence(serializers.Serializer[Any]):
    id = count()
    kind = choice(KINDS)
    matchers = Matcher(many=True)
    starts_at = moment()
    ends_at = moment()
    repeats = text("`weekly` or empty.")
    time_zone = text()
    comment = text()
    active = serializers.BooleanField(help_text="It holds now.")
    created_by = text()
    created_at = moment()


class SilencePage(serializers.Serializer[Any]):
    results = Silence(many=True)
    next = serializers.CharField(allow_null=True)


class SilencePreviewFields(serializers.Serializer[Any]):
    matchers = Matcher(many=True)


class SilencePreview(serializers.Serializer[Any]):
    incidents = SimilarIncident(many=True, help_text="Open and acknowledged ones that it would cover.")


class EscalationStep(serializers.Serializer[Any]):
    after_s = count("Seconds after it opened without anybody acknowledging.")
    channels = serializers.ListField(child=serializers.IntegerField())


class RouteFields(serializers.Serializer[Any]):
    name = serializers.CharField()
    matchers = Matcher(many=True, required=False, help_text="None matches every incident.")
    channels = serializers.ListField(child=serializers.IntegerField(), required=False, help_text="Ids of channels.")
    continues = serializers.BooleanField(required=False, help_text="Later routes are tried too.")
    repeat_s = serializers.IntegerField(required=False, min_value=0, help_text="Seconds between reminders.")
    escalation = EscalationStep(many=True, required=False)
    position = serializers.IntegerField(
        required=False, min_value=0, help_text="Routes are tried in this order; last unless given."
    )


class Route(RouteFields):
    id = count()


class RoutePage(serializers.Serializer[Any]):
    results = Route(many=True)
    next = serializers.CharField(allow_null=True)


class RouteOrder(serializers.Serializer[Any]):
    order = serializers.ListField(child=serializers.IntegerField(), help_text="Ids of all routes, the first first.")


class RouteTry(serializers.Serializer[Any]):
    severity = serializers.CharField(required=False)
    labels = serializers.DictField(child=serializers.CharField(), required=False)


class Told(serializers.Serializer[Any]):
    channel = count()
    name = text()
    kind = text()
    repeat_s = count("Seconds between reminders; 0 for none.")


class RouteTried(serializers.Serializer[Any]):
    routes = serializers.ListField(child=serializers.IntegerField(), help_text="Routes that take it.")
    told = Told(many=True)
    escalation = EscalationStep(many=True, help_text="Who is told too while nobody acknowledges.")
