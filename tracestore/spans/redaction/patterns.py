"""Secrets that are known by their look, wherever they stand in a text.

The shapes are those that the issuers document or that secret scanners agree on. Each wants enough
length, and digits where words could be meant, so that prose, code, ids, hashes and images stay as they
are. A named group `secret` is what is replaced; without one it is the whole match.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Pattern:
    """`anchors` are texts of which one is in every match; looked for first, it is quicker."""

    rule: str
    anchors: tuple[str, ...]
    regex: re.Pattern[str]


def _compiled(pattern: str) -> re.Pattern[str]:
    # ASCII, as the pass over raw bytes sees it.
    return re.compile(pattern, re.ASCII)


_TOKEN = r"[A-Za-z0-9_-]"  # noqa: S105
# Bounded, as all that is looked for and may not be there: or time grows with the square of the text.
_HAS_DIGIT = rf"(?={_TOKEN}{{0,200}}[0-9])"

DEFAULT: Final[tuple[Pattern, ...]] = (
    # To the end marker, or as far as it goes on looking like base64 (also with escaped line ends).
    Pattern(
        "private_key",
        ("PRIVATE KEY",),
        _compiled(
            r"-----BEGIN [A-Z0-9 ]{0,30}PRIVATE KEY(?: BLOCK)?-----"
            r"(?:[A-Za-z0-9+/=\s\\:,-]*?-----END [A-Z0-9 ]{0,30}PRIVATE KEY(?: BLOCK)?-----|[A-Za-z0-9+/=\s\\:,-]*)"
        ),
    ),
    Pattern(
        "api_key",
        ("sk-", "sk_", "rk_", "gh", "github_pat_", "glpat-", "xox", "xapp-", "AKIA", "ASIA", "AIza", "hf_"),
        _compiled(
            r"(?<![A-Za-z0-9])(?:"
            rf"sk-{_HAS_DIGIT}{_TOKEN}{{16,}}"  # OpenAI, Anthropic and those that follow them
            r"|[sr]k_(?:live|test|demo|prod)_[A-Za-z0-9]{8,}"  # Stripe
            r"|gh[pousr]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,}"
            rf"|glpat-{_TOKEN}{{16,}}"
            r"|xox[abceoprs]-[A-Za-z0-9-]{10,}|xapp-[A-Za-z0-9-]{16,}"  # Slack
            r"|(?:AKIA|ASIA)[A-Z0-9]{16}(?![A-Za-z0-9])"  # AWS
            rf"|AIza{_TOKEN}{{30,}}"  # Google
            r"|hf_[A-Za-z0-9]{30,}"
            r")"
        ),
    ),
    # RFC 7519: header and claims are JSON objects, and `{"` is `eyJ` in base64.
    Pattern("jwt", ("eyJ",), _compiled(rf"(?<![A-Za-z0-9_-])eyJ{_TOKEN}{{8,}}\.eyJ{_TOKEN}{{4,}}(?:\.{_TOKEN}*)?")),
    Pattern(
        "bearer",
        ("earer", "EARER"),
        _compiled(
            r"(?<![A-Za-z])[Bb](?:earer|EARER)\s{1,4}(?P<secret>(?=[A-Za-z0-9._~+/-]{0,200}[0-9])[A-Za-z0-9._~+/-]{16,}=*)"
        ),
    ),
    # RFC 3986 userinfo; what is in braces, brackets or behind $ is a placeholder of a template.
    Pattern(
        "url_password",
        ("//", "/\\/"),
        _compiled(
            r":(?:\\{0,8}/){2}[^\s/?#@\"'<>\\:]{0,200}:"
            r"(?P<secret>(?![{$<%*]|\[redacted:)[^\s/?#@\"'<>\\]{1,200})@"
        ),
    ),
)

#: Personal data: off unless a project switches it on, for agents often work with addresses.
OPTIONAL: Final[tuple[Pattern, ...]] = (
    Pattern(
        "email",
        ("@",),
        _compiled(
            r"(?<![A-Za-z0-9._%+-])[A-Za-z0-9._%+-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.){1,8}[A-Za-z]{2,24}(?![A-Za-z0-9-])"
        ),
    ),
    # ITU-T E.123: international notation only; national numbers look like any other number.
    Pattern("phone", ("+",), _compiled(r"(?<![\w+])\+[1-9](?:[ ().-]{0,2}[0-9]){7,14}(?![0-9])")),
    Pattern(
        "iban",
        (),
        _compiled(r"(?<![A-Za-z0-9])[A-Z]{2}[0-9]{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?(?![A-Za-z0-9])"),
    ),
)
