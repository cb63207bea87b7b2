"""The Celery application. `celery -A tracestore worker` and `… beat`, or `manage.py up` for both."""

import os

from celery import Celery
from celery.signals import setup_logging

from tracestore import file_broker

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tracestore.settings")

file_broker.install()  # the embedded broker; costs nothing where Redis is used

app = Celery("tracestore")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["tracestore"])


@setup_logging.connect
def keep_our_logging(**_: object) -> None:
    """Stops Celery from putting its own handlers on the root logger; settings have configured it."""
