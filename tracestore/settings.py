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
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    "allauth.usersessions",
    "tracestore",
    "tracestore.alerts",
    "ingest",
    "dashboard",
]

MIDDLEWARE = [
    "dashboard.metrics.count_requests",
    "dashboard.request_ids.name_requests",
    "dashboard.read_budget.keep_account",
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
    "allauth.account.middleware.AccountMiddleware",
    "dashboard.browser_sessions.note_use",
    # Last: what is inside of it is one transaction with its entry in the audit log.
    "dashboard.audit_trail.AuditTrail",
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


#: Beginning of all links in messages.
PUBLIC_URL = ENVIRONMENT.public_url or f"http://{ENVIRONMENT.web_address}"
DATABASES = {"default": database(ENVIRONMENT.database_url)}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]

# Logging in: docs/logging-in.md. The password is checked by our own page; allauth asks for the second factor, keeps
# the identities of the provider, and lists where people are logged in. Of its pages only those in
# dashboard/pages/urls.py are reachable.
ACCOUNT_ADAPTER = "dashboard.login_adapters.AccountAdapter"
MFA_ADAPTER = "dashboard.login_adapters.SecondFactorAdapter"
SOCIALACCOUNT_ADAPTER = "dashboard.login_adapters.IdentityAdapter"
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_SIGNUP_FIELDS = ["username*"]
# Seconds: from the password to the second factor, and from one asking for the password to the next.
ACCOUNT_LOGIN_TIMEOUT = ACCOUNT_REAUTHENTICATION_TIMEOUT = 300
ACCOUNT_REAUTHENTICATION_METHODS = ["password", "mfa"]
# Wrong codes of one person: by day too, since a code has six digits and there is no end of days.
ACCOUNT_RATE_LIMITS = {"login_failed": "5/5m/key,30/d/key"}
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes"]
MFA_ALLOW_UNVERIFIED_EMAIL = True
MFA_RECOVERY_CODES_SHOW_ONCE = True
MFA_RECOVERY_CODE_DIGITS = 10
MFA_TOTP_ISSUER = "Tracestore"
# One code earlier or later: clocks of phones differ.
MFA_TOTP_TOLERANCE = 1
SOCIALACCOUNT_REQUESTS_TIMEOUT = 5
SOCIALACCOUNT_EMAIL_VERIFICATION = "none"
SOCIALACCOUNT_PROVIDERS = {"openid_connect": {"OAUTH_PKCE_ENABLED": True}}

# Used codes and counted failures of the second factor: in the database, so that several web processes share them.
# Nothing else uses the cache. The table is made by a migration.
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "tracestore_cache",
        # Nobody's wrong codes push out those of others.
        "OPTIONS": {"MAX_ENTRIES": 100_000},
    }
}

LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_I18N = False
USE_TZ = True

STATIC_URL = "/static/"
# No collectstatic and no folder for it: whitenoise serves the apps' own folders.
STATIC_ROOT = None
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = DEBUG

# Three days without use: from Friday evening to Monday morning. How long at most: dashboard/browser_sessions.py.
SESSION_COOKIE_AGE = 3 * 86_400
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SAMESITE = "Lax"
# A loopback install speaks plain HTTP; anything else is expected behind TLS.
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = not ENVIRONMENT.loopback
SECURE_PROXY_SSL_HEADER = None if ENVIRONMENT.loopback else ("HTTP_X_FORWARDED_PROTO", "https")
if not ENVIRONMENT.loopback:
    # A browser takes a cookie of this prefix from this very host and over TLS only: no neighbour under the same
    # domain can plant one.
    SESSION_COOKIE_NAME, CSRF_COOKIE_NAME = "__Host-sessionid", "__Host-csrftoken"
    # Thirty days: long enough to hold between two visits, short enough to be taken back.
    SECURE_HSTS_SECONDS = 30 * 86_400
SILENCED_SYSTEM_CHECKS = [
    "security.W005",  # HSTS of subdomains: the owner of the domain knows whether all have TLS; the proxy can say it
    "security.W021",  # HSTS preload: the same
    # Redirecting to TLS: the proxy does it. Probes, scrapers and senders reach this process by plain HTTP from its own
    # network, and an API key that came in clear is not taken back by a redirect.
    "security.W008",
]
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'none'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
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
    "DEFAULT_PARSER_CLASSES": ["dashboard.api.parsing.JsonBody"],
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
    "POSTPROCESSING_HOOKS": ["drf_spectacular.hooks.postprocess_schema_enums", "dashboard.api.schema.add_failures"],
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
elif CELERY_BROKER_URL.startswith("redis"):
    # Redis hands a job on that was not acknowledged for so long: longer than the longest job may take (six hours, in
    # tasks.py), or a second worker would begin it beside the first.
    CELERY_BROKER_TRANSPORT_OPTIONS = {"visibility_timeout": 7 * 3600}
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_TIME_LIMIT = 300
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BEAT_SCHEDULE_FILENAME = str(DATA_DIR / "beat-schedule")
CELERY_BEAT_SCHEDULE = SCHEDULE
# Read by workers only.
CELERY_IMPORTS = ("tracestore.worker_metrics",)

# Spans of one trace that its page reads at most; it says how many it leaves out. 100,000 rows are 4 MB to
# the browser, about a second and 150 MB in this process: what one look at one trace may take from the others.
TRACE_VIEW_MAX_SPANS = 100_000

LOGGING_CONFIG = None
configure_logs(debug=DEBUG)
