"""`/detectors/` and `/detectors/{id}/`: what each looks for and how it does; its settings, tried on the past first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode

from dashboard import markdown
from dashboard.api import detectors as api
from dashboard.pages.access import form_page, may_administer, page
from dashboard.pages.changes import change
from tracestore import detector_settings, replay
from tracestore.clickhouse.aggregates.period import Period
from tracestore.clickhouse.detecting import looking, problems
from tracestore.detector_settings import Choice, ProjectSettings
from tracestore.detectors import configured
from tracestore.detectors.detector import Detector, WindowDetector
from tracestore.errors import Forbidden, InvalidInput, NotFound, Overloaded
from tracestore.models import Backtest
from tracestore.moments import nanoseconds, parse_time
from tracestore.replay import Past

#: What is asked about the past: days → in words.
PASTS: Final = {"1": "the last day", "7": "the last 7 days", "30": "the last 30 days"}
SWITCHES: Final = {"": None, "on": True, "off": False}
#: Runs of a backtest that are listed at once.
LISTED: Final = 20


@dataclass(frozen=True, slots=True)
class Field:
    """One setting in the form. `value` is what was typed or is set, '' when it is as it comes (`placeholder`)."""

    name: str
    help: str
    kind: str
    bounds: str
    value: str
    placeholder: str
    is_switch: bool
    is_wrong: bool


@page
def detector_list(request: HttpRequest, project: str) -> HttpResponse:
    parts = detector_settings.by_id()
    rows = [
        (one, brief(parts[one["id"]]), last_look(parts[one["id"]]))
        for one in sorted(api.described(project, parts), key=lambda one: -one["counts"]["findings"])
    ]
    return render(request, "dashboard/detectors/list.html", {"rows": rows})


@form_page
def detector(request: HttpRequest, project: str, detector_id: str) -> HttpResponse:
    """The page of one detector, for all agents or for the one that `agent` names; its form is posted here."""
    parts = detector_settings.parts(detector_id)
    sent = request.POST if request.method == "POST" else None
    agent = (request.POST if sent is not None else request.GET).get("agent", "").strip()
    complaint, wrong = "", ""
    if sent is not None:
        if not may_administer(request, project):
            raise Forbidden("Only an owner or admin of the project may set its detectors.")
        try:
            save(project, detector_id, parts, agent, sent)
            return redirect(f"{reverse('detector', args=[detector_id])}?{urlencode({'agent': agent, 'saved': '1'})}")
        except InvalidInput as error:
            complaint, wrong = error.message, error.field
    settings = detector_settings.of_project(project)
    context = backtest_of(latest_backtest(project, detector_id)) | {
        "detector": api.described(project, {detector_id: parts})[0],
        "method": markdown.render("\n\n".join(part.method.strip() for part in parts)),
        "last_look": last_look(parts),
        "agent": agent,
        "agents": agents_of(project, detector_id, settings, agent),
        "fields": fields(parts, settings, agent, sent, wrong),
        "switches": switches(settings, detector_id, agent, sent),
        "pasts": PASTS,
        "complaint": complaint,
        "saved": request.GET.get("saved") == "1",
        "may_change": may_administer(request, project),
    }
    return render(request, "dashboard/detectors/detector.html", context, status=400 if complaint else 200)


@change
def start_backtest(request: HttpRequest, project: str, detector_id: str) -> HttpResponse:
    """Tries the settings of the form on the past; by htmx the answer is the part of the page that tells of it."""
    parts = detector_settings.parts(detector_id)
    agent = request.POST.get("agent", "").strip()
    by_htmx = bool(request.headers.get("HX-Request"))
    try:
        days = request.POST.get("past", "7")
        if days not in PASTS:
            raise InvalidInput(f"past={days[:100]!r}: expected {', '.join(PASTS)} (days).", field="past")
        now = timezone.now()
        past = Past(project, now - timedelta(days=int(days)), now, agent)
        job = replay.start_backtest(past, detector_id, in_effect(project, detector_id, parts, agent, request.POST))
    except (InvalidInput, Overloaded) as error:
        if not by_htmx:
            raise
        context: dict[str, Any] = {"refused": error.message}
        return render(request, "dashboard/detectors/backtest.html", context, status=400)
    if not by_htmx:
        return redirect(f"{reverse('detector', args=[detector_id])}?{urlencode({'agent': agent})}#backtest")
    return render(request, "dashboard/detectors/backtest.html", backtest_of(job))


@page
def backtest(request: HttpRequest, project: str, detector_id: str, number: int) -> HttpResponse:
    """How far a backtest is."""
    job = Backtest.objects.filter(project__slug=project, detector=detector_id, pk=number).first()
    if job is None:
        raise NotFound("There is no such backtest in this project.")
    return render(request, "dashboard/detectors/backtest.html", backtest_of(job))


def latest_backtest(project: str, detector_id: str) -> Backtest | None:
    return Backtest.objects.filter(project__slug=project, detector=detector_id).order_by("-pk").first()


def backtest_of(job: Backtest | None) -> dict[str, Any]:
    """What the part about a backtest needs."""
    if job is None:
        return {}
    going = job.state in (Backtest.State.WAITING, Backtest.State.RUNNING)
    silent = going and job.told_at < timezone.now() - replay.SILENT
    found = [
        one | {"first_ns": nanoseconds(parse_time(one["first_seen"], "first_seen"))}
        for one in job.outcome.get("findings", [])[:LISTED]
    ]
    return {
        "job": job,
        "going": going and not silent,
        "silent": silent,
        "found": found,
        "found_more": max(job.outcome.get("fired", 0) - LISTED, 0),
        "tried": ", ".join(f"{name} {written(value)}" for name, value in job.values.items()) or "as it comes",
    }


def save(project: str, detector_id: str, parts: Sequence[Detector], agent: str, sent: QueryDict) -> None:
    """Stores what the form says.

    Raises:
        InvalidInput: a value cannot be; names the field.
    """
    said: dict[str, bool | None] = {}
    for name in ("enabled", "halts"):
        if sent.get(name, "") not in SWITCHES:
            raise InvalidInput(f"{name}: expected on, off or nothing.", field=name)
        said[name] = SWITCHES[sent.get(name, "")]
    detector_settings.change(
        project, detector_id, agent=agent, enabled=said["enabled"], halts=said["halts"], values=values_of(parts, sent)
    )


def values_of(parts: Sequence[Detector], sent: QueryDict) -> dict[str, Any]:
    """The settings that the form names; an empty field is as it comes."""
    found: dict[str, Any] = {}
    for one in detector_settings.described(parts):
        text = sent.get(f"set.{one['name']}", "").strip()
        if text:
            part = next(part for part in parts if hasattr(part.defaults, one["name"]))
            found |= configured.from_text(part.defaults, f"{one['name']}={text}")
    return found


def in_effect(project: str, detector_id: str, parts: Sequence[Detector], agent: str, sent: QueryDict) -> dict[str, Any]:
    """The settings that would hold if the form were saved: of an agent also what is set for all."""
    choices = detector_settings.of_project(project).choices
    shared: Mapping[str, Any] = choices.get((detector_id, ""), Choice()).values if agent else {}
    return {**shared, **values_of(parts, sent)}


def fields(
    parts: Sequence[Detector], settings: ProjectSettings, agent: str, sent: QueryDict | None, wrong: str
) -> list[Field]:
    """The form's fields, filled with what was typed, else with what is set."""
    name = parts[0].id
    own = settings.choices.get((name, agent), Choice()).values
    shared: Mapping[str, Any] = settings.choices.get((name, ""), Choice()).values if agent else {}
    found = []
    for one in detector_settings.described(parts):
        key = one["name"]
        typed = sent.get(f"set.{key}", "") if sent is not None else written(own[key]) if key in own else ""
        found.append(
            Field(
                key, one["help"], one["kind"], bounds(one["minimum"], one["maximum"]), typed,
                written(shared.get(key, one["default"])), isinstance(one["default"], bool), key == wrong,
            )
        )  # fmt: skip
    return found


def switches(settings: ProjectSettings, name: str, agent: str, sent: QueryDict | None) -> list[dict[str, Any]]:
    """Whether it is on and whether it halts, each with what holds when nothing is chosen."""
    own, others = settings.choices.get((name, agent), Choice()), ProjectSettings(
        {key: value for key, value in settings.choices.items() if key != (name, agent)}
    )  # fmt: skip
    found = []
    for field, word, usual in (
        ("enabled", "It runs", others.enabled(name, agent)),
        ("halts", "Its critical findings halt a run", others.halts(name, agent)),
    ):
        set_to = {True: "on", False: "off", None: ""}[getattr(own, field)]
        chosen = sent.get(field, "") if sent is not None else set_to
        found.append({"name": field, "word": word, "chosen": chosen, "usual": "on" if usual else "off"})
    return found


def agents_of(project: str, name: str, settings: ProjectSettings, agent: str) -> list[str]:
    """Agents that have settings of their own, had findings in the last week, or are named."""
    now = timezone.now()
    period = Period(project, now - api.COUNTED, now)
    own = {who for detector_id, who in settings.choices if detector_id == name and who}
    return sorted({*problems.agents(period), *own, *filter(None, [agent])})


def brief(parts: Sequence[Detector]) -> str:
    """The first paragraph of each part's method, on one line."""
    first = (" ".join(part.method.strip().split("\n\n")[0].split()) for part in parts)
    return "; ".join(text.removeprefix(f"`{parts[0].id}`: ").rstrip(".") for text in first)


def last_look(parts: Sequence[Detector]) -> int:
    """When a part of it looked last, in ns; 0 before the first time."""
    jobs = {
        f"judged {part.id} {part.reads.__name__}" if isinstance(part, WindowDetector) else "traces" for part in parts
    }
    return max(looking.looked_until(job) for job in jobs) * 1000


def bounds(minimum: float | None, maximum: float | None) -> str:
    if minimum is not None and maximum is not None:
        return f"{minimum:g} to {maximum:g}"
    if minimum is not None:
        return f"at least {minimum:g}"
    return f"at most {maximum:g}" if maximum is not None else ""


def written(value: Any) -> str:
    """A setting's value as the form takes it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    return f"{value:g}" if isinstance(value, float) else str(value)
