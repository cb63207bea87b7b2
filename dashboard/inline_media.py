"""Files that were sent inside a text as base64: told by kind and size, never shown as text.

Pure. A picture of a megabyte is a million characters that say nothing to a reader; the download has them.
"""

from __future__ import annotations

import re

#: Shorter runs may be ids, hashes or words.
LEAST = 400
DATA_URI = re.compile(r"data:([\w.+-]+/[\w.+-]+)?((?:;[\w=.+-]+)*);base64,([A-Za-z0-9+/_-]{40,}={0,2})")
BARE = re.compile(rf"(?<![A-Za-z0-9+/_=-])[A-Za-z0-9+/_-]{{{LEAST},}}={{0,2}}(?![A-Za-z0-9+/_=-])")
#: How the base64 of common files begins.
BEGINNINGS = {
    "iVBORw0KGgo": "image/png", "/9j/": "image/jpeg", "R0lGOD": "image/gif", "UklGR": "image/webp or audio/wav",
    "JVBERi": "application/pdf", "SUQz": "audio/mpeg", "T2dnUw": "audio/ogg", "UEsDB": "application/zip",
}  # fmt: skip


def without_media(text: str) -> str:
    """The text with `[image/png, 48,213 bytes, in the text as base64]` in the place of each file's content."""
    if len(text) < 40:
        return text
    if "base64," in text:
        text = DATA_URI.sub(lambda found: words(found[1] or "file", found[3]), text)
    return BARE.sub(of_bare, text)


def of_bare(found: re.Match[str]) -> str:
    run = found[0]
    kind = next((kind for head, kind in BEGINNINGS.items() if run.startswith(head)), "")
    if not kind:
        # Without a known beginning only what looks random: cases and digits mixed, not one letter again and again.
        head = run[:LEAST]
        mixed = any(c.isdigit() for c in head) and any(c.isupper() for c in head) and any(c.islower() for c in head)
        if not mixed or len(set(head)) < 40:
            return run
        kind = "data"
    return words(kind, run)


def words(kind: str, encoded: str) -> str:
    size = len(encoded.rstrip("=")) * 3 // 4
    return f"[{kind}, {size:,} bytes, in the text as base64]"
