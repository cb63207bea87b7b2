"""`manage.py ingest`: the OTLP receiver, one process. Several may share the ports."""

from __future__ import annotations

import gc
import os
from typing import Any

import uvloop
from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from ingest.auth import identify_in_thread
from ingest.server import Parts, run
from tracestore.errors import Unavailable


class Command(BaseCommand):
    help = "Receives OTLP over gRPC and HTTP and stores spans and log records."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        environment = settings.ENVIRONMENT
        parser.add_argument("--host", default=environment.bind, help="address to listen on (%(default)s)")
        parser.add_argument("--grpc-port", type=int, default=environment.otlp_grpc_port, help="(%(default)s)")
        parser.add_argument("--http-port", type=int, default=environment.otlp_http_port, help="(%(default)s)")
        parser.add_argument(
            "--share-ports",
            action="store_true",
            default=environment.ingest_processes > 1,
            help="let other ingest processes listen on the same ports",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        from tracestore import prices, project_limits
        from tracestore.capture import CutterBook
        from tracestore.clickhouse.log_writer import LogWriter
        from tracestore.clickhouse.writer import SpanWriter
        from tracestore.redaction import RedactorBook
        from tracestore.spans.normalise import normalise
        from tracestore.spans.resolve import apply

        parts = Parts(
            writer=SpanWriter(),
            log_writer=LogWriter(),
            normalise=normalise,
            resolve=apply,
            identify=identify_in_thread,
            check_ready=check_ready,
            overrides=prices.book().start().of,
            rates=project_limits.book().start().of,
            attribute_names=settings.ENVIRONMENT.attribute_names_per_day,
            processes=settings.ENVIRONMENT.ingest_processes,
            redactors=RedactorBook().start().of,
            cutters=CutterBook().start().of,
            require_key=settings.ENVIRONMENT.require_api_key,
        )
        # Spans hold no cycles, and there are many of them: collections at the default rate take a
        # tenth of the time and free nothing.
        gc.freeze()
        gc.set_threshold(100_000, 50, 100)
        clean = uvloop.run(
            run(
                parts,
                options["host"],
                options["grpc_port"],
                options["http_port"],
                reuse_port=options["share_ports"],
            )
        )
        if not clean:
            # An insert still hangs in its thread, which Python would wait for. Nobody was told that
            # it succeeded, so nothing is lost by leaving it.
            os._exit(0)


def check_ready() -> None:
    """Returns when the store answers and has the schema of this version."""
    from tracestore.clickhouse import client, migrations

    client.ping()
    if not _SCHEMA_IS_CURRENT:
        pending = migrations.pending()
        if pending:
            raise Unavailable(f"the store lacks migration {pending[0].name}")
        _SCHEMA_IS_CURRENT.append(True)


#: Filled once it is; it never ceases to be while this version runs.
_SCHEMA_IS_CURRENT: list[bool] = []
