"""Channels: where on-call is told. Listed, made, changed, deleted, brought back, tried; and what was sent to them."""

from __future__ import annotations

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from dashboard.api import channel_shapes, filters
from dashboard.api.actor import actor
from dashboard.api.endpoint import Endpoint
from dashboard.api.prices import made
from dashboard.api.redaction import fields
from dashboard.api.schema import PROJECT, answers
from dashboard.api.traces import LIMIT
from tracestore.alerts import channels
from tracestore.alerts.models import Delivery
from tracestore.errors import InvalidInput
from tracestore.moments import utc_text

CHANNEL_ID = OpenApiParameter("channel_id", OpenApiTypes.INT, OpenApiParameter.PATH)


class ChannelList(Endpoint):
    @extend_schema(
        operation_id="channels_list",
        tags=["channels"],
        summary="List channels",
        description="Where on-call is told, with the state of each. Secrets are not shown.",
        parameters=[PROJECT],
        responses=answers(channel_shapes.ChannelPage),
    )
    def get(self, request: Request) -> Response:
        found = channels.listed(self.project)
        return Response({"results": [channels.as_listed(one) for one in found], "next": None})

    @extend_schema(
        operation_id="channels_create",
        tags=["channels"],
        summary="Make a channel",
        description="Unless routes name a channel, it gets every incident of `min_severity` (warning) and above.",
        parameters=[PROJECT],
        request=channel_shapes.NewChannel,
        responses=made(channel_shapes.Channel, 201, 400, 404),
    )
    def post(self, request: Request) -> Response:
        channel = channels.create(self.project, fields(request.data), actor(request))
        return Response(channels.as_listed(channel), status=201)


class ChannelItem(Endpoint):
    @extend_schema(
        operation_id="channels_read",
        tags=["channels"],
        summary="Read a channel",
        description="One channel with its state. Secrets are not shown.",
        parameters=[CHANNEL_ID, PROJECT],
        responses=answers(channel_shapes.Channel, 404),
    )
    def get(self, request: Request, channel_id: int) -> Response:
        return Response(channels.as_listed(channels.one(self.project, channel_id)))

    @extend_schema(
        operation_id="channels_update",
        tags=["channels"],
        summary="Change a channel",
        description="Only the fields that are sent change, those of `config` too. What is sent to an address (a token, "
        "a routing key) must be sent again when that address changes.",
        parameters=[CHANNEL_ID, PROJECT],
        request=channel_shapes.ChannelFields,
        responses=answers(channel_shapes.Channel, 400, 404),
    )
    def patch(self, request: Request, channel_id: int) -> Response:
        return Response(
            channels.as_listed(channels.change(self.project, channel_id, fields(request.data), actor(request)))
        )

    @extend_schema(
        operation_id="channels_delete",
        tags=["channels"],
        summary="Delete a channel",
        description="Answers with the channel that was. For a day it can be brought back.",
        parameters=[CHANNEL_ID, PROJECT],
        responses=answers(channel_shapes.Channel, 404),
    )
    def delete(self, request: Request, channel_id: int) -> Response:
        return Response(channels.as_listed(channels.delete(self.project, channel_id, actor(request))))


class ChannelRestoring(Endpoint):
    @extend_schema(
        operation_id="channels_restore",
        tags=["channels"],
        summary="Bring a deleted channel back",
        description="Within a day of its deletion, unless another has its name now.",
        parameters=[CHANNEL_ID, PROJECT],
        request=None,
        responses=answers(channel_shapes.Channel, 400, 404),
    )
    def post(self, request: Request, channel_id: int) -> Response:
        return Response(channels.as_listed(channels.restore(self.project, channel_id, actor(request))))


class ChannelTesting(Endpoint):
    @extend_schema(
        operation_id="channels_test",
        tags=["channels"],
        summary="Send a test",
        description="Sends a test at once, also to a channel that is switched off, and answers with how it ended.",
        parameters=[CHANNEL_ID, PROJECT],
        request=None,
        responses=answers(channel_shapes.ChannelTest, 404, 429),
    )
    def post(self, request: Request, channel_id: int) -> Response:
        notification = channels.test(self.project, channel_id, actor(request))
        last = notification.deliveries.order_by("-pk").first()
        return Response(
            {
                "outcome": "sent" if notification.state == "sent" else "failed",
                "status": last.status if last else 0,
                "milliseconds": last.milliseconds if last else 0,
                "error": notification.error,
                "notification": notification.pk,
            }
        )


class ChannelDeliveries(Endpoint):
    @extend_schema(
        operation_id="channels_deliveries",
        tags=["channels"],
        summary="Read a channel's delivery log",
        description="Each attempt to send it something, the latest first.",
        parameters=[
            CHANNEL_ID, LIMIT, OpenApiParameter("cursor", str, description="`next` of the page before."), PROJECT,
        ],
        responses=answers(channel_shapes.ChannelDeliveryPage, 400, 404),
    )  # fmt: skip
    def get(self, request: Request, channel_id: int) -> Response:
        params = request.query_params
        limit = filters.whole_number(params, "limit", filters.DEFAULT_LIMIT, filters.MAX_LIMIT)
        cursor = params.get("cursor", "")
        if cursor and not (cursor.isascii() and cursor.isdecimal() and len(cursor) < 19):
            raise InvalidInput("cursor: expected `next` of the page before.", field="cursor")
        found = channels.deliveries(self.project, channel_id, limit=limit + 1, before=int(cursor) if cursor else None)
        more = len(found) > limit
        return Response(
            {"results": [delivery(one) for one in found[:limit]], "next": str(found[limit - 1].pk) if more else None}
        )


def delivery(one: Delivery) -> dict[str, Any]:
    notification = one.notification
    return {
        "id": one.pk,
        "at": utc_text(one.at),
        "event": notification.event,
        "title": str(notification.message.get("title", "")),
        "incident": notification.incident_id,
        "notification": notification.pk,
        "outcome": one.outcome,
        "status": one.status,
        "milliseconds": one.milliseconds,
        "error": one.error,
    }
