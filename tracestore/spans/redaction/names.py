"""Names of attributes and JSON keys whose value is a secret whatever it looks like.

The list is the usual one of scrubbers (OWASP Logging Cheat Sheet, "Data to exclude"). It names what a
key *ends* with, so that `db.password` and `clientSecret` count, and `password_policy`, `input_tokens`,
`token_count` and `max_tokens` do not: of tokens only a single one of a telling sort is a secret.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

#: What a secret's name ends with; case is ignored, the longer of two first. Used on raw bytes too.
PHRASE: Final = (
    r"(?:passw(?:or)?d|passphrase|[_.\-]pwd|(?:private|secret|access|signing|encryption)[_.\-]?key"
    r"|secret|authorization|credential|cookie|api[_.\- ]?key"
    r"|(?:access|refresh|auth|bearer|session|security)[_.\-]?token(?!s))"
)
#: A plural, and the indexes that flattened lists have behind their name (`…set-cookie.0`).
TAIL: Final = r"s?(?:\.\d{1,6})*"

_ENDS: Final = re.compile(PHRASE + TAIL + r"\Z", re.IGNORECASE | re.ASCII)

#: Keys by which an object describes a value (JSON Schema) instead of being one.
_SCHEMA: Final = frozenset({"type", "$ref", "anyOf", "oneOf", "allOf", "enum", "const", "properties"})


@lru_cache(maxsize=4_096)
def names_a_secret(key: str) -> bool:
    """Whether the value under this attribute name or JSON key is a secret."""
    return _ENDS.search(key) is not None


def describes(keys: frozenset[str] | set[str]) -> bool:
    """Whether an object with these keys is a schema, as in the definition of a tool's parameters."""
    return not _SCHEMA.isdisjoint(keys)
