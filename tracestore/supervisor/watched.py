"""Runs a Python program that ends when a pipe does: `python -m tracestore.supervisor.watched FD …`.

Stands in for the kernel's help where there is none (`parent_death`). The words after FD are those
that would follow `python`: `-m MODULE …` or `FILE …`.
"""

from __future__ import annotations

import os
import runpy
import signal
import sys
import threading


def end_with(descriptor: int) -> None:
    """Kills this process when the other end of the pipe is closed."""
    while os.read(descriptor, 1):
        pass
    os.kill(os.getpid(), signal.SIGKILL)


def main(words: list[str]) -> None:
    descriptor, *program = words
    threading.Thread(target=end_with, args=(int(descriptor),), daemon=True).start()
    if program[0] == "-m":
        sys.argv = program[1:]
        runpy.run_module(program[1], run_name="__main__", alter_sys=True)
    else:
        sys.argv = program
        sys.path.insert(0, os.path.dirname(os.path.abspath(program[0])))
        runpy.run_path(program[0], run_name="__main__")


if __name__ == "__main__":
    main(sys.argv[1:])
