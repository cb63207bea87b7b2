"""Redaction inside a text that is JSON: only what changes is written anew, the rest keeps its bytes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec

#: Deeper levels are read as plain text.
_DEPTH: Final = 24

_OBJECT: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])
_ARRAY: Final = msgspec.json.Decoder(list[msgspec.Raw])


class JsonText:
    """Rewrites JSON texts. `secret_of(key, members)` gives the rule that makes all below a key secret.

    `text` and `number` are asked for each string and number with the rule that it stands under ('' for
    none); `name` for each key.
    """

    def __init__(
        self,
        secret_of: Callable[[str, set[str] | None], str],
        text: Callable[[str, str], str | None],
        number: Callable[[str, str], str | None],
        name: Callable[[str], str | None],
    ) -> None:
        self._secret_of = secret_of
        self._text = text
        self._number = number
        self._name = name

    def rewrite(self, document: str) -> str | None:
        """The document without its secrets, or None when there are none in it.

        Raises:
            ValueError: it is not JSON, or cannot be: it does not begin so.
        """
        if document.lstrip(" \t\r\n")[:1] not in ("{", "[", '"'):
            raise ValueError("no structure")
        try:
            raw = document.encode()
            msgspec.json.decode(raw)
            found = self._value(raw, "", 0)
        except (msgspec.MsgspecError, UnicodeError, RecursionError):
            raise ValueError("not JSON") from None
        return None if found is None else found.decode()

    def _value(self, raw: bytes, rule: str, depth: int) -> bytes | None:
        raw = raw.strip(b" \t\r\n")
        first = raw[:1]
        if depth > _DEPTH and first in (b"{", b"["):
            # Whatever is deeper is one text to look through; quoted, so that the whole stays JSON.
            text = raw.decode()
            changed = self._text(text, rule)
            return None if changed is None else msgspec.json.encode(changed)
        if first == b"{":
            return self._object(raw, rule, depth)
        if first == b"[":
            return self._array(raw, rule, depth)
        if first == b'"':
            changed = self._text(msgspec.json.decode(raw, type=str), rule)
        elif first in b"-0123456789":
            changed = self._number(raw.decode(), rule)
        else:
            return None
        return None if changed is None else msgspec.json.encode(changed)

    def _object(self, raw: bytes, rule: str, depth: int) -> bytes | None:
        members = _OBJECT.decode(raw)
        changed = False
        for key, member in list(members.items()):
            inner = bytes(member)
            below = set(_OBJECT.decode(inner)) if inner.lstrip()[:1] == b"{" and self._secret_of(key, None) else None
            found = self._value(inner, self._secret_of(key, below) or rule, depth + 1)
            if found is not None:
                members[key] = msgspec.Raw(found)
                changed = True
        names = {key: self._name(key) for key in members}
        if any(name is not None for name in names.values()):
            members = {names[key] or key: member for key, member in members.items()}
            changed = True
        return msgspec.json.encode(members) if changed else None

    def _array(self, raw: bytes, rule: str, depth: int) -> bytes | None:
        members = _ARRAY.decode(raw)
        changed = False
        for index, member in enumerate(members):
            found = self._value(bytes(member), rule, depth + 1)
            if found is not None:
                members[index] = msgspec.Raw(found)
                changed = True
        return msgspec.json.encode(members) if changed else None
