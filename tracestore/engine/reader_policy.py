"""What settings a reader may bring: harmless ones pass, limits go downward only."""

from __future__ import annotations

import re
from collections.abc import Mapping

from tracestore.engine.errors import READONLY, EngineError
from tracestore.engine.settings import READER_FIXED, READER_LIMITS

# Settings that change how a result looks or how the transport behaves, never what it may cost.
_HARMLESS = re.compile(
    # Not output_format_schema: it names a file that the engine would write.
    r"(?:output_format_(?!schema\Z)\w+"
    r"|date_time_(?:input|output)_format|session_timezone|final|extremes|join_use_nulls"
    r"|format_csv_delimiter|format_csv_allow_(?:single|double)_quotes|format_csv_null_representation"
    r"|format_tsv_null_representation|format_json_object_each_row_column_for_object_name"
    r"|bool_(?:true|false)_representation|interval_output_format|aggregate_functions_null_for_empty"
    r"|max_block_size|max_rows_to_read|max_bytes_to_read|max_result_bytes|limit|offset"
    r"|prefer_column_name_to_alias|any_join_distinct_right_table_keys|log_comment|log_queries"
    r"|priority|connect_timeout|receive_timeout|send_timeout|union_default_mode|group_by_use_nulls"
    r"|transform_null_in|enable_optimize_predicate_expression|use_query_cache"
    r"|do_not_merge_across_partitions_select_final|asterisk_include_\w+_columns"
    r"|send_progress_in_http_headers|enable_http_compression|http_(?!allow_)\w+"
    r"|cancel_http_readonly_queries_on_client_close|add_http_cors_header|network_compression_method"
    r"|async_insert|wait_for_async_insert|allow_experimental_(?:json|object|variant|dynamic)_type)\Z"
)
_ALREADY_SO = {"readonly": ("1", "2")}
_COUNT = re.compile(r"\d{1,19}(?:\.0*)?\Z")


def reader_settings(given: Mapping[str, str]) -> dict[str, str]:
    """The settings to apply for a reader: the client's, tamed, then the limits.

    Raises code 164 for a setting that could widen what a reader may do.
    """
    applied: dict[str, str] = {}
    for name, value in given.items():
        if name in READER_LIMITS:
            applied[name] = str(_lower(name, value))
        elif name in READER_FIXED:
            if value != READER_FIXED[name]:
                raise _refused(name)
        elif name in _ALREADY_SO:
            if value not in _ALREADY_SO[name]:
                raise _refused(name)
        elif _HARMLESS.match(name):
            applied[name] = value
        else:
            raise _refused(name)
    for name, limit in READER_LIMITS.items():
        applied.setdefault(name, str(limit))
    applied.update(READER_FIXED)
    return applied


def _lower(name: str, value: str) -> int:
    """The smaller of what is asked for and what is allowed; zero means no limit, so: allowed."""
    limit = READER_LIMITS[name]
    if not _COUNT.match(value):
        raise _refused(name)
    return min(int(float(value)), limit) or limit


def _refused(name: str) -> EngineError:
    shown = name if name.isidentifier() and name.isascii() else "this"
    return EngineError(READONLY, f"Cannot modify '{shown}' setting in readonly mode.")
