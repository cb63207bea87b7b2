"""Secrets of channels as they are stored: encrypted, so that a copy of the database alone tells none.

All texts of a config are sealed (`tracestore.sealing`) but those that are plainly no secret, so that a new field is
sealed unless somebody says otherwise. In Python a config is in clear; `ConfigField` is where it changes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Self

from cryptography.fernet import InvalidToken
from django.conf import settings
from django.db import models

from tracestore.sealing import box

#: Begins every sealed value; the number is of the way it is sealed.
MARK: Final = "sealed:1:"
PURPOSE: Final = b"tracestore secrets of channels 1"
#: Fields of configs that are stored as they are: where to, not what lets somebody in.
PLAIN: Final = frozenset({"to", "channel"})
#: What is said of a channel whose secret was sealed under another key.
AGAIN: Final = "Its secret cannot be read, since the installation's secret key is another one: give it again."


class Opened(str):
    """A text that was sealed, with what is stored of it, so that what does not change is stored again as it was.

    Not `readable`: it was sealed under another key, and is empty here.
    """

    __slots__ = ("readable", "stored")
    stored: str
    readable: bool

    def __new__(cls, value: str, stored: str, *, readable: bool = True) -> Self:
        made = super().__new__(cls, value)
        made.stored, made.readable = stored, readable
        return made

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: object) -> Self:
        return self


def seal(value: str) -> str:
    """The form in which it is stored."""
    if isinstance(value, Opened):
        return value.stored
    return MARK + box(settings.SECRET_KEY, PURPOSE).encrypt(value.encode("utf-8", "surrogatepass")).decode()


def unseal(stored: str) -> str:
    """In clear. A value of a time before sealing is in clear already."""
    if not stored.startswith(MARK):
        return stored
    try:
        value = box(settings.SECRET_KEY, PURPOSE).decrypt(stored.removeprefix(MARK).encode("ascii", "replace"))
    except InvalidToken:
        return Opened("", stored, readable=False)
    return Opened(value.decode("utf-8", "surrogatepass"), stored)


def sealed(config: Mapping[str, Any]) -> dict[str, Any]:
    """A config as it is stored."""
    return {name: seal(value) if _secret(name, value) else value for name, value in config.items()}


def unsealed(config: Mapping[str, Any]) -> dict[str, Any]:
    """A config in clear."""
    return {name: unseal(value) if _secret(name, value) else value for name, value in config.items()}


def unreadable(config: Mapping[str, Any]) -> list[str]:
    """The names of fields that must be given again."""
    return [name for name, value in config.items() if isinstance(value, Opened) and not value.readable]


def plain(config: Mapping[str, Any]) -> dict[str, Any]:
    """A readable config of ordinary texts, as what writes JSON wants them."""
    return {name: str(value) if isinstance(value, Opened) else value for name, value in config.items()}


def _secret(name: str, value: object) -> bool:
    return isinstance(value, str) and name not in PLAIN


class ConfigField(models.JSONField):
    """JSON that is in clear in Python, and sealed in the database and in copies of it; to migrations plain JSON."""

    def deconstruct(self) -> Any:
        name, _path, args, kwargs = super().deconstruct()
        return name, "django.db.models.JSONField", args, kwargs

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> Any:
        return self.to_python(super().from_db_value(value, expression, connection))

    def to_python(self, value: Any) -> Any:
        return unsealed(value) if isinstance(value, dict) else value

    def get_db_prep_save(self, value: Any, connection: Any) -> Any:
        return super().get_db_prep_save(sealed(value) if isinstance(value, dict) else value, connection)

    def value_to_string(self, obj: models.Model) -> Any:
        """What `dumpdata`, and with it a backup of PostgreSQL, writes."""
        value = self.value_from_object(obj)
        return sealed(value) if isinstance(value, dict) else value
