"""`manage.py bill_of_materials`: what this installation is made of, for scanners."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import BaseCommand

from tracestore import bill_of_materials


class Command(BaseCommand):
    help = "Prints the packages of this installation with their versions, as CycloneDX JSON. Needs no network."

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(json.dumps(bill_of_materials.document(), indent=1))
