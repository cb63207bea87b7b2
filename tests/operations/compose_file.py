"""docker-compose.yml as the containers would be started from it: variables put in, `$$` undone."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import yaml

from tracestore.environment import ROOT

_VARIABLE = re.compile(r"\$\$|\$\{([A-Z_a-z0-9]+)(?:(:-|:\+|:\?)((?:[^{}$]|\$\{[^{}]*\})*))?\}")


class Unset(Exception):
    """A variable that must be set is not."""


def interpolated(value: Any, environment: Mapping[str, str]) -> Any:
    """The value with each `${…}` in its strings filled as the Compose specification says."""
    if isinstance(value, dict):
        return {name: interpolated(one, environment) for name, one in value.items()}
    if isinstance(value, list):
        return [interpolated(one, environment) for one in value]
    if not isinstance(value, str):
        return value

    def fill(found: re.Match[str]) -> str:
        if found[0] == "$$":
            return "$"
        set_to, mark, rest = environment.get(found[1], ""), found[2], found[3] or ""
        if mark == ":?" and not set_to:
            raise Unset(found[1])
        if mark == ":-" and not set_to:
            return str(interpolated(rest, environment))
        if mark == ":+":
            return str(interpolated(rest, environment)) if set_to else ""
        return set_to

    return _VARIABLE.sub(fill, value)


def raw() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    return found


def read(environment: Mapping[str, str]) -> dict[str, Any]:
    """
    Raises:
        Unset: a variable is missing that has no default.
    """
    found: dict[str, Any] = interpolated(raw(), environment)
    return found
