"""The web process: `uvicorn tracestore.asgi:application`."""

import gc
import os
from typing import Any

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tracestore.settings")
# Their types of messages differ (dict, MutableMapping, Mapping); what is passed does not.
_django: Any = get_asgi_application()

# Only now: these need Django's settings and models.
from dashboard.api.verdict_lane import VerdictLane  # noqa: E402
from dashboard.body_limit import BodyLimit  # noqa: E402
from tracestore.verdicts.service import service  # noqa: E402

service.enable()
_limited: Any = BodyLimit(_django)
application = VerdictLane(_limited)

# What is there from the start lives until the end: the collector need not go through it again and again.
gc.collect()
gc.freeze()
