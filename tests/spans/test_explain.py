"""Every figure is explained by what was received, every rule has words, and nothing is made up."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path

import corpus
import pytest
from records import event, record

from tracestore.spans import explain, semconv
from tracestore.spans.model import Span, SpanRecord, Value
from tracestore.spans.normalise import normalise
from tracestore.spans.own_prices import Overrides, OwnPrice
from tracestore.spans.pricing import TABLE, Price
from tracestore.spans.semconv import rules
from tracestore.spans.semconv.places import at, document

SEMCONV = Path(semconv.__file__).parent
GENAI: dict[str, Value] = {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "openai",
    "gen_ai.request.model": "gpt-4o-mini",
}


class Stored:
    """A span as a row of the store gives it back."""

    def __init__(self, span: Span) -> None:
        self.span = span
        self.start_ns = span.record.start_ns
        self.dropped_attributes = span.record.dropped_attributes

    def __getattr__(self, name: str) -> object:
        return getattr(self.span, name)


def of(sent: SpanRecord, overrides: Overrides | None = None, **changed: object) -> explain.Explanation:
    span = normalise(sent, overrides)
    for name, value in changed.items():
        setattr(span, name, value)
    return explain.explain(Stored(span), sent.attributes, overrides)


def written_rules() -> set[str]:
    """Every text in the conventions' code that becomes (part of) a `usage_rule`."""
    found: set[str] = set()
    for path in SEMCONV.glob("*.py"):
        tree = ast.parse(path.read_text("utf-8"))
        named = {
            target.id: node.value
            for node in tree.body
            if isinstance(node, ast.Assign | ast.AnnAssign) and isinstance(node.value, ast.Constant)
            for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
            if isinstance(target, ast.Name)
        }
        for node in ast.walk(tree):
            holders: list[ast.AST] = []
            if isinstance(node, ast.Assign | ast.AugAssign):
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                names = {getattr(target, "attr", getattr(target, "id", "")) for target in targets}
                holders = [node.value] if names & {"usage_rule", "rule"} and node.value is not None else []
            elif isinstance(node, ast.Call):
                called = getattr(node.func, "attr", getattr(node.func, "id", ""))
                if re.match(r"_?(from_|fill)", called):
                    holders = [a for a in node.args if isinstance(a, ast.Constant)]
                    holders += [named[a.id] for a in node.args if isinstance(a, ast.Name) and a.id in named]
                holders += [word.value for word in node.keywords if word.arg in ("rule", "usage_rule")]
            elif isinstance(node, ast.FunctionDef):
                given = node.args.args[len(node.args.args) - len(node.args.defaults) :]
                holders = [d for a, d in zip(given, node.args.defaults, strict=True) if a.arg == "rule"]
            for holder in holders:
                found |= {n.value for n in ast.walk(holder) if isinstance(n, ast.Constant) and isinstance(n.value, str)}
    return found - {""}


def test_every_rule_has_words() -> None:
    written = written_rules()
    assert {"genai", "openinference", "openllmetry", "anthropic-sdk", "-legacy", "+cached", "+reasoning"} <= written
    assert "-reasoning" in written
    assert written <= {*rules.RULES, *rules.AMENDMENTS}
    assert {*rules.RULES, *rules.AMENDMENTS} <= written, "words for a rule that is gone"


@pytest.mark.parametrize("base", rules.RULES)
@pytest.mark.parametrize("legacy", ["", "-legacy"])
@pytest.mark.parametrize("more", ["", "+cached", "+cached+reasoning", "-reasoning"])
def test_a_rule_of_several_parts_has_the_words_of_each(base: str, legacy: str, more: str) -> None:
    words = rules.words(base + legacy + more)
    assert words.startswith(rules.RULES[base].words)
    for end, said in rules.AMENDMENTS.items():
        assert (said in words) == (end in legacy + more)


READ = [
    pytest.param(
        record(
            attributes={
                **GENAI, "gen_ai.usage.input_tokens": 1000, "gen_ai.usage.output_tokens": 50,
                "gen_ai.usage.cache_read.input_tokens": 400, "gen_ai.usage.prompt_tokens": 1000,
                "gen_ai.usage.total_tokens": 1050, "gen_ai.usage.reasoning_tokens": 20,
            }
        ),
        "genai",
        {"input_tokens": "gen_ai.usage.input_tokens", "cache_read_tokens": "gen_ai.usage.cache_read.input_tokens"},
        {"gen_ai.usage.prompt_tokens": "the same number as gen_ai.usage.input_tokens"},
        ["input includes 400 cached tokens (400 read)", "output includes 20 reasoning tokens"],
        id="genai",
    ),
    pytest.param(
        record(attributes={**GENAI, "gen_ai.usage.prompt_tokens": "7", "gen_ai.usage.completion_tokens": 3}),
        "genai-legacy",
        {"input_tokens": "gen_ai.usage.prompt_tokens", "output_tokens": "gen_ai.usage.completion_tokens"},
        {},
        [],
        id="genai-legacy",
    ),
    pytest.param(
        record(
            attributes={**GENAI, "gen_ai.usage.input_tokens": 10, "gen_ai.usage.cache_read.input_tokens": 90,
                        "gen_ai.usage.cache_creation.input_tokens": 5, "gen_ai.usage.output_tokens": 1}
        ),
        "genai+cached",
        {"input_tokens": "gen_ai.usage.input_tokens"},
        {},
        ["input includes 95 cached tokens (90 read, 5 written), which were added to what the sender calls input"],
        id="cached beside",
    ),
    pytest.param(
        record(attributes={**GENAI, "gen_ai.usage.output_tokens": 10, "gen_ai.usage.reasoning_tokens": 30}),
        "genai+reasoning",
        {"output_tokens": "gen_ai.usage.output_tokens", "reasoning_tokens": "gen_ai.usage.reasoning_tokens"},
        {},
        ["output includes 30 reasoning tokens, which were added to what the sender calls output"],
        id="reasoning beside",
    ),
    pytest.param(
        record(
            scope="gcp.vertex.agent",
            attributes={**GENAI, "gen_ai.request.model": "openai/gpt-4o-mini", "gen_ai.usage.input_tokens": 5,
                        "gen_ai.usage.output_tokens": 100, "gen_ai.usage.experimental.reasoning_tokens": 40},
        ),
        "genai-reasoning",
        {"reasoning_tokens": "gen_ai.usage.experimental.reasoning_tokens"},
        {},
        ["output includes 40 reasoning tokens; they were on top of output once more: taken off"],
        id="reasoning twice",
    ),
    pytest.param(
        record(
            attributes={"openinference.span.kind": "LLM", "llm.model_name": "gpt-4o-mini",
                        "llm.token_count.prompt": 8, "llm.token_count.completion": 2, "llm.token_count.total": 10}
        ),
        "openinference",
        {"input_tokens": "llm.token_count.prompt", "output_tokens": "llm.token_count.completion"},
        {"llm.token_count.total": "a sum of the others"},
        [],
        id="openinference",
    ),
    pytest.param(
        record(scope="com.anthropic.sdk.python", attributes={**GENAI, "gen_ai.usage.input_tokens": 5}),
        "anthropic-sdk",
        {"input_tokens": "gen_ai.usage.input_tokens"},
        {},
        [],
        id="anthropic-sdk",
    ),
    pytest.param(
        record(attributes={**GENAI, "llm.request.type": "chat", "gen_ai.usage.input_tokens": 5}),
        "openllmetry",
        {"input_tokens": "gen_ai.usage.input_tokens"},
        {},
        [],
        id="openllmetry",
    ),
    pytest.param(
        record(
            attributes={"llm.request.type": "chat", "llm.usage.prompt_tokens": 50, "llm.usage.completion_tokens": 9,
                        "llm.usage.cache_read_input_tokens": 20, "llm.usage.reasoning_tokens": 4,
                        "llm.usage.total_tokens": 59}
        ),
        "openllmetry-llm",
        {"input_tokens": "llm.usage.prompt_tokens", "output_tokens": "llm.usage.completion_tokens",
         "cache_read_tokens": "llm.usage.cache_read_input_tokens", "reasoning_tokens": "llm.usage.reasoning_tokens"},
        {"llm.usage.total_tokens": "a sum of the others"},
        ["input includes 20 cached tokens (20 read)", "output includes 4 reasoning tokens"],
        id="openllmetry before 0.19",
    ),
    pytest.param(
        record(
            attributes={"ai.operationId": "ai.generateText.doGenerate", "ai.usage.promptTokens": 10,
                        "ai.usage.completionTokens": 5, "gen_ai.usage.input_tokens": 10,
                        "ai.response.providerMetadata":
                            '{"anthropic": {"usage": {"input_tokens": 10, "cache_read_input_tokens": 90}}}'}
        ),
        "vercel+cached",
        {"input_tokens": "ai.usage.promptTokens", "output_tokens": "ai.usage.completionTokens",
         "cache_read_tokens": "ai.response.providerMetadata anthropic.usage.cache_read_input_tokens"},
        {"gen_ai.usage.input_tokens": "the same number as ai.usage.promptTokens"},
        ["input includes 90 cached tokens (90 read), which were added to what the sender calls input"],
        id="vercel",
    ),
    pytest.param(
        record(attributes={"ai.operationId": "ai.embed.doEmbed", "ai.usage.tokens": 12, "ai.embeddings": "[[0.1]]"}),
        "vercel",
        {"input_tokens": "ai.usage.tokens"},
        {},
        [],
        id="vercel embedding",
    ),
    pytest.param(
        record(
            attributes={
                "langfuse.observation.type": "generation",
                "langfuse.observation.usage_details":
                    '{"input": 70, "input_cached_tokens": 20, "input_audio": 5, "output": 9, "output_reasoning": 3,'
                    ' "total": 107}',
            }
        ),
        "langfuse+cached+reasoning",
        {"input_tokens": "langfuse.observation.usage_details input_audio",
         "output_tokens": "langfuse.observation.usage_details output",
         "cache_read_tokens": "langfuse.observation.usage_details input_cached_tokens",
         "reasoning_tokens": "langfuse.observation.usage_details output_reasoning"},
        {"langfuse.observation.usage_details total": "a sum of the others"},
        ["input includes 20 cached tokens (20 read), which were added to what the sender calls input",
         "output includes 3 reasoning tokens, which were added to what the sender calls output"],
        id="langfuse buckets",
    ),
    pytest.param(
        record(
            attributes={
                "langfuse.observation.type": "generation",
                "langfuse.observation.usage_details":
                    '{"prompt_tokens": 70, "completion_tokens": 9, "prompt_tokens_details": {"cached_tokens": 20}}',
            }
        ),
        "langfuse",
        {"input_tokens": "langfuse.observation.usage_details prompt_tokens",
         "cache_read_tokens": "langfuse.observation.usage_details prompt_tokens_details.cached_tokens"},
        {},
        ["input includes 20 cached tokens (20 read)"],
        id="langfuse, the vendor's object",
    ),
    pytest.param(
        record(attributes={"langfuse.observation.type": "generation", "gen_ai.usage.input_tokens": 5}),
        "langfuse-genai",
        {"input_tokens": "gen_ai.usage.input_tokens"},
        {},
        [],
        id="langfuse-genai",
    ),
    pytest.param(
        record(
            attributes={"langsmith.span.kind": "llm", "gen_ai.usage.input_tokens": 50, "gen_ai.usage.output_tokens": 9,
                        "gen_ai.usage.input_token_details": "{'cache_read': 20}", "gen_ai.usage.total_tokens": 59,
                        "gen_ai.usage.output_token_details": "{'reasoning': 4}"}
        ),
        "langsmith",
        {"input_tokens": "gen_ai.usage.input_tokens", "output_tokens": "gen_ai.usage.output_tokens",
         "cache_read_tokens": "gen_ai.usage.input_token_details cache_read",
         "reasoning_tokens": "gen_ai.usage.output_token_details reasoning"},
        {"gen_ai.usage.total_tokens": "a sum of the others"},
        ["input includes 20 cached tokens (20 read)", "output includes 4 reasoning tokens"],
        id="langsmith, details as Python",
    ),
    pytest.param(
        record(
            attributes={"langsmith.span.kind": "llm", "gen_ai.usage.input_tokens": 50,
                        "langsmith.usage_metadata": '{"input_tokens": 51, "output_tokens": 9}'}
        ),
        "langsmith",
        {"input_tokens": "langsmith.usage_metadata input_tokens"},
        {"gen_ai.usage.input_tokens": "not one of the figures of this rule"},
        [],
        id="langsmith, one document",
    ),
    pytest.param(
        record(
            attributes={"mlflow.spanType": '"CHAT_MODEL"',
                        "mlflow.chat.tokenUsage": '{"input_tokens": 50, "output_tokens": 9, "total_tokens": 59}',
                        "mlflow.spanOutputs": '{"usage": {"completion_tokens_details": {"reasoning_tokens": 4}}}'}
        ),
        "mlflow",
        {"input_tokens": "mlflow.chat.tokenUsage input_tokens",
         "reasoning_tokens": "mlflow.spanOutputs usage.completion_tokens_details.reasoning_tokens"},
        {"mlflow.chat.tokenUsage total_tokens": "a sum of the others"},
        ["output includes 4 reasoning tokens"],
        id="mlflow",
    ),
    pytest.param(
        record(
            attributes={"mlflow.spanType": '"LLM"',
                        "mlflow.spanOutputs":
                            '{"usage_metadata": {"prompt_token_count": 7, "thoughts_token_count": 3}}'}
        ),
        "mlflow-response+reasoning",
        {"input_tokens": "mlflow.spanOutputs usage_metadata.prompt_token_count"},
        {},
        ["output includes 3 reasoning tokens, which were added to what the sender calls output"],
        id="mlflow-response",
    ),
    pytest.param(
        record(attributes={"mlflow.spanType": '"LLM"', "gen_ai.usage.input_tokens": 5}),
        "mlflow-genai",
        {"input_tokens": "gen_ai.usage.input_tokens"},
        {},
        [],
        id="mlflow-genai",
    ),
    pytest.param(
        record(
            scope="logfire.anthropic",
            attributes={"request_data": '{"messages": []}', "gen_ai.usage.input_tokens": 10,
                        "response_data": '{"usage": {"input_tokens": 10, "cache_read_input_tokens": 90}}'},
        ),
        "logfire+cached",
        {"input_tokens": "response_data usage.input_tokens",
         "cache_read_tokens": "response_data usage.cache_read_input_tokens"},
        {"gen_ai.usage.input_tokens": "the same number as usage.input_tokens"},
        ["input includes 90 cached tokens (90 read), which were added to what the sender calls input"],
        id="logfire",
    ),
    pytest.param(
        record(
            scope="logfire.openai",
            attributes={"request_data": '{"messages": []}', "gen_ai.usage.raw": {"prompt_tokens": 10}},
        ),
        "logfire",
        {"input_tokens": "gen_ai.usage.raw prompt_tokens"},
        {},
        [],
        id="logfire raw",
    ),
    pytest.param(
        record(
            "autogen process planner",
            scope="autogen SingleThreadedAgentRuntime",
            attributes={"messaging.operation": "process",
                        "message": '{"message": {"models_usage": {"prompt_tokens": 8, "completion_tokens": 2}}}'},
        ),
        "autogen",
        {"input_tokens": "message message.models_usage.prompt_tokens"},
        {},
        [],
        id="autogen",
    ),
    pytest.param(
        record(
            "haystack.agent.step.llm",
            {
                "haystack.agent.step.llm.output": json.dumps(
                    {"replies": [{"role": "assistant", "meta": {"model": "m", "usage": {"prompt_tokens": 12}}}] * 2}
                )
            },
        ),
        "haystack",
        {"input_tokens": "haystack.agent.step.llm.output replies.0.meta.usage.prompt_tokens"},
        {},
        [],
        id="haystack",
    ),
    pytest.param(
        record(
            "OpenAI.chat",
            scope="llamaindex.opentelemetry.tracer",
            events=[event("LLMChatStartEvent"), event("LLMChatEndEvent", **{"response.raw.usage.prompt_tokens": 12})],
        ),
        "llamaindex",
        {},
        {},
        ["read from an event of this span, its attributes have none"],
        id="llamaindex",
    ),
    pytest.param(
        record(attributes={**GENAI, "gen_ai.usage.output_tokens": 5}, dropped_attributes=3),
        "genai+incomplete",
        {"output_tokens": "gen_ai.usage.output_tokens"},
        {},
        ["The sender dropped 3 attributes: figures may be missing."],
        id="incomplete",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("sent", "rule", "read", "ignored", "notes"), READ)
def test_tokens(sent: SpanRecord, rule: str, read: dict[str, str], ignored: dict[str, str], notes: list[str]) -> None:
    found = of(sent).tokens
    assert (found.rule, found.words) == (rule, rules.words(rule))
    assert read.items() <= {one.figure: f"{one.attribute} {one.key}".rstrip() for one in found.read}.items()
    for one in found.read:
        received = sent.attributes[one.attribute]
        assert one.value == (at(document(received, python=True), one.key) if one.key else received)
    assert ignored.items() <= {f"{one.attribute} {one.key}".rstrip(): one.why for one in found.ignored}.items()
    assert found.notes == notes


def test_the_table_has_every_rule() -> None:
    named = {str(case.values[1]) for case in READ}
    assert {rules.base(rule) for rule in named} == set(rules.RULES)
    assert all(any(rule.endswith(end) or f"{end}+" in rule for rule in named) for end in rules.AMENDMENTS)


def test_numbers_of_another_span_are_said_to_be() -> None:
    sent = record(attributes={**GENAI, "gen_ai.usage.input_tokens": 10, "gen_ai.usage.output_tokens": 6})
    assert of(sent, usage_rule="anthropic-sdk", output_tokens=5).tokens.notes == [
        "output: 5, where the attributes of this span give 6: taken from another span that reports the same call"
    ]


@pytest.mark.parametrize("kind", ["AGENT", "CHAIN"])
def test_totals_of_an_agent_are_not_counted_and_that_is_said(kind: str) -> None:
    found = of(record(attributes={"openinference.span.kind": kind, "llm.token_count.prompt": 900}))
    assert found.tokens.words.startswith("Nothing is counted here")
    assert [(one.attribute, one.value) for one in found.tokens.ignored] == [("llm.token_count.prompt", 900)]
    assert found.cost.formula == found.cost.source == ""


def test_dropped_attributes_make_it_incomplete() -> None:
    sent = record(attributes={**GENAI, "gen_ai.usage.input_tokens": 10}, dropped_attributes=3)
    assert of(sent).incomplete
    assert "The sender dropped 3 attributes: figures may be missing." in of(sent).tokens.notes


USAGE: dict[str, Value] = {
    **GENAI,
    "gen_ai.usage.input_tokens": 1500,
    "gen_ai.usage.cache_read.input_tokens": 500,
    "gen_ai.usage.output_tokens": 20,
}


def test_the_formula_gives_the_cost() -> None:
    found = of(record(attributes=USAGE)).cost
    assert found.source == f"{TABLE} openai/gpt-4o-mini"
    assert found.formula == "1,000 input × $0.15/M + 500 cache read × $0.075/M + 20 output × $0.60/M"
    assert sum(part.usd for part in found.parts) == pytest.approx(normalise(record(attributes=USAGE)).cost_usd)


def test_a_dearer_tier_is_told() -> None:
    sent = record(
        attributes={**GENAI, "gen_ai.provider.name": "anthropic", "gen_ai.request.model": "claude-sonnet-4-5",
                    "gen_ai.usage.input_tokens": 200_001}
    )  # fmt: skip
    found = of(sent).cost
    assert found.formula == "200,001 input × $6.00/M"
    assert found.notes == ["An input of more than 200,000 tokens makes the whole call dearer."]


def test_an_own_price_with_a_part_for_reasoning_and_a_request() -> None:
    price = Price(1e-6, 2e-6, 1e-7, 0.0, request=0.001, reasoning=5e-6, source="project override 4 revision 2")
    own = Overrides([OwnPrice(4, "gpt-4o*", price)])
    found = of(record(attributes={**USAGE, "gen_ai.usage.reasoning_tokens": 5}), own).cost
    assert found.words == "The project's own price (project override 4 revision 2)."
    assert found.formula == (
        "$0.001 a request + 1,000 input × $1.00/M + 500 cache read × $0.10/M"
        " + 15 output × $2.00/M + 5 reasoning × $5.00/M"
    )


@pytest.mark.parametrize(
    ("changed", "note"),
    [
        ({"cost_usd": 9.0}, "Prices changed since: now it would be $0.0001995"),
        ({"price_source": "genai-prices 0.0.1 openai/gpt-4o-mini"}, "Prices changed since"),
        ({"price_source": "project override 7"}, "Prices changed since"),
        ({"model": "gone", "request_model": "gone"}, "This price is not there any more"),
    ],
)
def test_a_price_that_changed_since_has_no_formula(changed: dict[str, object], note: str) -> None:
    found = of(record(attributes=USAGE), **changed).cost
    assert (found.formula, found.parts) == ("", [])
    assert found.notes[0].startswith(note)


@pytest.mark.parametrize(
    ("attributes", "words"),
    [
        ({"gen_ai.request.model": "new-model"}, "No price is known for the model 'new-model' of openai. Set one"),
        ({"gen_ai.request.model": ""}, "The sender did not name the model"),
        ({"gen_ai.usage.input_tokens": None, "gen_ai.usage.output_tokens": None,
          "gen_ai.response.id": "r"}, "No tokens were counted"),
    ],
)  # fmt: skip
def test_no_cost_says_why(attributes: dict[str, Value], words: str) -> None:
    found = of(record(attributes=USAGE | attributes)).cost
    assert found.words.startswith(words)
    assert found.formula == ""


@pytest.mark.parametrize(
    ("told", "formula", "dollars"),
    [
        ({"operation.cost": 0.25}, "operation.cost = 0.25", 0.25),
        ({"operation.cost": "many", "llm.cost.total": "0.5"}, "llm.cost.total = 0.5", 0.5),
        ({"langfuse.observation.cost_details": '{"input": 0.25, "output": 0.5, "total": 0.75}'},
         "langfuse.observation.cost_details total = 0.75", 0.75),
        ({"langfuse.observation.cost_details": '{"input": 0.25, "output": 0.5}'},
         "langfuse.observation.cost_details input + output = 0.25 + 0.5", 0.75),
        ({"mlflow.llm.cost": '{"input_cost": 0.25, "output_cost": "x"}'}, "mlflow.llm.cost input_cost = 0.25", 0.25),
    ],
)  # fmt: skip
def test_a_reported_cost_names_its_attribute(told: dict[str, Value], formula: str, dollars: float) -> None:
    sent = record(attributes=USAGE | {"gen_ai.request.model": "new-model", **told})
    assert of(sent).cost.formula == formula
    assert normalise(sent).cost_usd == dollars
    assert of(sent, price_source="reported").cost.source == "reported by the sender"


def test_sums() -> None:
    sent = [
        record(attributes=USAGE),
        record(attributes=USAGE | {"gen_ai.request.model": "new-model"}, dropped_attributes=1),
        record(attributes={**GENAI}, status="error"),
        record(attributes={"openinference.span.kind": "AGENT", "llm.token_count.prompt": 900}),
    ]
    found = explain.sums([Stored(normalise(one)) for one in sent])
    assert (found.calls, found.priced, found.unpriced, found.without_usage, found.incomplete) == (3, 1, 1, 1, 1)
    assert found.sources == {f"{TABLE} openai/gpt-4o-mini": pytest.approx(0.0001995)}
    assert found.cost_words == "Sum of 1 priced of 3 model calls. 1 without a known price: new-model."
    assert found.tokens_words.endswith("1 reported no tokens. 1 incomplete: the sender dropped attributes.")


def test_strange_values_are_not_read() -> None:
    sent = record(attributes={**GENAI, "gen_ai.usage.input_tokens": -5, "gen_ai.usage.prompt_tokens": [1],
                              "gen_ai.response.id": "r",
                              "gen_ai.usage.output_tokens": float("nan")})  # fmt: skip
    found = of(sent)
    assert found.tokens.read == []
    assert found.tokens.words == "The sender reported no tokens for this call."


@pytest.mark.parametrize("capture", corpus.captures(corpus.GOLDEN), ids=lambda path: path.name)
def test_the_figures_of_real_frameworks_are_explained(capture: Path) -> None:
    """Every count of a call is either read from an attribute or said to be from elsewhere; formulas give costs."""
    calls = 0
    for span in corpus.resolved(capture):
        found = explain.explain(Stored(span), span.record.attributes)
        if span.type not in explain.CALLS or not span.usage_rule:
            continue
        calls += 1
        for figure in ("input_tokens", "output_tokens"):
            read = any(one.figure == figure for one in found.tokens.read)
            assert read or not getattr(span, figure) or found.tokens.notes, (span.usage_rule, figure)
        if not span.model:
            assert found.cost.words == "The sender did not name the model, so its price is unknown."
            continue
        assert span.cost_usd is not None
        assert found.cost.formula, found.cost
        assert sum(part.usd for part in found.cost.parts) == pytest.approx(span.cost_usd)
    assert calls
