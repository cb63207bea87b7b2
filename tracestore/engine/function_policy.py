"""Which functions a reader may call: by the engine's own categories, minus what reaches outside.

An allow-list by category rather than by name: an upgraded engine's new string function works at
once, a function of a new or unlisted category is refused until somebody has looked at it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

SAFE_CATEGORIES = frozenset(
    (
        "Aggregate Functions", "Arithmetic", "Arrays", "Bit", "Bitmap", "Comparison",
        "Conditional", "Dates and Times", "Distance", "Encoding", "Financial", "Geo",
        "Geo Polygon", "Hash", "IP Address", "JSON", "Logical", "Map", "Mathematical", "Null",
        "NumericIndexedVector", "QBit", "Random Number", "Rounding", "String",
        "String Replacement", "String Search", "String Splitting", "Time Series", "Time Window",
        "Tuple", "Type Conversion", "URL", "UUID",
    )
)  # fmt: skip

# The category "Other" mixes `identity` with `file`; only these of it, and what the parser itself
# makes of CASE and CAST, are allowed.
SAFE_OTHERS = frozenset(
    (
        "_CAST", "bar", "blockNumber", "blockSize", "byteSize", "caseWithExpression",
        "countDigits", "currentDatabase", "currentQueryID", "currentSchemas",
        "currentUser", "defaultValueOfArgumentType",
        "defaultValueOfTypeName", "digits", "displayName", "dumpColumnStructure",
        "errorCodeToName", "finalizeAggregation", "formatQuery", "formatQueryOrNull",
        "formatQuerySingleLine", "formatQuerySingleLineOrNull", "formatReadableDecimalSize",
        "formatReadableQuantity", "formatReadableSize", "formatReadableTimeDelta",
        "getSizeOfEnumType", "getSubcolumn", "getTypeSerializationStreams", "identity", "ignore",
        "indexHint", "initialQueryID", "initialQueryStartTime", "initializeAggregation",
        "isConstant", "isDecimalOverflow", "materialize",
        "minSampleSizeContinuous", "minSampleSizeConversion", "neighbor", "normalizeQuery",
        "normalizeQueryKeepNames", "normalizedQueryHash", "normalizedQueryHashKeepNames",
        "parseReadableSize", "parseReadableSizeOrNull",
        "parseReadableSizeOrZero", "parseTimeDelta", "partitionId", "queryID", "revision",
        "rowNumberInAllBlocks", "rowNumberInBlock", "runningAccumulate", "runningDifference",
        "runningDifferenceStartingWithFirstValue", "throwIf", "toColumnTypeName", "toTypeName",
        "tokenizeQuery", "transform", "uptime", "variantElement", "variantType", "version",
        "visibleWidth",
    )
)  # fmt: skip

# `input` is also a column of `span_payloads`. As a table function the list of those refuses it; a scalar function of
# the name does not exist.
_COLUMNS_TOO = frozenset({"input"})
# The category "Other" holds lowCardinalityKeys too: the dictionary of a column has words of rows that a condition
# leaves out, so it is not in the list above.

# Whatever their category: files, network, secrets, configuration, dictionaries, waiting.
_NEVER = re.compile(
    r"file|url|s3|gcs|oss|hdfs|azure\w*|remote\w*|cluster\w*|mysql|postgresql|mongo\w*|redis"
    r"|sqlite|jdbc|odbc|iceberg\w*|deltalake\w*|hudi\w*|paimon\w*|python|executable|input|eval"
    r"|dict\w*|get\w*(?:macro|setting|settingordefault|port|header|kernelversion)|joinget\w*"
    r"|host\w*|fqdn|tcpport|serveruuid|filesystem\w*|showcertificate|hascolumnintable|sleep\w*"
    r"|catboost\w*|region\w*|addressto\w*|demangle|logtrace|zookeeper\w*|connectionid"
    r"|mergetree\w*|chdb",
    re.I,
)
# They send their arguments to a model over the network.
_AI = re.compile(r"ai[A-Z]")

TABLE_FUNCTIONS = frozenset(
    (
        "numbers", "numbers_mt", "zeros", "zeros_mt", "values", "generateSeries",
        "generate_series", "null", "primes", "view",
    )
)  # fmt: skip


@dataclass(frozen=True)
class FunctionPolicy:
    """The engine's functions sorted into what a reader may call and what not (lower case)."""

    allowed: frozenset[str]
    denied: frozenset[str]

    def permits(self, name: str) -> bool:
        """Whether a name may be called. Unknown names pass: combinators (`sumIf`) and lambdas."""
        return name.lower() not in self.denied

    def without(self, names: frozenset[str]) -> FunctionPolicy:
        """The policy with some functions (lower case) taken out."""
        return FunctionPolicy(self.allowed - names, self.denied | names)


def sort_functions(rows: Iterable[tuple[str, str, str, str]], table_functions: Iterable[str]) -> FunctionPolicy:
    """Build the policy from system.functions (name, alias_to, category, origin)."""
    rows = list(rows)
    allowed: set[str] = set()
    for name, _, category, origin in rows:
        safe = category in SAFE_CATEGORIES or name in SAFE_OTHERS
        if origin == "System" and safe and not _never(name):
            allowed.add(name)
    for name, alias_to, _, origin in rows:
        if alias_to and origin == "System" and alias_to in allowed and not _never(name):
            allowed.add(name)
    lowered = {name.lower() for name in allowed}
    known = {row[0].lower() for row in rows} | {name.lower() for name in table_functions}
    harmless_tables = {name.lower() for name in TABLE_FUNCTIONS}
    return FunctionPolicy(frozenset(lowered), frozenset(known - lowered - harmless_tables - _COLUMNS_TOO))


def _never(name: str) -> bool:
    return _AI.match(name) is not None or _NEVER.fullmatch(name) is not None
