"""Celery's worker and beat in one process, for one machine: `python -m tracestore.supervisor.worker`.

`celery worker --beat` runs beat in a forked process, which would outlive a worker that is ended by
`kill -9` and go on queueing jobs beside that of the next worker. Here beat is a thread. Threads also
run the tasks: a notification that waits for a slow receiver must not hold up the settling of traces,
and chDB's clients need no isolation.
"""

from __future__ import annotations

from typing import Any, Final

from celery.beat import EmbeddedService
from celery.signals import worker_ready, worker_shutting_down

from tracestore.celery import app

THREADS: Final = 4
#: What workers say to each other. There is only one here, and each message is a file and a wake-up.
_NO_TALK: Final = ("--without-gossip", "--without-mingle", "--without-heartbeat")


def main() -> None:
    beat: Any = EmbeddedService(app, thread=True)
    beat.daemon = True

    def start_beat(**_: object) -> None:
        beat.start()
        print("worker ready", flush=True)

    def stop_beat(**_: object) -> None:
        beat.stop()

    worker_ready.connect(start_beat, weak=False)
    worker_shutting_down.connect(stop_beat, weak=False)
    app.worker_main(["--quiet", "worker", "--pool=threads", f"--concurrency={THREADS}", "--loglevel=INFO", *_NO_TALK])


if __name__ == "__main__":
    main()
