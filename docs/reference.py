"""What docs/api.md and docs/commands.md list: made from the OpenAPI document and from the commands' own help."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator
from itertools import groupby
from typing import Any

from django.core.management import load_command_class
from django.core.management.base import CommandParser
from django.urls import resolve

from dashboard.api import docs
from tracestore.environment import ROOT

ROOT_PATH = "/api/v1/"
#: Values for the parameters of paths, so that an address can be looked up.
PLACES = {"format": "csv", "table": "spans"}
#: Options that every command of Django has.
COMMON = {
    "help", "version", "verbosity", "settings", "pythonpath", "traceback", "no_color", "force_color", "skip_checks",
}  # fmt: skip


def endpoints() -> str:
    """A table for each first word of the address: method, address, what it does, which scope it takes."""
    found = sorted(docs.operations(docs.schema()), key=lambda one: first_word(one.path))
    lines = []
    for word, group in groupby(found, key=lambda one: first_word(one.path)):
        lines += [f"### {word}", "", "| request | does | scope |", "|---|---|---|"]
        for one in group:
            path = one.path.removeprefix(ROOT_PATH)
            lines.append(f"| `{one.method} {path}` | {one.summary.rstrip('.')} | {scope(one.method, one.path)} |")
        lines.append("")
    return "\n".join(lines)


def first_word(path: str) -> str:
    return path.removeprefix(ROOT_PATH).partition("/")[0]


def scope(method: str, path: str) -> str:
    """The scope that a key needs for it, as a code; `any` where every key will do."""
    view = view_of(path)
    wanted = view.required_scope if method == "GET" else view.required_scope_unsafe
    names = {one.__name__ for one in view.permission_classes}
    return f"`{wanted}`" if "HasScope" in names else "any"


def view_of(path: str) -> Any:
    """The class behind an address of the OpenAPI document."""
    filled = re.sub(r"\{(\w+)\}", lambda found: PLACES.get(found[1], "1"), path)
    return resolve(filled).func.cls  # type: ignore[attr-defined]


def command_names() -> dict[str, str]:
    """Our own commands → the app that has them."""
    found = {}
    for app in ("tracestore", "tracestore.alerts", "ingest", "dashboard"):
        for file in (ROOT / app.replace(".", "/") / "management" / "commands").glob("[a-z]*.py"):
            found[file.stem] = app
    return dict(sorted(found.items()))


def parser(name: str, app: str) -> CommandParser:
    return load_command_class(app, name).create_parser("manage.py", name)


def commands() -> str:
    """A section for each command: its own help, its options, its examples."""
    lines = []
    for name, app in command_names().items():
        command = load_command_class(app, name)
        about, examples = parts(str(command.help))
        lines += [f"### `{name}`", "", *about, ""]
        lines += [*options(parser(name, app)), ""]
        if examples:
            lines += ["```sh", *examples, "```", ""]
    return "\n".join(lines)


def parts(help_text: str) -> tuple[list[str], list[str]]:
    """What a command's help says, and its examples as lines of a shell."""
    before, _, rest = help_text.strip().partition("Examples:\n")
    examples, _, after = rest.partition("\n\n")
    about = "\n\n".join(part.strip() for part in (before, after) if part.strip())
    return about.splitlines(), list(example_lines(examples))


def example_lines(examples: str) -> Iterator[str]:
    """In a help a remark stands behind two blanks or more, or on a line of its own; in a shell behind #."""
    goes_on = False
    for line in map(str.strip, examples.splitlines()):
        if goes_on or "manage.py" in line:
            yield re.sub(r"(?<=\S) {2,}(?=[^-\s])", "    # ", line, count=1)
        else:
            yield f"# {line}"
        goes_on = line.endswith("\\")


def options(whole: argparse.ArgumentParser, before: str = "") -> Iterator[str]:
    """The rows of a command's arguments, those of its subcommands after their names."""
    rows = list(argument_rows(whole, before))
    if rows:
        yield from ("| argument | |", "|---|---|", *rows)


def argument_rows(whole: argparse.ArgumentParser, before: str) -> Iterator[str]:
    for action in whole._actions:  # argparse has no public way to ask
        if isinstance(action, argparse._SubParsersAction):
            said = {choice.dest: choice.help or "" for choice in action._choices_actions}
            for name, inner in action.choices.items():
                yield f"| `{cell(before + name)}` | {cell(said.get(name, ''))} |"
                yield from argument_rows(inner, f"{before}{name} ")
        elif action.dest not in COMMON and action.help != argparse.SUPPRESS:
            word = action.option_strings[-1] if action.option_strings else shown_name(action)
            value = "" if not action.option_strings or action.nargs == 0 else f" {shown_name(action)}"
            yield f"| `{cell(before + word + value)}` | {cell(expanded(whole, action))} |"


def shown_name(action: argparse.Action) -> str:
    if action.metavar:
        return action.metavar if isinstance(action.metavar, str) else " ".join(action.metavar)
    if action.choices:
        return "|".join(str(choice) for choice in action.choices)
    return action.dest.upper()


def expanded(whole: argparse.ArgumentParser, action: argparse.Action) -> str:
    return (action.help or "") % {**vars(action), "prog": whole.prog}


def cell(text: str) -> str:
    return re.sub(r"\s+", " ", text).replace("|", "\\|")


def all_options(whole: argparse.ArgumentParser) -> set[str]:
    """The names of all options of a command, those of its subcommands too."""
    found: set[str] = set()
    for action in whole._actions:
        found.update(action.option_strings)
        if isinstance(action, argparse._SubParsersAction):
            for inner in action.choices.values():
                found |= all_options(inner)
    return found
