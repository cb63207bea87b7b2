"""Limits of projects: what is possible, how they are stored and set, and how ingest hears of them."""

from __future__ import annotations

import threading
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from tracestore import books, project_limits
from tracestore.books import Book
from tracestore.errors import InvalidInput, NotFound
from tracestore.models import Project, ProjectLimits
from tracestore.rates import MOST, Rates, changed, written


@pytest.fixture
def shop(db: None) -> Project:
    Project.objects.create(slug="cafe", name="Cafe")
    return Project.objects.create(slug="shop", name="Shop")


@pytest.mark.parametrize(
    ("present", "sent", "then"),
    [
        (Rates(), {}, Rates()),
        (Rates(), {"spans_per_second": 5, "burst": 1}, Rates(5, 1)),
        (Rates(5, 9, 7), {"burst": None}, Rates(5, None, 7)),
        (Rates(5, 9, 7), {"bytes_per_second": MOST}, Rates(5, 9, MOST)),
        # A burst without its rate would mean nothing.
        (Rates(5, 9, 7), {"spans_per_second": None}, Rates(None, None, 7)),
    ],
)
def test_what_is_sent_changes_and_the_rest_stays(present: Rates, sent: dict[str, int | None], then: Rates) -> None:
    assert changed(present, sent) == then


@pytest.mark.parametrize(
    ("sent", "field"),
    [
        ({"spans_per_second": 0}, "spans_per_second"),
        ({"bytes_per_second": -1}, "bytes_per_second"),
        ({"bytes_per_second": MOST + 1}, "bytes_per_second"),
        ({"spans_per_second": True}, "spans_per_second"),
        ({"spans_per_second": 1.5}, "spans_per_second"),
        ({"spans_per_second": "7"}, "spans_per_second"),
        ({"burst": 7}, "burst"),
        ({"burst": 7, "spans_per_second": None}, "burst"),
        ({"spans": 7}, "spans"),
    ],
)
def test_what_cannot_be_is_refused_by_name(sent: Any, field: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        changed(Rates(bytes_per_second=3), sent)
    assert caught.value.field == field


@pytest.mark.parametrize(("text", "value"), [("", None), (" none ", None), ("None", None), ("12", 12), ("007", 7)])
def test_how_a_limit_is_written(text: str, value: int | None) -> None:
    assert written("burst", text) == value


@pytest.mark.parametrize("text", ["-1", "1.5", "five", "1e3", "٣", "9" * 40])
def test_how_it_is_not(text: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        written("burst", text)
    assert caught.value.field == "burst"


def test_each_project_has_its_own(shop: Project) -> None:
    assert project_limits.change("shop", {"spans_per_second": 5}) == Rates(5)
    assert project_limits.change("shop", {"bytes_per_second": 7}) == Rates(5, None, 7)
    assert (project_limits.of("shop"), project_limits.of("cafe")) == (Rates(5, None, 7), Rates())
    with pytest.raises(NotFound):
        project_limits.change("nowhere", {"spans_per_second": 5})


def test_ingest_hears_of_limits_and_keeps_them_while_the_database_is_away(
    shop: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    book = project_limits.book()
    project_limits.change("shop", {"spans_per_second": 5})
    project_limits.change("cafe", {"spans_per_second": 5})
    project_limits.change("cafe", {"spans_per_second": None})
    assert book.of("shop") is None
    book.refresh()
    assert (book.of("shop"), book.of("cafe")) == (Rates(5), None)

    def away(*_: object) -> None:
        raise RuntimeError("away")

    with monkeypatch.context() as patch:
        patch.setattr(ProjectLimits.objects, "select_related", away)
        book.refresh()
    assert book.of("shop") == Rates(5)


@pytest.mark.django_db
def test_a_book_is_read_again_and_again_off_the_caller_s_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also after a reading that failed."""
    monkeypatch.setattr(books, "REFRESH_SECONDS", 0.001)
    readers: list[int] = []
    enough = threading.Event()

    def read() -> dict[str, int]:
        readers.append(threading.get_ident())
        if len(readers) == 2:
            raise RuntimeError("away")
        if len(readers) >= 4:
            enough.set()
        return {"shop": len(readers)}

    book = Book("numbers", read).start()
    try:
        assert enough.wait(10)
    finally:
        book.stop()
    assert readers[0] == threading.get_ident()
    assert threading.get_ident() not in readers[1:]
    assert (book.of("shop") or 0) >= 3


def run(*arguments: str) -> str:
    out = StringIO()
    call_command("project_limits", *arguments, stdout=out)
    return out.getvalue()


def test_the_command_shows_and_sets(shop: Project) -> None:
    assert run("shop", "--spans-per-second", "5", "--burst", "50") == (
        "shop  spans_per_second=5  burst=50  bytes_per_second=none\n"
    )
    run("shop", "--bytes-per-second", "1000")
    run("shop", "--spans-per-second", "none")
    assert project_limits.of("shop") == Rates(bytes_per_second=1000)
    assert run() == (
        "cafe  spans_per_second=none  burst=none  bytes_per_second=none\n"
        "shop  spans_per_second=none  burst=none  bytes_per_second=1000\n"
    )
    assert "cafe" not in run("shop")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("nowhere", "--burst", "1"), "Projects: cafe, shop"),
        (("--burst", "1"), "Name the project"),
        (("shop", "--burst", "1"), "expected spans_per_second too"),
        (("shop", "--spans-per-second", "0"), "expected a whole number"),
        (("shop", "--spans-per-second", "many"), "expected a whole number"),
    ],
)
def test_the_command_says_what_is_expected(shop: Project, arguments: tuple[str, ...], said: str) -> None:
    with pytest.raises(CommandError, match=said):
        run(*arguments)
    assert not ProjectLimits.objects.exists()
