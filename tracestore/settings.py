"""Django settings. Everything an operator can set is an environment variable (tracestore/environment.py)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured

from tracestore import environment, secrets
from tracestore.logs import configure as configure_logs
from tracestore.schedule import SCHEDULE

ENVIRONMENT = environment.read()
SECRETS = secrets.load(ENVIRONMENT)

BASE_DIR: Path = environment.ROOT
DATA_DIR: Path = ENVIRONMENT.data_dir
SECRET_KEY = SECRETS.secret_key
DEBUG = ENVIRONMENT.debug

LOOPBACK_HOSTS = ["localhost", "127.0.0.1", "[::1]"]
# A fixed list, not "*": it is what keeps a page on another site from reading us by DNS rebinding.
ALLOWED_HOSTS = [*LOOPBACK_HOSTS, *ENVIRONMENT.allowed_hosts]
if not ENVIRONMENT.loopback and ENVIRONMENT.bind not in ("0.0.0.0", "::"):
    ALLOWED_HOSTS.append(ENVIRONMENT.bind)
CSRF_TRUSTED_ORIGINS = [f"https://{host}" for host in ENVIRONMENT.allowed_hosts if not host.startswith(".")]

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django_htmx",
    "rest_framework",
    "drf_spectacular",
    "tracestore",
    "ingest",
    "dashboard",
]

MIDDLEWARE = [
    "dashboard.metrics.count_requests",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.middleware.gzip.GZipMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]

ROOT_URLCONF = "tracestore.urls"
ASGI_APPLICATION = "tracestore.asgi.application"
LOGIN_URL = "/login/"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "/login/"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]


def database(url: str | None) -> dict[str, Any]:
    """SQLite in the data directory unless a PostgreSQL URL is given."""
    if url is None or url.startswith("sqlite"):
        path = DATA_DIR / "tracestore.sqlite3"
        if url is not None:
            path = Path(url.split("://", 1)[1].removeprefix("/") or path)
        return {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": path,
            "OPTIONS": {
                # IMMEDIATE: a transaction that will write takes the lock at once, so that two
                # processes wait for each other instead of failing halfway with "database is locked".
                "transaction_mode": "IMMEDIATE",
                "timeout": 20,
                "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
            },
        }
    import environ

    parsed = environ.Env.db_url_config(url)
    if not parsed:
        raise ImproperlyConfigured("TRACESTORE_DATABASE_URL: expected postgresql://user:password@host/name")
    return {**parsed, "CONN_MAX_AGE": 60, "CONN_HEALTH_CHECKS": True}


DATABASES = {"default": database(ENVIRONMENT.database_url)}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]

LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_I18N = False
USE_TZ = True

STATIC_URL = "/static/"
# No collectstatic and no folder for it: whitenoise serves the apps' own folders.
STATIC_ROOT = None
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = DEBUG

SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SAMESITE = "Lax"
# A loopback install speaks plain HTTP; anything else is expected behind TLS.
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = not ENVIRONMENT.loopback
SECURE_PROXY_SSL_HEADER = None if ENVIRONMENT.loopback else ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'none'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        # Inline style *attributes* only: bars are placed by `style="left:…"` in server-rendered rows.
        "style-src-attr": ["'unsafe-inline'"],
        "img-src": ["'self'", "data:"],
        "font-src": ["'self'"],
        "connect-src": ["'self'"],
        "form-action": ["'self'"],
        "base-uri": ["'none'"],
        "frame-ancestors": ["'none'"],
    }
}

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "dashboard.api.authentication.KeyAuthentication",
        "dashboard.api.authentication.BrowserAuthentication",
        "dashboard.api.authentication.LoopbackAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["dashboard.api.permissions.HasScope"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "dashboard.api.errors.handle",
    "UNAUTHENTICATED_USER": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Tracestore API",
    "DESCRIPTION": "Read the traces of AI agents. Send a key as authorization: Bearer KEY or x-api-key: KEY.",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_AUTHENTICATION": [],
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
}

# Celery. The filesystem transport needs no server; work is small (spans never pass through it),
# tasks are idempotent and acknowledged late, so a killed worker's task is simply done again.
BROKER_DIR = DATA_DIR / "broker"
CELERY_BROKER_URL = ENVIRONMENT.broker_url or "filesystem://"
if CELERY_BROKER_URL == "filesystem://":
    CELERY_BROKER_TRANSPORT_OPTIONS = {
        "data_folder_in": str(BROKER_DIR / "queue"),
        "data_folder_out": str(BROKER_DIR / "queue"),
        "processed_folder": str(BROKER_DIR / "done"),
        "control_folder": str(BROKER_DIR / "control"),
        "store_processed": False,
    }
    for folder in ("queue", "done", "control"):
        (BROKER_DIR / folder).mkdir(parents=True, exist_ok=True)
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_TIME_LIMIT = 300
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BEAT_SCHEDULE_FILENAME = str(DATA_DIR / "beat-schedule")
CELERY_BEAT_SCHEDULE = SCHEDULE

LOGGING_CONFIG = None
configure_logs(debug=DEBUG)
