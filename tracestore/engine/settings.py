"""Every limit and default of the engine process, each with its reason beside it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

MIB = 1 << 20
GIB = 1 << 30

# The views a reader may name. Everything else in the database is an implementation detail.
EXPOSED_VIEWS: tuple[str, ...] = (
    "spans",
    "span_payloads",
    "traces",
    "sessions",
    "llm_calls",
    "tool_calls",
    "findings",
    "agent_health",
    "otel_traces",
    "otel_traces_trace_id_ts",
    "otel_logs",
)
EXPOSED_DATABASE = "tracestore"

ADMIN_USER = "tracestore"
READER_USER = "reader"

# What a reader's query may cost. A client may ask for less, never for more.
READER_LIMITS: Mapping[str, int] = {
    "max_execution_time": 60,  # seconds; a console query that takes longer is a mistake
    "max_memory_usage": 2 * 1000**3,  # leaves room for ingest in the same process
    "max_result_rows": 1_000_000,  # beyond this people want an export, not a console
    "max_threads": 2,  # ingest must keep a core's worth of attention
    "max_bytes_before_external_group_by": 500 * MIB,
    "max_bytes_before_external_sort": 500 * MIB,
    "max_temporary_data_on_disk_size_for_query": 4 * GIB,
    "max_ast_depth": 500,
    "max_ast_elements": 20_000,
    "max_query_size": 256 * 1024,
}
# Applied after a client's own settings: no overflow mode may turn a limit into a silent cut.
READER_FIXED: Mapping[str, str] = {
    "result_overflow_mode": "throw",
    "timeout_overflow_mode": "throw",
    "read_overflow_mode": "throw",
    "sort_overflow_mode": "throw",
    "group_by_overflow_mode": "throw",
    "join_overflow_mode": "throw",
    "set_overflow_mode": "throw",
    "distinct_overflow_mode": "throw",
    "allow_ddl": "0",
    "allow_introspection_functions": "0",
    "allow_experimental_analyzer": "1",
}

# Defaults of every connection, chosen where chDB's own differ from what a server's client expects.
CONNECTION_DEFAULTS: Mapping[str, str] = {
    "async_insert": "0",  # writers batch; queueing small inserts would only delay the OK
    "implicit_select": "0",  # `1 + 1` alone is a syntax error on a server
    "allow_introspection_functions": "0",
    "date_time_input_format": "basic",
}


@dataclass(frozen=True)
class EngineSettings:
    """What one engine process was started with."""

    path: Path
    host: str = "127.0.0.1"
    port: int = 8123
    admin_password: str = ""
    reader_password: str = ""
    readers: Path | None = None  # the file of the readers of one project
    max_body_bytes: int = GIB  # after decompression too; beyond it 413
    spool_memory_bytes: int = 8 * MIB  # a body larger than this goes to a file under `path`
    max_running: int = 16  # queries at once; the rest wait
    reader_running: int = 4  # of one reader of one project, so that a team leaves room for the others
    max_waiting: int = 256  # requests in the queue before an immediate 503
    queue_seconds: float = 5.0  # how long a request waits for a slot before 503
    shutdown_seconds: float = 10.0
    session_seconds: float = 60.0  # ClickHouse's default_session_timeout
    max_session_seconds: float = 3600.0
    max_sessions: int = 512
    # An answer is held back so that its status can still become an error: until it has this size
    # or its first bytes this age, or with wait_end_of_query until it has the larger size.
    hold_bytes: int = MIB
    hold_seconds: float = 0.5
    hold_whole_bytes: int = 16 * MIB
    server_options: Mapping[str, int | str] = field(default_factory=dict)


def memory_limit() -> int:
    """The engine's memory cap: 3 GiB, or three fifths of a smaller machine."""
    physical = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return min(3 * GIB, physical * 3 // 5)


def server_options(path: Path, max_memory: int) -> dict[str, int | str]:
    """Options of chDB as a whole, set once by the first connection.

    The caches are small on purpose: the operating system's page cache serves the same reads,
    and gives its memory back.
    """
    return {
        "max_server_memory_usage": max_memory,
        "mark_cache_size": 128 * MIB,
        "index_mark_cache_size": 32 * MIB,
        "uncompressed_cache_size": 0,
        "index_uncompressed_cache_size": 0,
        "query_condition_cache_size": 16 * MIB,
        "primary_index_cache_size": 64 * MIB,
        "mmap_cache_size": 128,
        "background_pool_size": 2,
        "background_schedule_pool_size": 4,
        "user_files_path": str(path / "user_files"),
        # Where BACKUP and RESTORE may write and read: within the data directory, as on a server that is as shipped.
        "backups.allowed_path": "backups",
        "log-level": "none",
    }
