"""`/sql/`: one SELECT over the project, its answer as a table or a file. The statement is in the address."""

from __future__ import annotations

from typing import Any, Final

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render

from dashboard.api.sql import as_file
from dashboard.pages.access import error_page, page
from dashboard.sql_reference import reference
from tracestore.access import scopes_in
from tracestore.clickhouse import sql_console
from tracestore.errors import Forbidden, InvalidInput, Overloaded

#: What fits an address; the API takes more.
MOST_CHARACTERS: Final = 4_000
ROWS: Final = 100
FILES: Final = {"csv": "CSV", "json": "JSON"}


@page
def sql(request: HttpRequest, project: str) -> HttpResponse:
    if "sql" not in scopes_in(request.user, project):
        raise Forbidden("SQL is for members of the project: ask an owner or admin for that role.")
    text = request.GET.get("q", "")
    wanted = request.GET.get("format", "")
    known = reference()
    context: dict[str, Any] = {"query": text, "views": known.views, "questions": known.questions, "limits": sql_console}
    if not text.strip():
        return render(request, "dashboard/sql/sql.html", context)
    who = request.user.get_username()
    status = 200
    try:
        if len(text) > MOST_CHARACTERS:
            raise InvalidInput(f"An address holds {MOST_CHARACTERS:,} characters: send longer statements to the API.")
        if wanted in FILES:
            return download(project, text, who, wanted)
        answer = sql_console.ask(project, text, who)
        context |= shown_part(answer, request.GET.get("page", ""))
    except InvalidInput as error:
        context["complaint"], status = error.message, 400
    except Overloaded as error:
        return error_page(request, error)
    return render(request, "dashboard/sql/sql.html", context, status=status)


def download(project: str, text: str, who: str, wanted: str) -> HttpResponse:
    """JSON says itself whether it is all; CSV is refused when it is not."""
    if wanted == "json":
        response: HttpResponse = JsonResponse(sql_console.ask(project, text, who).as_json())
    else:
        response = as_file(project, text, who, FILES[wanted])
    response["Content-Disposition"] = f'attachment; filename="{project}-query.{wanted}"'
    return response


def shown_part(answer: sql_console.Answer, asked_page: str) -> dict[str, Any]:
    last = max(1, -(-len(answer.rows) // ROWS))
    number = int(asked_page) if asked_page.isascii() and asked_page.isdecimal() and len(asked_page) < 5 else 1
    number = min(max(1, number), last)
    part = answer.rows[(number - 1) * ROWS : number * ROWS]
    return {
        "answer": answer,
        "rows": [[(sql_console.as_text(cell), kind(cell)) for cell in row] for row in part],
        "count": len(answer.rows),
        "first": (number - 1) * ROWS + 1,
        "last": (number - 1) * ROWS + len(part),
        "previous": number - 1 if number > 1 else None,
        "next": number + 1 if number < last else None,
        "milliseconds": round(answer.elapsed_s * 1000, 1),
    }


def kind(cell: Any) -> str:
    if cell is None:
        return "null"
    return "n" if isinstance(cell, int | float) and not isinstance(cell, bool) else ""
