"""Which settings a detector has for an agent of a project: stored, checked, and at hand where they are used."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import structlog

from tracestore.books import REFRESH_SECONDS, Book
from tracestore.detectors import configured, registry
from tracestore.detectors.detector import Detector, TraceDetector, WindowDetector
from tracestore.errors import InvalidInput, NotFound
from tracestore.models import DetectorSettings, Project

log = structlog.get_logger(__name__)

#: Detectors whose critical findings halt a run, unless somebody has set otherwise.
HALTING: Final = frozenset({"loop", "retry_storm", "runaway_run"})
MOST_AGENT: Final = 300


@dataclass(frozen=True, slots=True)
class Choice:
    """What a row of settings says. None: nothing."""

    enabled: bool | None = None
    halts: bool | None = None
    values: Mapping[str, Any] = field(default_factory=dict)


#: (detector, agent) → choice; agent '' is for all.
Choices = Mapping[tuple[str, str], Choice]


@dataclass(frozen=True, slots=True)
class ProjectSettings:
    """The choices of one project, and what follows from them."""

    choices: Choices = field(default_factory=dict)

    def of(self, detector: Detector, agent: str) -> Any:
        """The detector's settings for an agent; None when it is off. Stored values that fit no more are left out."""
        if not self.enabled(detector.id, agent):
            return None
        settings = detector.defaults
        for name in ("", agent) if agent else ("",):
            choice = self.choices.get((detector.id, name))
            for key, value in choice.values.items() if choice else ():
                if not hasattr(settings, key):
                    continue  # another part of the detector has it
                try:
                    settings = configured.changed(settings, {key: value})
                except InvalidInput as error:
                    log.warning("a setting fits no more", detector=detector.id, setting=key, reason=error.message)
        return settings

    def enabled(self, detector: str, agent: str) -> bool:
        return self._said("enabled", detector, agent, True)

    def halts(self, detector: str, agent: str) -> bool:
        """Whether a critical finding of it halts a run of the agent."""
        return self._said("halts", detector, agent, detector in HALTING)

    def _said(self, name: str, detector: str, agent: str, default: bool) -> bool:
        for who in (agent, ""):
            choice = self.choices.get((detector, who))
            said: bool | None = getattr(choice, name) if choice else None
            if said is not None:
                return said
        return default


class SettingsBook:
    """The settings of all projects, a few seconds old at most; read again when they are asked for."""

    def __init__(self) -> None:
        self._book: Book[ProjectSettings] = Book("detector settings", all_settings)
        self._read_at = -REFRESH_SECONDS

    def of(self, project: str) -> ProjectSettings:
        if time.monotonic() - self._read_at >= REFRESH_SECONDS:
            self._book.refresh()
            self._read_at = time.monotonic()
        return self._book.of(project) or ProjectSettings()


def all_settings(**of: Any) -> dict[str, ProjectSettings]:
    """Project → its settings, of those that have set something."""
    found: dict[str, dict[tuple[str, str], Choice]] = {}
    for row in DetectorSettings.objects.filter(**of).select_related("project"):
        found.setdefault(row.project.slug, {})[row.detector, row.agent] = Choice(row.enabled, row.halts, row.values)
    return {project: ProjectSettings(choices) for project, choices in found.items()}


def of_project(project: str) -> ProjectSettings:
    """The settings of a project as they are now."""
    return all_settings(project__slug=project).get(project, ProjectSettings())


def every() -> tuple[TraceDetector | WindowDetector, ...]:
    """All detectors, in the order in which they are shown."""
    return (*registry.trace_detectors(), *registry.window_detectors())


def parts(name: str) -> list[TraceDetector | WindowDetector]:
    """The detectors of an id: mostly one; some look at runs and at windows of time, each with its own settings.

    Raises:
        NotFound: there is none.
    """
    found = [one for one in every() if one.id == name]
    if not found:
        known = ", ".join(dict.fromkeys(one.id for one in every()))
        raise NotFound(f"There is no detector {name[:100]!r}: expected {known or 'none'}.")
    return found


def by_id() -> dict[str, list[TraceDetector | WindowDetector]]:
    """All detectors by their ids, in the order in which they are shown."""
    found: dict[str, list[TraceDetector | WindowDetector]] = {}
    for one in every():
        found.setdefault(one.id, []).append(one)
    return found


def described(detectors: Sequence[Detector]) -> list[dict[str, Any]]:
    """The settings of all parts of a detector; one that several have is shown once."""
    settings = [one for part in detectors for one in configured.described(part.defaults)]
    return list({one["name"]: one for one in reversed(settings)}.values())[::-1]


def chosen(detectors: Sequence[Detector], values: Mapping[str, Any]) -> list[Any]:
    """The settings of each part with some values changed.

    Raises:
        InvalidInput: no part has such a setting, or a value is impossible for one that has it; `field` names it.
    """
    known = [one["name"] for one in described(detectors)]
    for name in values:
        if name not in known:
            raise InvalidInput(
                f"{str(name)[:100]} is not a setting: expected {', '.join(known) or 'none'}.", field=str(name)[:100]
            )
    return [
        configured.changed(
            part.defaults, {name: value for name, value in values.items() if hasattr(part.defaults, name)}
        )
        for part in detectors
    ]


def change(
    project: str,
    name: str,
    *,
    agent: str = "",
    enabled: bool | None = None,
    halts: bool | None = None,
    values: Mapping[str, Any] | None = None,
) -> None:
    """Sets a detector for all agents or for one, in place of what was set; it counts within seconds.

    Raises:
        NotFound: there is no such detector or project.
        InvalidInput: a setting is unknown or impossible; `field` names it.
    """
    found = parts(name)
    if len(agent) > MOST_AGENT:
        raise InvalidInput(f"agent: expected at most {MOST_AGENT} characters.", field="agent")
    wanted = dict(values or {})
    chosen(found, wanted)
    owner = Project.objects.filter(slug=project).first()
    if owner is None:
        raise NotFound("There is no such project.")
    kept = {
        key: value
        for key, value in wanted.items()
        if agent or any(value != getattr(part.defaults, key, value) for part in found)
    }
    if enabled is None and halts is None and not kept:
        DetectorSettings.objects.filter(project=owner, detector=name, agent=agent).delete()
        return
    DetectorSettings.objects.update_or_create(
        project=owner, detector=name, agent=agent, defaults={"enabled": enabled, "halts": halts, "values": kept}
    )
