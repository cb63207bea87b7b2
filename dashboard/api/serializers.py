"""The shapes of the API's answers, for the OpenAPI schema only.

Answers are built as plain dicts (`representations.py`); these classes never run on a request.
"""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from tracestore.analysis.comparison import DIFFERENCES
from tracestore.rates import BURST_SECONDS, MOST
from tracestore.search.fields import TRACE_STATUSES
from tracestore.spans.model import SPAN_KINDS, SPAN_TYPES, STATUSES


def choice(values: tuple[str, ...], help_text: str = "") -> serializers.Field[Any, Any, Any, Any]:
    """A string out of a closed list.

    The list stays in the property (`oneOf`): moved out, as drf-spectacular would do, the two kinds
    of `status` would fight for one name.
    """

    @extend_schema_field({"oneOf": [{"type": "string", "enum": list(values)}]})
    class Choice(serializers.CharField):
        pass

    return Choice(help_text=help_text)


def text(help_text: str = "") -> serializers.CharField:
    return serializers.CharField(help_text=help_text, allow_blank=True)


def count(help_text: str = "") -> serializers.IntegerField:
    return serializers.IntegerField(help_text=help_text, min_value=0)


def moment() -> serializers.DateTimeField:
    return serializers.DateTimeField(help_text="RFC 3339 in UTC, with nanoseconds.")


def money(help_text: str) -> serializers.FloatField:
    return serializers.FloatField(allow_null=True, help_text=help_text)


@extend_schema_field({"type": "object", "additionalProperties": {}})
class AttributesField(serializers.JSONField):
    """Attributes with the types they were sent with; bytes as base64."""


@extend_schema_field({})
class AnyValue(serializers.JSONField):
    """Any JSON."""


class ErrorBody(serializers.Serializer[Any]):
    code = text("A fixed word, such as `invalid_input` or `not_found`.")
    message = text("What happened and what to do about it.")
    field = serializers.CharField(required=False, help_text="The parameter that is wrong.")
    offset = serializers.IntegerField(required=False, help_text="The character of `q` at which it went wrong, from 0.")


class Error(serializers.Serializer[Any]):
    error = ErrorBody()


class TraceSummary(serializers.Serializer[Any]):
    trace_id = text()
    name = text("Name of the root span.")
    agent = text()
    service = text()
    session_id = text()
    user_id = text()
    start_time = moment()
    end_time = moment()
    duration_ns = count()
    span_count = count()
    llm_calls = count()
    tool_calls = count()
    errors = count("Spans with status error.")  # type: ignore[assignment]
    input_tokens = count("Includes cached ones.")
    output_tokens = count("Includes reasoning.")
    cache_read_tokens = count()
    cache_write_tokens = count()
    reasoning_tokens = count()
    cost_usd = money("Null when no call of the trace has a known price.")
    unpriced_calls = count("Model calls whose price is unknown and so is missing from the cost.")
    incomplete = count("Model calls whose usage the sender dropped: tokens and cost are at least what is given.")
    status = choice(TRACE_STATUSES)
    findings = count("Number of findings about this trace.")
    models = serializers.ListField(child=text())
    tools = serializers.ListField(child=text())
    agents = serializers.ListField(child=text())
    input_preview = text("Beginning of the root's input.")
    output_preview = text("Beginning of the root's output.")


class TracePage(serializers.Serializer[Any]):
    results = TraceSummary(many=True)
    next = serializers.CharField(allow_null=True, help_text="Cursor of the next page; null at the end.")


class Event(serializers.Serializer[Any]):
    time = moment()
    name = text()
    attributes = AttributesField()
    origin = choice(("span", "log"), "`log` for a log record that belongs to the span; only when one span is read.")


class Link(serializers.Serializer[Any]):
    trace_id = text()
    span_id = text()
    attributes = AttributesField()


class Span(serializers.Serializer[Any]):
    project = text()
    trace_id = text()
    span_id = text()
    parent_span_id = text("Empty when the span has no parent.")
    name = text()
    kind = choice(SPAN_KINDS, "OpenTelemetry's SpanKind.")
    type = choice(SPAN_TYPES, "What the span is to an agent.")
    service = text()
    agent = text()
    agent_id = text()
    agent_version = text()
    session_id = text()
    user_id = text()
    start_time = moment()
    end_time = moment()
    duration_ns = count()
    status = choice(STATUSES)
    status_message = text()
    error_type = text()
    provider = text()
    model = text("The model that answered, else the requested one.")
    request_model = text("The requested model.")
    operation = text()
    input_tokens = count("Filled only on the span that made the model call; includes cached ones.")
    output_tokens = count("Filled only on the span that made the model call; includes reasoning.")
    cache_read_tokens = count()
    cache_write_tokens = count()
    reasoning_tokens = count()
    usage_rule = text("Which rule filled the token fields.")
    cost_usd = money("Null when the price is unknown, never 0 for that.")
    price_source = text("Which price list made the cost.")
    tool_name = text()
    tool_call_id = text()
    finish_reason = text()
    response_id = text()
    convention = text("The semantic convention that the span was read from.")
    scope_name = text()
    scope_version = text()
    dropped_attributes = count("Attributes that the sender's own limits dropped.")
    attributes = AttributesField()
    resource_attributes = AttributesField()
    scope_attributes = AttributesField()
    dropped_events = count("Events that the sender's SDK, or a limit, threw away.")
    dropped_links = count("Links that the sender's SDK, or a limit, threw away.")
    events = Event(many=True)
    links = Link(many=True)
    input_preview = text()
    output_preview = text()
    input_bytes = count()
    output_bytes = count()


class SumsExplained(serializers.Serializer[Any]):
    """How the totals of a trace came about."""

    calls = count("Model calls and embeddings.")
    priced = count()
    unpriced = count("Used tokens whose price is unknown.")
    without_usage = count("Reported no tokens.")
    incomplete = count("Of these the sender dropped attributes.")
    sources = serializers.DictField(child=serializers.FloatField(), help_text="US dollars by price source.")
    unpriced_models = serializers.ListField(child=text())
    tokens_words = text()
    cost_words = text()


class LookHere(serializers.Serializer[Any]):
    span_id = serializers.CharField(help_text="The step to open first.")
    reason = serializers.CharField(help_text="Why, in a sentence.")


class TraceDetail(TraceSummary):
    explanation = SumsExplained(allow_null=True, help_text="Null when not all spans are given here.")
    look_here = LookHere(
        allow_null=True, help_text="Where to look first in a run that failed: a hint. Null when there is none."
    )
    spans = Span(many=True)
    truncated = serializers.BooleanField(help_text="Whether the trace has more spans than are given here.")


class Part(serializers.Serializer[Any]):
    """A piece of a message. `type` decides which of the other fields are there."""

    type = choice(
        ("text", "reasoning", "raw", "tool_call", "tool_result", "image", "audio", "file"),
        "`raw` is what could not be read.",
    )
    text = serializers.CharField(required=False)
    id = serializers.CharField(required=False, help_text="Of the tool call.")
    name = serializers.CharField(required=False, help_text="Of the tool.")
    arguments = serializers.JSONField(required=False, help_text="Of the tool call.")
    result = serializers.CharField(required=False, help_text="Of the tool call.")
    mime_type = serializers.CharField(required=False)
    uri = serializers.CharField(required=False, help_text="Where a file is; never its content.")
    size = serializers.IntegerField(required=False, help_text="Bytes of a file that was sent inline.")


class Message(serializers.Serializer[Any]):
    role = choice(("system", "user", "assistant", "tool"))
    parts = Part(many=True)
    finish_reason = serializers.CharField(required=False)


class Tool(serializers.Serializer[Any]):
    name = text()
    description = text()
    parameters = serializers.JSONField(allow_null=True, help_text="A JSON schema.")


class Conversation(serializers.Serializer[Any]):
    """A model call's messages in one form, whatever convention they were sent in."""

    input = Message(many=True)
    output = Message(many=True)
    tools = Tool(many=True, help_text="The tools that the model was offered.")


class Evaluation(serializers.Serializer[Any]):
    name = text("Of the metric.")
    score = serializers.FloatField(allow_null=True)
    label = text()  # type: ignore[assignment]  # a field of this name, not the label of one
    explanation = text()
    time = moment()


class TokensRead(serializers.Serializer[Any]):
    figure = text("The column that was filled.")
    attribute = text("The attribute that it was read from.")
    value = serializers.JSONField(help_text="As received.")
    key = text("Where inside the attribute, when it holds a document; else empty.")


class TokensIgnored(serializers.Serializer[Any]):
    attribute = text()
    value = serializers.JSONField(help_text="As received.")
    why = text()
    key = text("As of what was read.")


class TokensExplained(serializers.Serializer[Any]):
    rule = text("The rule that read the tokens, as in `usage_rule`.")
    words = text("What the rule does.")
    read = TokensRead(many=True)
    ignored = TokensIgnored(many=True)
    notes = serializers.ListField(child=text(), help_text="What was added, taken off, or is part of what.")


class CostPart(serializers.Serializer[Any]):
    figure = text("input, cache read, cache write, output, reasoning or request.")
    count = count("Tokens; 1 for a request.")
    usd_per_million = serializers.FloatField(help_text="The unit price; of a request that of one.")
    usd = serializers.FloatField()


class CostExplained(serializers.Serializer[Any]):
    source = text("The price source and its version, as in `price_source`.")  # type: ignore[assignment]
    words = text()
    formula = text("Empty when the price that made the cost is not known any more.")
    parts = CostPart(many=True)
    notes = serializers.ListField(child=text())


class Explained(serializers.Serializer[Any]):
    """How the figures of a span came about."""

    tokens = TokensExplained()
    cost = CostExplained()
    incomplete = serializers.BooleanField(help_text="Whether the sender dropped attributes.")


class SpanDetail(Span):
    explanation = Explained()
    input = text("The whole input payload.")
    output = text("The whole output payload.")
    messages = Conversation()
    evaluations = Evaluation(many=True, help_text="`gen_ai.evaluation.result` events about the span.")


class ComparedStep(serializers.Serializer[Any]):
    number = count("From 1, in its own trace.")
    span_id = text()
    type = choice(SPAN_TYPES)
    name = text("Of the tool or agent; of a model call the agent that made it.")
    model = text()
    status = choice(STATUSES)
    duration_ns = count()
    input_tokens = count()
    output_tokens = count()
    cost_usd = money("Null when the price is unknown.")


class StepPair(serializers.Serializer[Any]):
    a = ComparedStep(allow_null=True)
    b = ComparedStep(allow_null=True)
    differences = serializers.ListField(child=choice(DIFFERENCES), help_text="Empty when the step is the same in both.")


class TypicalOf(serializers.Serializer[Any]):
    alike = count("Runs that went the same way as this one.")
    runs = count("Finished runs that were looked at.")


class TraceComparison(serializers.Serializer[Any]):
    a = TraceSummary()
    b = TraceSummary()
    typical = TypicalOf(allow_null=True, help_text="Null unless the typical run was asked for.")
    words = text("Where the runs part, in words.")
    first_difference = serializers.IntegerField(
        allow_null=True, min_value=0, help_text="Place in `steps` of the first that takes another way; null for none."
    )
    steps = StepPair(many=True)
    steps_left_out = count("Steps beyond those that are compared.")
    exact = serializers.BooleanField(
        help_text="False where payloads are so large that some were compared by their beginning and length only."
    )


class CurrentProject(serializers.Serializer[Any]):
    project = text("The project that this key or login reads.")
    name = text()
    scopes = serializers.ListField(child=text())
    credentials = choice(("key", "session", "loopback"), "How the caller was recognised.")
    key_prefix = text("The part of the key that may be shown.")
    user = text("Name of the logged-in user.")


def days(what: str) -> serializers.IntegerField:
    return serializers.IntegerField(
        allow_null=True, required=False, min_value=1, help_text=f"Days that {what} are kept; null keeps them for ever."
    )


class RetentionSettings(serializers.Serializer[Any]):
    payload_days = days("payloads (whole prompts, answers, arguments)")
    span_days = days("spans and the summaries of traces")
    tool_call_days = days("rows of the audit trail `tool_calls`")


class StoredTable(serializers.Serializer[Any]):
    table = text("The table behind the views.")
    setting = text("Which of the settings rules it.")
    keeps_days = serializers.IntegerField(allow_null=True, help_text="Days that hold; null: for ever.")
    rows = count("Rows on disk, copies that are not merged away yet included.")
    first = serializers.DateTimeField(allow_null=True, help_text="Start of the oldest row.")
    last = serializers.DateTimeField(allow_null=True, help_text="Start of the newest row.")
    bytes_on_disk = count("Compressed, as it lies on disk.")
    estimated = serializers.BooleanField(
        help_text="True where files hold several projects: the bytes are then this project's share by rows."
    )


class RedactionRuleFields(serializers.Serializer[Any]):
    name = serializers.CharField(
        max_length=40, help_text="Letters a to z, digits, _ and -; stands in the place of a secret."
    )
    kind = serializers.ChoiceField(choices=("key", "pattern"), help_text="What `pattern` is.")
    pattern = serializers.CharField(max_length=500, help_text="The name of a key, or a regular expression (RE2).")
    replacement = serializers.CharField(required=False, allow_blank=True, max_length=100)
    enabled = serializers.BooleanField(required=False)


class RedactionRule(serializers.Serializer[Any]):
    name = text()
    kind = choice(("built-in", "optional", "key", "pattern"), "Built-in rules are on by default, optional ones off.")
    finds = text()
    pattern = text("Empty for rules that are not the project's own.")
    replacement = text("What stands in the place of a secret.")
    enabled = serializers.BooleanField()


class RedactionRulePage(serializers.Serializer[Any]):
    results = RedactionRule(many=True)
    next = serializers.CharField(allow_null=True)


class PreviewedText(serializers.Serializer[Any]):
    text = serializers.CharField(help_text="At most 100,000 characters; nothing of it is stored.")


class Preview(serializers.Serializer[Any]):
    text = text("The text as it would be stored.")
    counts = serializers.DictField(child=count(), help_text="Rule → how many secrets it took out.")


class RetentionAnswer(RetentionSettings):
    stored = StoredTable(many=True)


def limit(what: str) -> serializers.IntegerField:
    return serializers.IntegerField(allow_null=True, required=False, min_value=1, max_value=MOST, help_text=what)


class Limits(serializers.Serializer[Any]):
    spans_per_second = limit("Spans and log records a second, sustained; null: no limit.")
    burst = limit(f"How many may come at once after a pause; null: those of {BURST_SECONDS} seconds.")
    bytes_per_second = limit("Bytes of request bodies a second, after decompression; null: no limit.")


class SavedViewFields(serializers.Serializer[Any]):
    name = serializers.CharField(required=False, help_text="1 to 80 characters; needed when it is made.")
    query = serializers.CharField(required=False, allow_blank=True, help_text="A search, as `q` of the trace list.")
    since = serializers.CharField(required=False, allow_blank=True, help_text="As `since` of the trace list.")
    sort = serializers.CharField(required=False, allow_blank=True, help_text="As `sort` of the trace list.")
    columns = serializers.ListField(
        child=serializers.CharField(), required=False, help_text="Columns of the page; empty for the usual ones."
    )
    shared = serializers.BooleanField(required=False, help_text="Whether all in the project see it.")


class SavedView(serializers.Serializer[Any]):
    id = count()
    name = text()
    query = text()
    since = text()
    sort = text()
    columns = serializers.ListField(child=serializers.CharField())
    shared = serializers.BooleanField()
    own = serializers.BooleanField(help_text="Whether it is the caller's own.")
    may_change = serializers.BooleanField(help_text="Whether the caller may change or delete it.")


class SavedViewPage(serializers.Serializer[Any]):
    results = SavedView(many=True)
    next = serializers.CharField(allow_null=True, help_text="Always null: all are on one page.")
