"""How much of what models, tools and users say a project keeps: the setting, and ready to run for ingest.

What each mode does is `tracestore.capture_cut`; docs/privacy.md says it to people.
"""

from __future__ import annotations

import hashlib
from typing import Final, Self

from django.conf import settings

from tracestore.books import Book
from tracestore.capture_cut import Cutter
from tracestore.errors import InvalidInput, NotFound, Unavailable
from tracestore.models import Project, ProjectCapture

MODES: Final = tuple(str(mode) for mode in ProjectCapture.Mode)
FULL: Final = str(ProjectCapture.Mode.FULL)


def of(project: str) -> str:
    """The mode of a project; `full` where nobody set any."""
    row = ProjectCapture.objects.filter(project__slug=project).first()
    return row.mode if row else FULL


def change(project: str, mode: str) -> str:
    """Stores the mode. It counts within seconds, for what is received from then on.

    Raises:
        InvalidInput: there is no such mode.
        NotFound: there is no such project.
    """
    if mode not in MODES:
        raise InvalidInput(f"mode: expected one of {', '.join(MODES)}.", field="mode")
    found = Project.objects.filter(slug=project).first()
    if found is None:
        raise NotFound("There is no such project.")
    ProjectCapture.objects.update_or_create(project=found, defaults={"mode": mode})
    return mode


class CutterBook:
    """The cutters of all projects that do not keep everything, a few seconds old at most.

    What must not be kept cannot be taken back once it is written: until the modes were read for the first time,
    nothing is taken in.
    """

    def __init__(self) -> None:
        self._book: Book[Cutter] = Book("capture modes", self._made)
        self._read = False

    def of(self, project: str) -> Cutter | None:
        """None for a project that keeps everything.

        Raises:
            Unavailable: the modes could not be read yet.
        """
        if not self._read:
            raise Unavailable("the settings of projects cannot be read yet; nothing was stored")
        return self._book.of(project)

    def start(self) -> Self:
        """Reads the modes, and again every few seconds until the process ends or `stop`."""
        self._book.start()
        return self

    def stop(self) -> None:
        self._book.stop()

    def refresh(self) -> None:
        self._book.refresh()

    def _made(self) -> dict[str, Cutter]:
        made = {}
        for slug, mode in ProjectCapture.objects.exclude(mode=FULL).values_list("project__slug", "mode"):
            # A cutter remembers what it has seen of names; one whose mode is the same stays.
            before = self._book.of(slug)
            made[slug] = before if before and before.mode == mode else Cutter(mode, key_of(slug))  # type: ignore[arg-type]
        self._read = True
        return made


def key_of(project: str) -> bytes:
    """The key of a project's digests: of this installation, and of this project alone."""
    return hashlib.blake2b(
        f"capture {project}".encode(), key=settings.SECRET_KEY.encode()[:64], digest_size=32
    ).digest()
