"""Alert rules as a YAML file: how a rule is written, and how a file is read with the line of each mistake.

What is written is read back as it was, and written again is the same bytes. Lengths of time are `15m`, a saved view
is named, and fields that say nothing are left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import yaml

from tracestore.alerts import builtin_rules, durations
from tracestore.alerts.models import AlertRule
from tracestore.alerts.rule_conditions import shared_views
from tracestore.alerts.rule_fields import FIELDS, checked
from tracestore.errors import InvalidInput

VERSION: Final = 1
MOST_BYTES: Final = 1_000_000
#: Field of a rule → its key in the file. Lengths of time lose their unit, which is written with the number.
KEYS: Final = {"hold_s": "hold", "keep_firing_s": "keep_firing"}
FIELDS_OF_KEYS: Final = {key: name for name, key in KEYS.items()}
#: Key in the file → whether it is written even when it is as usual.
_ORDER: Final = {
    "kind": True, "enabled": True, "severity": True, "condition": True, "hold_s": True, "keep_firing_s": True,
    "group_by": False, "halts": False, "owner": False, "runbook_url": False, "labels": False,
}  # fmt: skip
_EMPTY: Final[tuple[Any, ...]] = (None, "", [], {}, False)
HEAD: Final = "# Alert rules, as `manage.py alert_rules export` writes and `apply` reads them.\n"

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Written:
    """A rule of a file: its fields as `rules.create` takes them, the shipped rule that it is ('' = none), its line."""

    name: str
    fields: Mapping[str, Any]
    shipped: str
    line: int


class _Dumper(yaml.SafeDumper):
    """Lists of words on one line, all else in blocks; no references between equal things."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _list(dumper: _Dumper, data: list[Any]) -> yaml.Node:
    is_words = all(isinstance(one, str) for one in data)
    return dumper.represent_sequence("tag:yaml.org,2002:seq", data, flow_style=is_words)


_Dumper.add_representer(list, _list)


def text(project: str, rules: Iterable[AlertRule]) -> str:
    """The file of these rules, by name."""
    names = {view.pk: view.name for view in shared_views(project)}
    unique = {pk: name for pk, name in names.items() if list(names.values()).count(name) == 1}
    listed = [as_written(rule, unique) for rule in sorted(rules, key=lambda rule: (rule.name, rule.pk))]
    made: str = yaml.dump(
        {"version": VERSION, "rules": listed}, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=10_000
    )
    return HEAD + made


def as_written(rule: AlertRule, views: Mapping[int, str]) -> dict[str, Any]:
    found: dict[str, Any] = {"name": rule.name} | ({"shipped": rule.builtin} if builtin_rules.is_shipped(rule) else {})
    for name, always in _ORDER.items():
        value = getattr(rule, name)
        if name == "condition":
            found[name] = {
                _short(part): _part(part, one, views) for part, one in value.items() if one not in _EMPTY or one == 0
            }
        elif always or value not in _EMPTY:
            found[KEYS.get(name, name)] = durations.written(value) if name in KEYS else value
    return found


def _short(part: str) -> str:
    return "window" if part == "window_s" else part


def _part(part: str, value: Any, views: Mapping[int, str]) -> Any:
    if part == "window_s":
        return durations.written(value)
    if part == "view":
        return views.get(value, value)
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return int(value)
    return value


def read(project: str, sent: str) -> list[Written]:
    """The rules of a file.

    Raises:
        InvalidInput: all that is wrong, a line each, with the number of the line.
    """
    data, lines = _parsed(sent)
    if not isinstance(data, dict) or not isinstance(data.get("rules"), list):
        raise InvalidInput("line 1: expected `version: 1` and a list `rules:`.")
    wrong = [
        f"line {lines.get((str(key),), 1)}: {str(key)[:60]}: expected only version and rules."
        for key in data if key not in ("version", "rules")
    ]  # fmt: skip
    if data.get("version") != VERSION:
        wrong.append(f"line {lines.get(('version',), 1)}: version: expected {VERSION}.")
    views = _Views(project)
    found: list[Written] = []
    for place, one in enumerate(data["rules"]):
        at = ("rules", place)
        try:
            found.append(_rule(project, one, lines.get(at, 1), views))
        except InvalidInput as error:
            line = _line(error.field, at, lines)
            who = f"rule {str(one['name'])[:60]!r}" if isinstance(one, dict) and "name" in one else f"rule {place + 1}"
            wrong.append(f"line {line}: {who}: {error.message}")
    for what in ("name", "shipped"):
        seen: dict[str, int] = {}
        for rule in found:
            key = getattr(rule, what)
            if key and key in seen:
                wrong.append(f"line {rule.line}: {what} {key!r} is that of the rule in line {seen[key]} too.")
            seen.setdefault(key, rule.line)
    if wrong:
        raise InvalidInput("\n".join(wrong))
    return found


def _rule(project: str, one: object, line: int, views: _Views) -> Written:
    if not isinstance(one, dict):
        raise InvalidInput("expected the fields of a rule.")
    fields: dict[str, Any] = {}
    for key, value in one.items():
        name = FIELDS_OF_KEYS.get(key, key)
        if key == "shipped":
            continue
        if name not in FIELDS or key in KEYS:
            expected = ["shipped", *(KEYS.get(field, field) for field in FIELDS)]
            raise InvalidInput(
                f"{str(key)[:60]!r} is no field: expected some of {', '.join(expected)}.", field=str(key)
            )
        fields[name] = durations.parse(value, key) if name in KEYS else value
    if isinstance(condition := fields.get("condition"), dict):
        if "window_s" in condition:
            raise InvalidInput("condition: window_s: expected window, as in window: 15m.", field="condition.window_s")
        condition = dict(condition)
        if "window" in condition:
            condition["window_s"] = durations.parse(condition.pop("window"), "condition.window")
        if isinstance(condition.get("view"), str):
            condition["view"] = views.number(condition["view"])
        fields["condition"] = condition
    shipped = one.get("shipped", "")
    if shipped and (not isinstance(shipped, str) or shipped not in builtin_rules.shipped()):
        known = ", ".join(builtin_rules.shipped())
        raise InvalidInput(f"shipped={str(shipped)[:60]!r}: expected one of {known}.", field="shipped")
    try:
        values = checked(project, fields)
    except InvalidInput as error:
        raise InvalidInput(_said(error.message), field=error.field) from error
    return Written(values["name"], values, shipped, line)


@dataclass(slots=True)
class _Views:
    """Saved views of the project by name, read when a rule names one."""

    project: str
    known: dict[str, list[int]] | None = field(default=None)

    def number(self, name: str) -> int:
        if self.known is None:
            self.known = {}
            for view in shared_views(self.project):
                self.known.setdefault(view.name, []).append(view.pk)
        found = self.known.get(name, [])
        if len(found) != 1:
            what = "no saved view that the project shares" if not found else "the name of several saved views"
            raise InvalidInput(f"condition: view: {name[:80]!r} is {what}.", field="condition.view")
        return found[0]


def _line(field: str, at: Path, lines: Mapping[Path, int]) -> int:
    """Where a field stands in the file, or what it is missing in: `condition.window_s` is `window` in `condition`."""
    parts = [part for part in field.partition("[")[0].split(".") if part]
    for path in (tuple(parts), tuple(_short(KEYS.get(part, part)) for part in parts)):
        if path and (*at, *path) in lines:
            return lines[(*at, *path)]
    return lines.get((*at, *parts[:1]), lines.get(at, 1))


def _said(message: str) -> str:
    for name, key in (("keep_firing_s", "keep_firing"), ("hold_s", "hold"), ("window_s", "window")):
        message = message.replace(name, key)
    return message


def _parsed(sent: str) -> tuple[Any, dict[Path, int]]:
    """The file's data, and the line of each thing in it."""
    if len(sent.encode("utf-8", "replace")) > MOST_BYTES:
        raise InvalidInput(f"The file is too large: expected at most {MOST_BYTES // 1000} kB.")
    lines: dict[Path, int] = {}
    loader = None
    try:
        loader = yaml.SafeLoader(sent)
        node = loader.get_single_node()
        return (None if node is None else _plain(loader, node, (), lines, set())), lines
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        raise InvalidInput(f"line {line}: this is no YAML as expected: {error.problem or error.context}.") from error
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise InvalidInput(
            "The file is no YAML: it is nested too deeply, or has characters that no text has."
        ) from error
    finally:
        if loader is not None:
            loader.dispose()


def _plain(loader: yaml.SafeLoader, node: yaml.Node, at: Path, lines: dict[Path, int], seen: set[int]) -> Any:
    line = node.start_mark.line + 1
    lines.setdefault(at, line)
    if isinstance(node, yaml.ScalarNode):
        return loader.construct_object(node)
    # What is referred to twice could stand for billions of things.
    if id(node) in seen:
        raise InvalidInput(f"line {line}: expected no references (`*name`): write it out.")
    seen.add(id(node))
    if isinstance(node, yaml.SequenceNode):
        return [_plain(loader, one, (*at, k), lines, seen) for k, one in enumerate(node.value)]
    found: dict[Any, Any] = {}
    for key_node, value_node in node.value:
        key = loader.construct_object(key_node) if isinstance(key_node, yaml.ScalarNode) else None
        here = key_node.start_mark.line + 1
        if not isinstance(key, str):
            raise InvalidInput(f"line {here}: expected a name before the colon.")
        if key in found:
            raise InvalidInput(f"line {here}: {key[:60]} is there twice.")
        lines[*at, key] = here
        found[key] = _plain(loader, value_node, (*at, key), lines, seen)
    return found
