"""Makes hostile text safe to look at: no control characters, no hidden direction changes.

Pure. It does not escape HTML (templates do); it removes what a browser or a terminal would act upon
and a reader would not see. Nothing is stored changed; downloads give the bytes as received.
"""

from __future__ import annotations

import re

# Colour codes of terminals, whole, so that "[31m" does not stay behind.
TERMINAL_CODES = re.compile("\x1b\\[[0-9;?]*[ -/]*[@-~]")

CONTROLS = {code: None for code in (*range(0x20), *range(0x7F, 0xA0)) if chr(code) not in "\n\t"}
# Direction controls can make "txt.exe" read "exe.txt"; zero-width ones hide text inside text.
BIDI = (0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A))
HIDDEN = (0x200B, 0x2060, 0xFEFF, *range(0xE0000, 0xE0080))
MARKS = {code: f"⟦U+{code:04X}⟧" for code in (*BIDI, *HIDDEN)}
SURROGATES = dict.fromkeys(range(55296, 57344), "�")
TABLE = CONTROLS | MARKS | SURROGATES
SUSPECT = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ud800-\udfff\ufeff\U000e0000-\U000e007f]"
)


def visible(text: str, *, limit: int = 0) -> str:
    """The text without control characters, direction marks written out; cut at `limit` with an …"""
    if limit and len(text) > limit:
        text = text[: limit - 1] + "…"
    if not SUSPECT.search(text):
        return text
    return TERMINAL_CODES.sub("", text).translate(TABLE)
