"""What a line of a shell in a document asks for, held against the program: commands, options, targets, addresses.

Nothing is run. Each function returns what is wrong in words, None if nothing is.
"""

from __future__ import annotations

import importlib.util
import json
import re
import shlex
from collections.abc import Iterator
from functools import cache

from django.core.management import get_commands
from django.core.management.base import CommandError, CommandParser
from django.urls import Resolver404, resolve

from docs import reference
from tracestore.environment import ROOT

SETTING = re.compile(r"TRACESTORE_[A-Z_]*[A-Z]")
#: Read by the client in an agent, by the engine, by the programs of examples/sql, by tests.
OTHER_SETTINGS = {
    "TRACESTORE_URL", "TRACESTORE_ENGINE_PASSWORD", "TRACESTORE_SQL_HOST", "TRACESTORE_SQL_PORT", "TRACESTORE_CORPUS",
    "TRACESTORE_CHROMIUM", "TRACESTORE_SCREENSHOTS",
}  # fmt: skip
#: Programs that are not ours; what they are told is not looked at.
PROGRAMS = {
    "cat", "cd", "chmod", "chown", "cp", "docker", "echo", "git", "grep", "gunzip", "gzip", "helm", "jq", "kill",
    "kubectl", "ls", "mkdir", "mv", "nginx", "openssl", "pip", "psql", "rm", "sed", "systemctl", "tail", "tar",
}  # fmt: skip
REQUEST = re.compile(r"(GET|POST|PUT|PATCH|DELETE)((?:\|[A-Z]+)*)\s+(/?[a-z]\S*)(.*)", re.S)
INGEST = {("POST", "/v1/traces"), ("POST", "/v1/logs"), ("GET", "/healthz"), ("GET", "/readyz"), ("GET", "/metrics")}
#: Addresses of others that our pages name.
FOREIGN = {"/api/v2/alerts"}


def wrong_in(text: str) -> list[str]:
    """What is wrong with a block of lines; a line may also be a request such as `GET /api/v1/traces/`."""
    complaints = []
    for line in whole_lines(text):
        request = REQUEST.fullmatch(line.strip())
        found = [wrong_request(line)] if request else [wrong_command(words) for words in commands(line)]
        complaints += [complaint for complaint in found if complaint]
    return complaints


def whole_lines(text: str) -> Iterator[str]:
    """Lines with their continuations: behind a backslash, or while a quote is open."""
    waiting = ""
    for line in text.splitlines():
        waiting += line + "\n"
        if waiting.endswith("\\\n"):
            waiting = waiting[:-2] + " "
            continue
        try:
            shlex.split(waiting, comments=True)
        except ValueError:
            continue
        if waiting.strip():
            yield waiting
        waiting = ""
    if waiting.strip():
        yield waiting


def commands(line: str) -> Iterator[list[str]]:
    """The commands of a line, in words, without assignments, redirections and words of the shell itself."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars=";|&<>")
    lexer.whitespace_split = True
    lexer.commenters = "#"
    words: list[str] = []
    target = False
    for word in [*lexer, ";"]:
        if target:
            target = False
        elif word in (">", "<", ">>"):
            target = True
        elif re.fullmatch(r"[;|&]+", word):
            if words:
                yield words
            words = []
        elif word not in ("do", "then", "exec", "nice", "sudo") or words:
            words.append(word)


def wrong_command(words: list[str]) -> str | None:
    while words and re.match(r"[A-Z_]+=", words[0]):
        if complaint := unknown_setting(words[0]):
            return complaint
        words = words[1:]
    if not words or words[0] in ("for", "done", "if", "fi", "while"):
        return None
    program, rest = words[0], words[1:]
    for place, word in enumerate(words[:4]):
        if word.rpartition("/")[2] == "manage.py":
            return wrong_manage(words[place + 1 :])
    if program == "export":
        return next((complaint for word in rest if (complaint := unknown_setting(word))), None)
    if program == "make":
        targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.M))
        return next((f"make {word} is unknown" for word in rest if "=" not in word and word not in targets), None)
    if re.fullmatch(r"(.*/)?python[0-9.]*", program):
        return wrong_python(rest)
    if program == "curl":
        return wrong_curl(rest)
    if program.rpartition("/")[2] in PROGRAMS:
        return None
    return f"{program}: no program that is known here (tests/operations/shell_lines.py)"


def unknown_setting(assignment: str) -> str | None:
    name = assignment.partition("=")[0]
    known = set(SETTING.findall((ROOT / "tracestore/environment.py").read_text())) | OTHER_SETTINGS
    return f"{name} is no setting" if name.startswith("TRACESTORE_") and name not in known else None


def wrong_python(words: list[str]) -> str | None:
    if words[:1] == ["-m"]:
        return None if importlib.util.find_spec(words[1]) else f"there is no module {words[1]}"
    if words and words[0].endswith(".py") and not (ROOT / words[0]).is_file():
        return f"there is no file {words[0]}"
    return None


@cache
def parser(name: str) -> CommandParser | None:
    """The parser of one of our commands, None of one that there is not; those of Django are not looked at."""
    app = reference.command_names().get(name)
    return reference.parser(name, app) if app else None


def wrong_manage(words: list[str]) -> str | None:
    found = parser(words[0]) if words else None
    if found is None:
        return None if words and words[0] in get_commands() else f"manage.py {' '.join(words)}: no such command"
    if "..." in words or "…" in words:
        return wrong_manage_in_words(f"manage.py {' '.join(words)}")
    try:
        found.parse_args(words[1:])
    except CommandError as error:
        return f"manage.py {' '.join(words)}: {error}"
    return None


def wrong_manage_in_words(code: str) -> str | None:
    """As `wrong_manage`, of a code in a sentence, which may leave arguments out or bracket them."""
    name, *rest = code.removeprefix("manage.py ").replace("[", " ").replace("]", " ").split()
    found = parser(name)
    if found is None:
        return None if name in get_commands() or name.isupper() else f"manage.py {name}: no such command"
    known = reference.all_options(found)
    return next((f"manage.py {name} has no {word}" for word in rest if word[:2] == "--" and word not in known), None)


def wrong_curl(words: list[str]) -> str | None:
    method, data, address = "", "", ""
    taking = iter(words)
    for word in taking:
        if word in ("-X", "--request"):
            method = next(taking)
        elif word in ("-d", "--data", "--data-binary", "--json"):
            data = next(taking)
        elif word in ("-H", "-u", "-o", "-w", "--header", "--user", "--output", "--cacert", "--max-time"):
            next(taking)
        elif re.match(r"https?://|\$\w+/", word):
            address = word
    if not address:
        return "curl without an address"
    parts = re.match(r"(https?://)?([^/]*)(/[^?]*)?", address)
    assert parts is not None
    host, path = parts[2], parts[3] or "/"
    if host.endswith((":8123", ":8443")):
        return None
    asked = method or ("POST" if data else "GET")
    if data and path.startswith("/api/") and not re.search(r"^@|\$|…", data):
        try:
            json.loads(data)
        except ValueError as error:
            return f"{data} is no JSON: {error}"
    return wrong_address(asked, path)


def wrong_request(text: str) -> str | None:
    """Of `POST keys/{id}/rotate/`, `GET|POST /api/v1/keys/` and the like, perhaps with a body behind it."""
    found = REQUEST.match(text.strip())
    assert found is not None
    path = found[3].partition("?")[0]
    path = path if path.startswith("/") else f"{reference.ROOT_PATH}{path}"
    body = found[4].strip()
    if body.startswith("{"):
        try:
            json.JSONDecoder().raw_decode(body)  # a remark may follow
        except ValueError as error:
            return f"{body} is no JSON: {error}"
    methods = [found[1], *found[2].split("|")[1:]]
    return next((wrong for method in methods if (wrong := wrong_address(method, path))), None)


def wrong_address(method: str, path: str) -> str | None:
    if (method, path) in INGEST or path in FOREIGN:
        return None
    filled = re.sub(r"\{\w+\}|<\w+>|\b[A-Z_]{2,}\b|…", "1", path)
    try:
        view = resolve(filled).func
    except Resolver404:
        return f"{method} {path}: there is no such address"
    made = getattr(view, "cls", None) or getattr(view, "view_class", None)
    if made is not None and (made.__name__ == "Unknown" or not hasattr(made, method.lower())):
        return f"{method} {path}: there is no such address, or it has no {method}"
    return None
