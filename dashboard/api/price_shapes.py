"""The shapes of prices and models, for the OpenAPI schema only; see `shape_fields.py`."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from dashboard.api.shape_fields import choice, count, moment, money, text

PER_MILLION = "US dollars for a million tokens"


class StoredCalls(serializers.Serializer[Any]):
    calls = count("Stored calls that the price is about.")
    unpriced = count("Those of them whose cost is unknown now.")
    cost_usd = money("What they cost at present; null when no price is known.")
    reprice = text("The command that applies the prices of now to them.")


class PriceFields(serializers.Serializer[Any]):
    model = serializers.CharField(help_text="A model's name, or a pattern with `*` and `?`; case does not matter.")
    provider = serializers.CharField(required=False, allow_blank=True, help_text="Only of this provider; empty is any.")
    input_per_million = serializers.FloatField(help_text=f"{PER_MILLION} in.")
    output_per_million = serializers.FloatField(help_text=f"{PER_MILLION} out.")
    cache_read_per_million = serializers.FloatField(
        required=False, allow_null=True, help_text=f"{PER_MILLION} read from the cache; null is as input."
    )
    cache_write_per_million = serializers.FloatField(
        required=False, allow_null=True, help_text=f"{PER_MILLION} written to the cache; null is as input."
    )
    reasoning_per_million = serializers.FloatField(
        required=False, allow_null=True, help_text=f"{PER_MILLION} of reasoning; null is as output."
    )
    currency = serializers.CharField(required=False, help_text="USD; there is no other.")
    valid_from = serializers.DateTimeField(required=False, allow_null=True, help_text="Calls that began at or after.")
    valid_until = serializers.DateTimeField(required=False, allow_null=True, help_text="Calls that began before.")
    note = serializers.CharField(required=False, allow_blank=True)


class Price(PriceFields):
    id = count()
    revision = count("Counts the changes.")
    source = text("What `price_source` of a span says when this made its cost.")  # type: ignore[assignment]
    created_at = moment()
    created_by = text()


class ChangedPrice(Price):
    stored_calls = StoredCalls(allow_null=True, help_text="Null when the store does not answer just now.")


class PricePage(serializers.Serializer[Any]):
    results = Price(many=True)
    next = serializers.CharField(allow_null=True)


class Repriced(serializers.Serializer[Any]):
    model = text()
    calls = count("Calls that changed.")
    old_cost_usd = serializers.FloatField()
    new_cost_usd = serializers.FloatField()
    newly_priced = count()
    newly_unpriced = count()


class RepricingFields(serializers.Serializer[Any]):
    model = serializers.CharField(required=False, help_text="A name or a pattern with `*` and `?`; empty is all.")
    since = serializers.DateTimeField(required=False, allow_null=True)
    until = serializers.DateTimeField(required=False, allow_null=True)


class Repricing(RepricingFields):
    id = count()
    state = choice(("waiting", "running", "done", "failed"))
    message = text("What went wrong.")
    calls = count("How many it is about.")
    seen = count("How many were looked at so far.")
    outcome = Repriced(many=True)
    requested_at = moment()
    told_at = moment()


class RepricingPage(serializers.Serializer[Any]):
    results = Repricing(many=True)
    next = serializers.CharField(allow_null=True)


class Model(serializers.Serializer[Any]):
    model = text("The model that answered, else the requested one.")
    provider = text()
    calls = count("Model calls and embeddings.")
    embeddings = count()
    errors = count()  # type: ignore[assignment]
    input_tokens = count()
    output_tokens = count()
    cache_read_tokens = count()
    cache_write_tokens = count()
    reasoning_tokens = count()
    cost_usd = money("Sum of the priced calls; null when there is none.")
    unpriced_calls = count("Calls that used tokens and whose price is unknown.")
    incomplete_calls = count("Calls of which the sender dropped attributes.")
    p50_ns = count("Half of the calls took at most so many nanoseconds.")
    p95_ns = count("95 of 100 calls took at most so many nanoseconds.")
    price_sources = serializers.ListField(child=text())


class ModelPage(serializers.Serializer[Any]):
    results = Model(many=True)
    next = serializers.CharField(allow_null=True, help_text="Cursor of the next page; null at the end.")
