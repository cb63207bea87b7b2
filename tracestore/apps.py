from django.apps import AppConfig


class TracestoreConfig(AppConfig):
    name = "tracestore"
    default_auto_field = "django.db.models.BigAutoField"
