"""What a person said, out of a payload's preview: the words instead of the JSON around them.

A preview is the start of a payload and mostly cut in the middle, so it cannot be parsed; the words
are looked for by the names that frameworks give them. Pure.
"""

from __future__ import annotations

import json
import re
from typing import Final

#: A text field with its string, which may be cut off by the end of the preview.
_TEXT: Final = re.compile(
    r'"(?:content|text|task|input|query|question|prompt|message|output|answer|result)"\s*:\s*"((?:[^"\\]|\\.)*)'
)
#: Where a message by the user begins, whichever side of the text the role stands on.
_USER: Final = re.compile(r'"(?:role|type)"\s*:\s*"(?:user|human)"')


def words(preview: str) -> str:
    """The text of the user's first message in a preview, else the first text, else ''.

    What is not JSON is returned as it is.
    """
    text = preview.strip()
    if not text.startswith(("{", "[")):
        return text
    found = [(match.start(), _unescaped(match[1])) for match in _TEXT.finditer(text)]
    found = [(place, one) for place, one in found if one.strip()]
    if not found:
        return ""
    user = _USER.search(text)
    if user is None:
        return found[0][1]
    # `{"content": …, "role": "user"}` names the role last: the text between the object's start and it.
    opening = text.rfind("{", 0, user.start())
    for place, one in found:
        if place > opening:
            return one
    return found[0][1]


def _unescaped(text: str) -> str:
    try:
        decoded = json.loads(f'"{text}"')
    except ValueError:  # cut inside an escape
        return text.rpartition("\\")[0] if "\\" in text[-6:] else text
    return str(decoded)
