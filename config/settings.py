"""Settings from the environment, or from a `.env` file beside manage.py; docs/en/configuration.md lists them.

Settings an operator changes while the product runs are in the database: `settings` of each room.
"""

from __future__ import annotations

import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import environ
from csp.constants import NONE, SELF, UNSAFE_EVAL, UNSAFE_INLINE
from django.core.exceptions import ImproperlyConfigured

from config.backoffice.theme import UNFOLD as UNFOLD
from config.environment import Environment
from config.secrets import check_secrets

BASE_DIR = Path(__file__).resolve().parent.parent
environ.Env.read_env(BASE_DIR / ".env")
env = Environment(environ.Env())

DATA_DIR = (BASE_DIR / env.text("DATA_DIR", "var")).resolve()
# 0700: no other user of the machine may read the database.
try:
    DATA_DIR.mkdir(mode=0o700, parents=True, exist_ok=True)
except OSError as error:
    raise ImproperlyConfigured(f"DATA_DIR: {DATA_DIR} cannot be made ({error.strerror}).") from None

DEBUG = env.flag("DEBUG", False)
# Raise when a row is locked outside a transaction, or the network is used inside one (`base.transactions`).
STRICT_TRANSACTIONS = env.flag("STRICT_TRANSACTIONS", DEBUG)
SECRET_KEY = env.text("SECRET_KEY")
# Fernet keys, newest first: the first encrypts, all decrypt (`rotate_keys`).
ENCRYPTION_KEYS = env.words("ENCRYPTION_KEYS")
check_secrets(secret_key=SECRET_KEY, encryption_keys=ENCRYPTION_KEYS, debug=DEBUG)

ALLOWED_HOSTS = env.words("ALLOWED_HOSTS", ("127.0.0.1", "localhost", "[::1]"))
CSRF_TRUSTED_ORIGINS = env.words("CSRF_TRUSTED_ORIGINS")
# The number of the operator's own reverse proxies. 0: X-Forwarded-For is ignored.
TRUSTED_PROXY_COUNT = env.whole("TRUSTED_PROXY_COUNT", 0, 0, 20)
SECURE_COOKIES = env.flag("SECURE_COOKIES", not DEBUG)
SECURE_SSL_REDIRECT = env.flag("SECURE_SSL_REDIRECT", False)
# How often an address, and an e-mail, may try to redeem: `10/m`; `off` for no limit.
REDEEM_THROTTLE = env.text("REDEEM_THROTTLE", "10/m")

UPSTREAM_BASE_URL = env.address("UPSTREAM_BASE_URL", "https://chatgpt.com")
UPSTREAM_AUTH_URL = env.address("UPSTREAM_AUTH_URL", "https://auth.openai.com")
UPSTREAM_PROXY = env.text("UPSTREAM_PROXY")
UPSTREAM_IMPERSONATE = env.text("UPSTREAM_IMPERSONATE", "chrome")
UPSTREAM_TIMEOUT = env.number("UPSTREAM_TIMEOUT", 20, 0.1, 600)
# True only on the sandbox: every page says so.
IS_SANDBOX = env.flag("SANDBOX", False)

INSTALLED_APPS = [
    "config",
    "guardian",
    "invites",
    "teampool",
    "notifications",
    "unfold.apps.BasicAppConfig",
    "config.backoffice.admin_app.OperatorAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django_q",
    "axes",
    "csp",
    "django_htmx",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "config.security.admin_policy",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "axes.middleware.AxesMiddleware",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "libraries": {"seatkeeper": "config.backoffice.templatetags.seatkeeper"},
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "config.context.product",
            ],
        },
    }
]

DATABASES = {"default": env.database("DATABASE_URL", f"sqlite:///{DATA_DIR / 'seatkeeper.sqlite3'}")}
DATABASES["default"]["CONN_MAX_AGE"] = 60
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    DATABASES["default"]["ENGINE"] = "config.sqlite3"
    DATABASES["default"]["OPTIONS"] = {
        # Without IMMEDIATE, a transaction that reads first and then writes fails at once with "database is locked".
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        # FULL: a power cut must not undo a claim that ChatGPT already acted on.
        "init_command": "PRAGMA journal_mode=WAL;PRAGMA synchronous=FULL;PRAGMA mmap_size=134217728;"
        "PRAGMA journal_size_limit=27103364;PRAGMA cache_size=2000;",
    }
else:
    # A connection pool would be shared by fork, which breaks the queue's workers.
    if "pool" in DATABASES["default"].get("OPTIONS", {}):
        raise ImproperlyConfigured("DATABASE_URL: connection pools break the background workers; remove pool.")
    DATABASES["default"]["CONN_HEALTH_CHECKS"] = True

# Holds django-q2's process table; nothing that must survive.
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.filebased.FileBasedCache",
        "LOCATION": str(DATA_DIR / "cache"),
    }
}

DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "django.contrib.auth.backends.ModelBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
LOGIN_URL = "admin:login"
LOGIN_REDIRECT_URL = "admin:index"

AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = timedelta(minutes=30)
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_RESET_ON_SUCCESS = True
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
AXES_CLIENT_IP_CALLABLE = "config.backoffice.lockout.counted_ip"
AXES_LOCKOUT_CALLABLE = "config.backoffice.lockout.locked_out"
AXES_ENABLE_ACCESS_FAILURE_LOG = False

Q_CLUSTER: dict[str, Any] = {
    "name": "seatkeeper",
    "orm": "default",
    "workers": env.whole("WORKERS", 4, 1, 64),
    # Times nest: one upstream call < task timeout < queue retry.
    "timeout": 180,
    "retry": 900,
    "max_attempts": 1,
    "ack_failures": True,
    "catch_up": False,
    "queue_limit": 4,
    "bulk": 1,
    "poll": 0.2,
    "guard_cycle": 0.5,
    "save_limit": 250,
    "recycle": 500,
    "max_rss": 400_000,
    "label": "Background jobs",
}

# How often a heartbeat goes through the queue, and how old the last may be before `up` replaces the worker: longer
# than a job may take, or a busy worker would look stuck.
HEARTBEAT_EVERY = env.number("HEARTBEAT_EVERY", 15, 0.1, 3600)
HEARTBEAT_LIMIT = env.number("HEARTBEAT_LIMIT", Q_CLUSTER["timeout"] + 60, 0.1, 86_400)
# How long `up` lets web server and worker finish before it kills them.
STOP_GRACE = env.number("STOP_GRACE", 30, 0, 3600)
WEB_PROCESSES = env.whole("WEB_PROCESSES", 1, 1, 64)
WEB_THREADS = env.whole("WEB_THREADS", 8, 1, 256)

LANGUAGE_CODE = "zh-hans"
LANGUAGES = [("zh-hans", "中文"), ("en", "English")]
LANGUAGE_COOKIE_AGE = 365 * 24 * 3600
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = env.zone("TIME_ZONE", "Asia/Shanghai")
USE_THOUSAND_SEPARATOR = True
FORMAT_MODULE_PATH = ["config.formats"]

STATIC_URL = "static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG or "pytest" in sys.modules
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}

# Enough for an import of 1,000 long lines; the limits of an import are in `teampool/imports/jobs.py`.
DATA_UPLOAD_MAX_MEMORY_SIZE = 6 * 1024 * 1024
FILE_UPLOAD_MAX_MEMORY_SIZE = 6 * 1024 * 1024

SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = LANGUAGE_COOKIE_SECURE = SECURE_COOKIES
SESSION_COOKIE_HTTPONLY = True
LANGUAGE_COOKIE_HTTPONLY = True
LANGUAGE_COOKIE_SAMESITE = "Lax"
CSRF_FAILURE_VIEW = "invites.public.views.form_too_old"
# Probes come over plain HTTP, without passing the proxy that adds TLS.
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
SECURE_HSTS_SECONDS = 31_536_000 if SECURE_SSL_REDIRECT else 0
# W005, W021: HSTS for subdomains and preload bind a whole domain, which is the operator's decision.
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]
if TRUSTED_PROXY_COUNT:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "connect-src": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "base-uri": [NONE],
    }
}
# The admin theme needs unsafe-eval and inline styles; other sources stay forbidden there too.
ADMIN_CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": CONTENT_SECURITY_POLICY["DIRECTIVES"]
    | {"script-src": [SELF, UNSAFE_EVAL], "style-src": [SELF, UNSAFE_INLINE], "font-src": [SELF]}
}

LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"secrets": {"()": "base.redaction.RedactSecrets"}},
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line", "filters": ["secrets"]}},
    "root": {"handlers": ["stderr"], "level": env.level("LOG_LEVEL", "INFO")},
    "loggers": {
        "django_q": {"level": "WARNING"},
        "django-q": {"level": "WARNING"},
        "axes": {"level": "WARNING"},
        # It warns of every mistyped code and address; only our own failures matter.
        "django.request": {"level": "ERROR"},
    },
}
