from django.apps import AppConfig


class AlertsConfig(AppConfig):
    name = "tracestore.alerts"
    label = "alerts"
