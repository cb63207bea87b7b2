"""Celery's worker and beat in one process, for one machine: `python -m tracestore.supervisor.worker`.

`celery worker --beat` runs beat in a forked process, which would outlive a worker that is ended by
`kill -9` and go on queueing jobs beside that of the next worker. Here beat is a thread. Threads also
run the tasks: a notification that waits for a slow receiver must not hold up the settling of traces,
and processes would each load Django once more.
"""

from __future__ import annotations

import logging
import os
import sys
from typing import Any, Final

from celery.beat import EmbeddedService
from celery.signals import worker_ready, worker_shutting_down

from tracestore.celery import app

THREADS: Final = 4
#: What workers say to each other. There is only one here, and each message is a file and a wake-up.
_NO_TALK: Final = ("--without-gossip", "--without-mingle", "--without-heartbeat")
#: These write a line or two for each job, and there is a job each second.
_CHATTY: Final = ("celery.beat", "celery.worker.strategy", "celery.app.trace")


def main() -> None:
    beat: Any = EmbeddedService(app, thread=True)

    def start_beat(**_: object) -> None:
        for name in _CHATTY:
            logging.getLogger(name).setLevel(logging.WARNING)
        beat.start()
        print("worker ready", flush=True)

    def stop_beat(**_: object) -> None:
        # Not `beat.stop()`, which waits for a second: the schedule file may be as old as its last entry.
        beat.service.stop()

    worker_ready.connect(start_beat, weak=False)
    worker_shutting_down.connect(stop_beat, weak=False)
    words = ["--quiet", "worker", "--pool=threads", f"--concurrency={THREADS}", "--loglevel=INFO", *_NO_TALK]
    try:
        app.worker_main(words)
    except SystemExit as ended:
        # Taking the interpreter apart would add a second to each stop and free nothing that the kernel does not.
        logging.shutdown()
        sys.stdout.flush()
        os._exit(ended.code if isinstance(ended.code, int) else 1)


if __name__ == "__main__":
    main()
