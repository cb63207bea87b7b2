"""What a product under test uses: CPU and memory of a process and everything below it."""

from __future__ import annotations

import contextlib
import threading

import psutil


class Usage:
    """CPU seconds and memory of the process `pid` and of its descendants."""

    def __init__(self, pid: int) -> None:
        self.root = psutil.Process(pid)
        self.most = 0
        self._stop = threading.Event()

    def processes(self) -> list[psutil.Process]:
        with contextlib.suppress(psutil.NoSuchProcess):
            return [self.root, *self.root.children(recursive=True)]
        return []

    def cpu(self) -> float:
        """Seconds so far, with those of children that have ended and were waited for."""
        total = 0.0
        for process in self.processes():
            with contextlib.suppress(psutil.Error):
                times = process.cpu_times()
                total += times.user + times.system + times.children_user + times.children_system
        return total

    def memory(self) -> int:
        """Bytes, shared pages counted once (PSS)."""
        total = 0
        for process in self.processes():
            with contextlib.suppress(psutil.Error):
                total += process.memory_full_info().pss
        return total

    def watch(self) -> None:
        """Looks at the memory each second until `stop`; `most` is the highest seen so far."""

        def loop() -> None:
            while not self._stop.wait(1):
                self.most = max(self.most, self.memory())

        threading.Thread(target=loop, daemon=True).start()

    def stop(self) -> None:
        self._stop.set()
