"""Names and slugs of organisations and projects, as they may be typed. Pure.

A slug is part of addresses and, of a project, the `project` column of every row: it never changes. It is unique in
the whole installation.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Set
from typing import Any, Final

from django.utils.text import slugify

from tracestore.errors import InvalidInput
from tracestore.models import Role

SLUG: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?")
#: Words that stand in addresses where a slug stands.
RESERVED: Final = frozenset({"current", "new"})
MOST_NAME: Final = 200


def checked_name(value: object, field: str = "name") -> str:
    """Raises: InvalidInput."""
    name = value.strip() if isinstance(value, str) else ""
    if not 0 < len(name) <= MOST_NAME or not name.isprintable():
        raise InvalidInput(f"{field}: expected a text of 1 to {MOST_NAME} characters, on one line.", field=field)
    return name


def checked_slug(value: object, name: str, field: str = "slug") -> str:
    """The slug that was typed, else one made of the name.

    Raises: InvalidInput, also if nothing of the name can stand in a slug.
    """
    slug = value.strip() if isinstance(value, str) else value
    if slug is None or slug == "":
        slug = slugify(name).replace("_", "-")[:64].strip("-")
    if not isinstance(slug, str) or not SLUG.fullmatch(slug) or slug in RESERVED:
        raise InvalidInput(
            f"{field}: expected 1 to 64 lower-case letters, digits and hyphens, such as shop-staging, beginning and"
            f" ending with a letter or digit, and not {' or '.join(sorted(RESERVED))}.",
            field=field,
        )
    return slug


def taken(field: str = "slug") -> InvalidInput:
    return InvalidInput(f"{field}: taken in this installation: expected another.", field=field)


def check_typed(typed: object, name: str, field: str = "name") -> None:
    """Whether a name was typed again to confirm that it is meant; None where nobody was asked to.

    Raises: InvalidInput.
    """
    if typed is not None and (not isinstance(typed, str) or typed.strip() != name):
        raise InvalidInput(f"{field}: expected the name, typed again to confirm; nothing was deleted.", field=field)


def checked_role(value: object, *, none: bool = False, field: str = "role") -> str:
    """A role; with `none`, null and '' stand for no role.

    Raises: InvalidInput.
    """
    if none and value in (None, ""):
        return ""
    if not isinstance(value, str) or value not in Role.values:
        raise InvalidInput(f"{field}: expected one of {', '.join(Role.values)}{', or none' * none}.", field=field)
    return value


def known_fields(sent: Mapping[str, Any], known: Set[str]) -> None:
    """Raises: InvalidInput, if a field was sent that means nothing here."""
    for name in sent:
        if name not in known:
            shown = str(name)[:100]
            raise InvalidInput(f"{shown} is not known: expected {', '.join(sorted(known))}.", field=shown)
