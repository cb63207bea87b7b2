"""`manage.py alert_rules`: alert rules as a file that is kept with the code, compared and applied."""

from __future__ import annotations

import sys
from argparse import RawDescriptionHelpFormatter
from pathlib import Path
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from tracestore import audit
from tracestore.alerts import rules, rules_file, rules_plan
from tracestore.errors import TracestoreError
from tracestore.models import Project

#: What an error exits with, so that `--check` can say "differs" with 1.
FAILED = 2

ACTOR: Final = audit.Actor("manage.py alert_rules", "command")


class Command(BaseCommand):
    help = """Writes a project's alert rules as YAML, and makes a project's rules those of a file. docs/alert-rules.md
describes the file.

`apply` prints a plan: + added, ~ changed, - deleted. Rules that are not in the file stay, unless --prune is given. All
is done or nothing.

Exit codes: 0 done (with --check: nothing differs), 1 with --check: something differs, 2 the file or the call is wrong.

Examples:
  manage.py alert_rules export > rules.yaml
  manage.py alert_rules export --project shop --output rules.yaml
  manage.py alert_rules apply rules.yaml --dry-run
  manage.py alert_rules apply rules.yaml --project shop --prune
  manage.py alert_rules apply rules.yaml --prune --check      in CI: does production have these rules?
  cat rules.yaml | manage.py alert_rules apply -"""

    def create_parser(self, *args: Any, **kwargs: Any) -> CommandParser:
        return super().create_parser(*args, formatter_class=RawDescriptionHelpFormatter, **kwargs)

    def add_arguments(self, parser: CommandParser) -> None:
        what = parser.add_subparsers(dest="what", required=True, metavar="export|apply")
        export = what.add_parser("export", help="write the rules as YAML")
        export.add_argument("--output", metavar="FILE", help="write to FILE instead of printing")
        apply = what.add_parser("apply", help="make the project's rules those of a file")
        apply.add_argument("file", metavar="FILE", help="the rules file; - reads from standard input")
        apply.add_argument("--prune", action="store_true", help="delete rules that are not in the file")
        apply.add_argument("--dry-run", action="store_true", help="print the plan and change nothing")
        apply.add_argument("--check", action="store_true", help="as --dry-run, and exit with 1 when something differs")
        for one in (export, apply):
            one.add_argument("--project", default="default", help="slug of the project (default: default)")

    def handle(self, *args: Any, **options: Any) -> None:
        project = options["project"]
        known = list(Project.objects.order_by("slug").values_list("slug", flat=True))
        if project not in known:
            raise CommandError(
                f"There is no project {project!r}. Projects: {', '.join(known) or 'none'}.", returncode=FAILED
            )
        try:
            if options["what"] == "export":
                self.export(project, options["output"])
            else:
                self.apply(project, options)
        except (TracestoreError, OSError, UnicodeDecodeError) as error:
            raise CommandError(getattr(error, "message", None) or str(error), returncode=FAILED) from error

    def export(self, project: str, output: str | None) -> None:
        text = rules_file.text(project, rules.listed(project))
        if output:
            Path(output).write_text(text, "utf-8", newline="\n")
        else:
            self.stdout.write(text, ending="")

    def apply(self, project: str, options: dict[str, Any]) -> None:
        text = sys.stdin.read() if options["file"] == "-" else Path(options["file"]).read_text("utf-8")
        steps = rules_plan.plan(project, rules_file.read(project, text), prune=options["prune"])
        for step in steps:
            if step.action not in ("unchanged", "kept"):
                self.stdout.write(step.line)
        self.stdout.write(summary(steps))
        if options["check"]:
            if rules_plan.differs(steps):
                sys.exit(1)
            return
        if not options["dry_run"]:
            with transaction.atomic():
                rules_plan.apply(project, steps, "manage.py alert_rules")
                audit.record("rules.applied", project=project, detail={"plan": summary(steps)}, actor=ACTOR)


def summary(steps: list[rules_plan.Step]) -> str:
    counts = {action: sum(step.action == action for step in steps) for action in rules_plan.SIGNS}
    kept = counts.pop("kept")
    said = ", ".join(f"{count} {action}" for action, count in counts.items())
    return f"{said}; {kept} not in the file stay{'s' if kept == 1 else ''}" if kept else said
