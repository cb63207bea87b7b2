from typing import Any

from django.db import migrations


def fill(apps: Any, schema_editor: Any) -> None:
    """Projects that were there before organisations belong to "default"; who owned all of them owns it."""
    Organisation = apps.get_model("tracestore", "Organisation")
    Project = apps.get_model("tracestore", "Project")
    Membership = apps.get_model("tracestore", "Membership")
    OrganisationMembership = apps.get_model("tracestore", "OrganisationMembership")
    projects = Project.objects.count()
    if not projects:
        return
    organisation, _ = Organisation.objects.get_or_create(slug="default", defaults={"name": "Default"})
    Project.objects.filter(organisation=None).update(organisation=organisation)
    owned: dict[int, set[int]] = {}
    for user, project in Membership.objects.filter(role="owner").values_list("user_id", "project_id"):
        owned.setdefault(user, set()).add(project)
    for user, of in owned.items():
        if len(of) == projects:
            OrganisationMembership.objects.get_or_create(
                user_id=user, organisation=organisation, defaults={"role": "owner"}
            )


class Migration(migrations.Migration):
    # Apart from the step before and after it: PostgreSQL changes no table in which rows have just been changed.

    dependencies = [("tracestore", "0009_tenancy")]
    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
