"""Failures that a tool tells in its result while the span says nothing of it.

Frameworks catch what a tool raises and hand the text to the model, with the span's status unset. A result is a
failure when its *form* says so: it begins with an error, a line of it is an exception's last line or a traceback,
it is JSON whose own fields say so, or it reports an exit code. Results that only talk about errors are not.
"""

from __future__ import annotations

import ast
import json
import re
from functools import lru_cache
from typing import Any, Final

#: Longest beginning and end of a result that are looked at, in characters.
_HEAD: Final = 20_000
_TAIL: Final = 4_000

#: What runners write before what was printed.
_LABEL: Final = re.compile(r"\s*(?:(?:code |command )?output|stdout|stderr|result|observation)\s*:\s*", re.IGNORECASE)
_BEGINS: Final = re.compile(
    r"[\s\W]{0,4}(?:"
    r"error[\]>]\s*\S"
    r"|(?:an? )?(?:unexpected |internal |fatal |unhandled )?(?:error|exception)\s*"
    r"(?:\[[^\]]*\]|\([^)]*\)|\d{3})?\s*[:!-]\s*\S"
    r"|error (?:executing|running|calling|invoking|while|in|during|occurred|processing|fetching|accessing|code)\b"
    r"|(?:failed|failure|unable) to (?:execute|run|call|invoke|fetch|connect|load|parse|process)\b[^.]*:"
    r"|(?:tool|function|command|request|execution|query|connection) (?:execution )?(?:failed|error|timed out|refused)\b"
    r"|(?:http (?:error )?)?[45]\d\d (?:client|server|bad|unauthorized|forbidden|not found|too many|"
    r"internal|service|gateway|error)"
    r"|fatal:|panic:|segmentation fault|permission denied|(?:\w+: )?command not found"
    r")",
    re.IGNORECASE,
)
#: What runners say of a call that they did not understand, also where a program's output would be.
_REFUSED: Final = re.compile(
    r"(?:unknown|unsupported|unrecognized|invalid) (?:language|command|option|arguments?|tool|function|parameters?)\b",
    re.IGNORECASE,
)
#: An exception's last line: `ValueError: …`, `java.io.IOException: …`, `Uncaught TypeError: …`, `Value Error: …`.
_EXCEPTION: Final = re.compile(
    r"(?:Uncaught |Caused by: |Error: )?(?:[a-z_][\w]*\.)*"
    r"(?:[A-Z]\w*(?:Error|Exception|Interrupt|Timeout|Exit)|(?:[A-Z]\w+ ){1,2}Error)"
    r"(?:: \S|$)"
)
_TRACEBACK: Final = re.compile(r"(?:Error: )?Traceback \(most recent call last\)")
#: What shells, compilers and package managers write at the start of a line.
_SHELL: Final = re.compile(
    r"[^:\n]{1,120}: (?:line )?\d+: [^:\n]{1,80}: (?:not found|command not found|permission denied|no such file)"
    r"|\S+:\d+(?::\d+)?: (?:fatal )?error: "
    r"|(?:npm ERR!|error\[E\d+\]:|error TS\d+:|fatal: |panic: )"
    r"|(?:cat|ls|cp|mv|rm|cd|grep|find|python3?|node|pip|git|curl|wget|make|(?:ba|z|da)?sh): "
    r".*(?:no such file|cannot |can't open|permission denied|not found|fatal)",
    re.IGNORECASE,
)
#: A page or a file that shows a traceback has it in its middle; what failed ends with it, or begins with it.
_FIRST_LINES: Final = 3
_LAST_LINES: Final = 6
_EXIT: Final = re.compile(
    r"(?:exit(?:ed)?[ _-]?(?:code|status)|exited with (?:code|status)|"
    r"return ?code|exit_status)\b[\"']?\s*(?:of|is|was|[:=])?\s*(-?\d+)",
    re.IGNORECASE,
)

_SAYS_SO: Final = ("error", "errors", "exception", "iserror", "is_error", "error_message", "errormessage", "traceback")
_DONE: Final = ("success", "succeeded", "ok")
_STATUS: Final = ("status", "status_code", "statuscode", "http_status", "code")
_BAD: Final = frozenset({"error", "failed", "failure", "fail", "exception", "errored", "timeout", "timed_out"})
_WRAPPERS: Final = frozenset({"result", "content", "response", "output", "structuredcontent", "data", "body"})


@lru_cache(maxsize=1024)
def hidden_error(result: str) -> str:
    """What kind of failure a tool's result tells: `json`, `text`, `exception`, `shell`, `exit code`; '' for none."""
    text = result if len(result) <= _HEAD + _TAIL else result[:_HEAD] + "\n" + result[-_TAIL:]
    start = text.lstrip()[:1]
    if not start:
        return ""
    if result.startswith("{'") and len(result) <= 10_000:
        try:
            return _in_json(ast.literal_eval(result))
        except (ValueError, SyntaxError, RecursionError, MemoryError, TypeError):
            pass
    if start in '{["' and len(result) <= 200_000:
        try:
            return _in_json(json.loads(result))
        except (ValueError, RecursionError):
            pass
    return _in_text(text)


def _in_text(text: str) -> str:
    exits = [int(code[:6]) for code in _EXIT.findall(text[:600] + "\n" + text[-400:])]
    if any(exits):
        return "exit code"
    label = _LABEL.match(text)
    said = text[label.end() :] if label else text
    # A program that prints "Error: …" and ends well has not failed; a tool that says so has.
    if (not label and _BEGINS.match(said[:300])) or _REFUSED.match(said):
        return "text"
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    edges = lines if len(lines) <= _FIRST_LINES + _LAST_LINES else lines[:_FIRST_LINES] + lines[-_LAST_LINES:]
    if any(_EXCEPTION.match(line) or _TRACEBACK.match(line) for line in edges):
        return "exception"
    return "shell" if any(map(_SHELL.match, edges)) else ""


def _in_json(value: Any, depth: int = 0) -> str:
    if isinstance(value, str):
        return _in_text(value[:_HEAD]) if depth < 3 else ""
    if isinstance(value, list):
        # MCP's and LangChain's content blocks: what the first says, the tool says.
        blocks = [
            block["text"] for block in value[:3] if isinstance(block, dict) and isinstance(block.get("text"), str)
        ]
        typed = value and isinstance(value[0], dict) and value[0].get("type") == "text"
        return _in_text(blocks[0][:_HEAD]) if typed and blocks else ""
    if not isinstance(value, dict):
        return ""
    fields = {str(name).lower(): inner for name, inner in value.items()}
    if any(_filled(fields.get(name)) for name in _SAYS_SO) or any(fields.get(name) is False for name in _DONE):
        return "json"
    if any(_bad(name, fields.get(name)) for name in _STATUS):
        return "json"
    if isinstance(code := fields.get("exit_code", fields.get("exitcode", fields.get("returncode"))), int) and code:
        return "exit code"
    if depth < 3 and len(fields) <= 4:
        return next(
            (found for name in fields if name in _WRAPPERS and (found := _in_json(fields[name], depth + 1))), ""
        )
    return ""


def _filled(value: Any) -> bool:
    """Whether an error field says that there was one: not null, false, 0, '', [], {}, "none" or "false"."""
    return bool(value) and not (
        isinstance(value, str) and value.strip().lower() in ("none", "null", "false", "no", "0", "")
    )


def _bad(name: str, value: Any) -> bool:
    if isinstance(value, bool) or value is None:
        return False
    if isinstance(value, int):
        return 400 <= value <= 599
    if isinstance(value, str):
        return value.strip().lower() in _BAD or (
            name != "status" and re.fullmatch(r"[45]\d\d", value.strip()) is not None
        )
    return False
