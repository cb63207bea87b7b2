"""The pages of this folder as one book: their order, the line at the foot of each, and the parts made from the program.

    python -m docs.book

writes them anew, after a page, a command or an endpoint was added. `README.md` beside this file is the only place that
says which pages there are and in which order; `tests/operations/test_book.py` compares.
"""

from __future__ import annotations

import os
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

HERE = Path(__file__).parent
CONTENTS = "README.md"
ENTRY = re.compile(r"^- \[([^\]]+)\]\(([^)]+)\): (.+)$", re.M)
FOOT = "\n---\n\n<!-- foot: python -m docs.book -->\n"


@dataclass(frozen=True, slots=True)
class Page:
    """One line of the contents. `path` is relative to this folder."""

    title: str
    path: str
    about: str

    @property
    def here(self) -> bool:
        """Whether it is a page of this folder; the contents also name files beside it."""
        return not self.path.startswith("../")


def pages() -> list[Page]:
    """What the contents list, in the order of reading."""
    return [Page(*found) for found in ENTRY.findall((HERE / CONTENTS).read_text())]


def written() -> list[str]:
    """The pages that are in this folder, without the contents."""
    found = (path.relative_to(HERE).as_posix() for path in HERE.rglob("*.md"))
    return sorted(path for path in found if path != CONTENTS)


def feet() -> dict[str, str]:
    """Path → the last lines of the page: what was before, what comes next, the contents."""
    there = [page for page in pages() if page.here and (HERE / page.path).is_file()]
    found = {}
    for place, page in enumerate(there):
        to = {}
        if place:
            to["Before"] = there[place - 1]
        if place + 1 < len(there):
            to["Next"] = there[place + 1]
        links = [f"{word}: [{one.title}]({link(page.path, one.path)})" for word, one in to.items()]
        links.append(f"[Contents]({link(page.path, CONTENTS)})")
        found[page.path] = FOOT + " · ".join(links) + "\n"
    return found


def link(here: str, there: str) -> str:
    """The address of one page in another, both relative to this folder."""
    return os.path.relpath(there, PurePosixPath(here).parent)


def with_foot(text: str, foot: str) -> str:
    return text.partition(FOOT)[0].rstrip("\n") + "\n" + foot


def with_part(text: str, name: str, part: str) -> str:
    """The text with what stands between the marks of this name replaced."""
    begin, end = f"<!-- {name}: begin -->\n", f"<!-- {name}: end -->\n"
    if not 0 <= text.find(begin) < text.find(end):
        raise ValueError(f"the page has no marks {begin!r} and {end!r}")
    before, _, rest = text.partition(begin)
    after = rest.partition(end)[2]
    return before + begin + part + end + after


def made() -> dict[str, str]:
    """Path → the whole page as it should be, for every page with a foot or a part that is made."""
    from docs import reference

    texts = {path: with_foot((HERE / path).read_text(), foot) for path, foot in feet().items()}
    texts["api.md"] = with_part(texts["api.md"], "endpoints", reference.endpoints())
    texts["commands.md"] = with_part(texts["commands.md"], "commands", reference.commands())
    return texts


def main() -> None:
    # Defaults that are told are those of an installation without settings.
    for name in [name for name in os.environ if name.startswith("TRACESTORE_")]:
        del os.environ[name]
    with tempfile.TemporaryDirectory() as folder:
        os.environ |= {"TRACESTORE_DATA_DIR": folder, "DJANGO_SETTINGS_MODULE": "tracestore.settings"}
        write()


def write() -> None:
    import django

    django.setup()
    for path, text in made().items():
        if (HERE / path).read_text() != text:
            (HERE / path).write_text(text)
            print(f"docs/{path}")


if __name__ == "__main__":
    main()
