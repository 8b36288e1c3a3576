"""Django's settings, all from :mod:`taawun.node.environment`."""

from __future__ import annotations

import secrets
from email.utils import parseaddr
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from csp.constants import NONE, SELF

from taawun.foundation.multilingual import OWN_NAMES
from taawun.node.environment import Environment, SettingRefused
from taawun.node.values import Cap, Database, Mail

ENVIRONMENT = Environment()
HOME: Path = ENVIRONMENT.home
BASE_URL = ENVIRONMENT.text("TAAWUN_BASE_URL")
_BASE = urlsplit(BASE_URL)
PACKAGE = Path(__file__).resolve().parent.parent

DEBUG = bool(ENVIRONMENT["TAAWUN_DEBUG"])


def _secret_key() -> str:
    given = ENVIRONMENT.text("TAAWUN_SECRET_KEY")
    if given:
        return given
    kept = HOME / "secret-key"
    if not kept.exists():
        # before `taawun init` there is no session to sign; commands like `init` and `--help` still need settings.
        # Should it be lost later, `up` says so; nobody can guess what signs until then
        return secrets.token_urlsafe(64)
    try:
        key = kept.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as problem:
        raise SettingRefused("TAAWUN_SECRET_KEY", f"{kept} cannot be read: {problem}") from None
    if not key:
        raise SettingRefused(
            "TAAWUN_SECRET_KEY",
            f"{kept} is empty; write a long random text into it, or set the key",
        )
    return key


SECRET_KEY = _secret_key()
ALLOWED_HOSTS = [_BASE.hostname or "", *ENVIRONMENT["TAAWUN_PUBLIC_HOSTS"]]
CSRF_FAILURE_VIEW = "taawun.platform.web.views.csrf_failure"
CSRF_TRUSTED_ORIGINS = [BASE_URL, *(f"https://{host}" for host in ENVIRONMENT["TAAWUN_PUBLIC_HOSTS"])]

# ---- what Taawun's own rooms read -----------------------------------------------------------------------------
NODE_KEY = ENVIRONMENT.text("TAAWUN_NODE_KEY")
OUTBOUND_ALLOW: tuple[str, ...] = ENVIRONMENT["TAAWUN_OUTBOUND_ALLOW"]
MAX_UPLOAD_BYTES = ENVIRONMENT.number("TAAWUN_MAX_UPLOAD_BYTES")
FREE_DISK_BYTES = ENVIRONMENT.number("TAAWUN_FREE_DISK_BYTES")
POLL_SECONDS = ENVIRONMENT.number("TAAWUN_POLL_SECONDS")
REACHABLE = bool(ENVIRONMENT["TAAWUN_REACHABLE"])
BANDWIDTH: tuple[Cap, ...] = ENVIRONMENT["TAAWUN_BANDWIDTH"]
STRANGER_DAYS = ENVIRONMENT.number("TAAWUN_STRANGER_DAYS")
SECOND_FACTOR_REQUIRED = ENVIRONMENT.text("TAAWUN_SECOND_FACTOR") == "required"
TRUSTED_PROXIES: tuple[str, ...] = ENVIRONMENT["TAAWUN_TRUSTED_PROXIES"]
METRICS_TOKEN = ENVIRONMENT.text("TAAWUN_METRICS_TOKEN")
WEB_WORKERS = ENVIRONMENT.number("TAAWUN_WEB_WORKERS")

INSTALLED_APPS = [
    "taawun.platform.web",
    "taawun.platform.audit",
    "taawun.platform.files",
    "taawun.platform.work",
    "taawun.platform.notices",
    "taawun.cooperation.people",
    "taawun.cooperation.partners",
    "taawun.cooperation.agreements",
    "taawun.cooperation.federation",
    "taawun.capabilities.intel",
    "taawun.node",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "django_tasks",
    "django_tasks_db",
    "django_htmx",
    "ninja",  # for the assets of its API page: nothing is fetched from elsewhere
    "csp",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
]

MIDDLEWARE = [
    "taawun.platform.web.middleware.RequestUnit",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    # after all that reads or changes a page
    "taawun.platform.web.middleware.PackedPages",
    "taawun.platform.web.middleware.PrivatePages",
    # before all that asks who comes: most polls of a page end here
    "taawun.platform.web.live.LiveParts",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "taawun.platform.web.middleware.VisibleDirections",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "taawun.platform.web.middleware.ForWhoeverReads",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "taawun.platform.web.middleware.NothingAtNul",
    "taawun.cooperation.people.middleware.SecondFactor",
    "taawun.cooperation.partners.restored.middleware.Returning",
    "taawun.platform.web.middleware.RefusedMethods",
    "taawun.platform.web.drafts.middleware.SentForms",
]

ROOT_URLCONF = "taawun.node.urls"
WSGI_APPLICATION = "taawun.node.wsgi.application"
APPEND_SLASH = True

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        # before the apps', so that allauth's pages wear our shell
        "DIRS": [PACKAGE / "platform" / "web" / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
            "builtins": [
                "django.templatetags.i18n",
                "taawun.platform.web.templatetags.components",
                "taawun.platform.web.templatetags.cards",
                "taawun.platform.web.templatetags.drafts",
                "taawun.platform.web.templatetags.telling",
                "taawun.platform.web.templatetags.listing",
            ],
        },
    }
]


# ---- database ---------------------------------------------------------------------------------------------------
def _database(given: Database) -> dict[str, Any]:
    # Django's DATABASES is a dictionary of anything
    if given.engine == "sqlite":
        return {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": given.name,
            "CONN_MAX_AGE": 600,
            "OPTIONS": {
                # deferred transactions that upgrade to writing fail at once when another writes; immediate ones wait
                "transaction_mode": "IMMEDIATE",
                "timeout": 30,
                "init_command": (
                    "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;"
                    "PRAGMA cache_size=-32000; PRAGMA mmap_size=268435456; PRAGMA temp_store=MEMORY;"
                ),
            },
            # tests use a file too: several threads and processes read it, as in production
            "TEST": {"NAME": str(HOME / "test.sqlite3")},
        }
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": given.name,
        "USER": given.user,
        "PASSWORD": given.password,
        "HOST": given.host,
        "PORT": given.port,
        "OPTIONS": dict(given.options),
        "CONN_MAX_AGE": 600,
        "CONN_HEALTH_CHECKS": True,
    }


_DATABASE: Database | None = ENVIRONMENT["TAAWUN_DATABASE_URL"]
DATABASES = {"default": _database(_DATABASE or Database("sqlite", str(HOME / "taawun.sqlite3")))}
ON_SQLITE = DATABASES["default"]["ENGINE"].endswith("sqlite3")
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
# one waits for PostgreSQL while the other works; more of them only take turns, and each answers later
WEB_THREADS = ENVIRONMENT.number("TAAWUN_WEB_THREADS") or (1 if ON_SQLITE else 2)

# Sign-ins that failed and codes that were used are counted here. In the memory of each process they would be counted
# by each for itself: as many guesses more as there are processes, and a code good once in each.
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "web_counted",
        # beyond so many the cache makes room, which lets some off: no small number of addresses can bring that about
        "OPTIONS": {"MAX_ENTRIES": 100_000},
    }
}

# ---- files, work ------------------------------------------------------------------------------------------------
MEDIA_ROOT = HOME / "files"
STORAGES = {
    "default": {"BACKEND": "taawun.platform.files.storage.DurableFileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
STATIC_URL = "/static/"
STATIC_ROOT = HOME / "static"
TASKS = {"default": {"BACKEND": "django_tasks_db.DatabaseBackend", "QUEUES": []}}
DATA_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024
# a page of an agreement's draft has a box for each of at most 250 parties on either side of some clauses
DATA_UPLOAD_MAX_NUMBER_FIELDS = 2_500
FILE_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024

# ---- people -----------------------------------------------------------------------------------------------------
AUTH_USER_MODEL = "people.Person"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.ScryptPasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator",
        "OPTIONS": {"user_attributes": ("email", "name")},
    },
    {"NAME": "taawun.cooperation.people.passwords.LongEnough", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_REDIRECT_URL = "home"
LOGIN_URL = "account_login"
ACCOUNT_ADAPTER = "taawun.cooperation.people.accounts.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = "none"  # an address is verified by the invitation that was sent to it
ACCOUNT_LOGOUT_REDIRECT_URL = "account_login"
PASSWORD_RESET_TIMEOUT = 24 * 3600  # of a link for a new password, mailed or handed over
ACCOUNT_REAUTHENTICATION_TIMEOUT = 900
ACCOUNT_SESSION_REMEMBER = False
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_FORMS = {
    "authenticate": "taawun.cooperation.people.codes.AuthenticateForm",
    "reauthenticate": "taawun.cooperation.people.codes.ReauthenticateForm",
    "activate_totp": "taawun.cooperation.people.codes.ActivateTOTPForm",
}
MFA_TOTP_ISSUER = "Taawun"
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = _BASE.scheme == "http"

SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = LANGUAGE_COOKIE_SECURE = _BASE.scheme == "https"
# several nodes on one host (the demonstration) must not take each other's cookies: cookies know no ports
_SUFFIX = f"-{_BASE.port}" if _BASE.port else ""
SESSION_COOKIE_NAME = f"taawun-session{_SUFFIX}"
CSRF_COOKIE_NAME = f"taawun-csrf{_SUFFIX}"
LANGUAGE_COOKIE_NAME = f"taawun-language{_SUFFIX}"
SESSION_COOKIE_AGE = 12 * 3600

# ---- what a browser may do --------------------------------------------------------------------------------------
# whether a request came by HTTPS is the server shell's word: it believes named proxies only
SECURE_HSTS_SECONDS = 31_536_000 if _BASE.scheme == "https" else 0
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "connect-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
    }
}

# ---- language and time ------------------------------------------------------------------------------------------
LANGUAGES = list(OWN_NAMES.items())
LANGUAGE_CODE = ENVIRONMENT.text("TAAWUN_LANGUAGE")
LOCALE_PATHS = [PACKAGE / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"
DISPLAY_TIME_ZONE = ENVIRONMENT.text("TAAWUN_TIME_ZONE")


# ---- e-mail -----------------------------------------------------------------------------------------------------
def _email(given: Mail | None) -> dict[str, Any]:
    # Django's e-mail settings are of several types
    if given is None:
        return {"EMAIL_BACKEND": "django.core.mail.backends.dummy.EmailBackend"}
    return {
        "EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend",
        "EMAIL_HOST": given.host,
        "EMAIL_PORT": given.port,
        "EMAIL_HOST_USER": given.user,
        "EMAIL_HOST_PASSWORD": given.password,
        "EMAIL_USE_TLS": not given.tls_from_start,
        "EMAIL_USE_SSL": given.tls_from_start,
        "EMAIL_TIMEOUT": 20,
    }


EMAIL_URL: Mail | None = ENVIRONMENT["TAAWUN_EMAIL_URL"]
globals().update(_email(EMAIL_URL))
DEFAULT_FROM_EMAIL = ENVIRONMENT.text("TAAWUN_EMAIL_FROM") or f"taawun@{_BASE.hostname}"
if "@" not in parseaddr(DEFAULT_FROM_EMAIL)[1]:
    raise SettingRefused("TAAWUN_EMAIL_FROM", f"{DEFAULT_FROM_EMAIL!r} is not an e-mail address")

# ---- logging ----------------------------------------------------------------------------------------------------
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": ENVIRONMENT.text("TAAWUN_LOG_LEVEL")},
    "loggers": {"httpx": {"level": "WARNING"}, "httpcore": {"level": "WARNING"}},
}
SILENCED_SYSTEM_CHECKS = [
    # an address is unique in any case of its letters, which is a constraint of the table and no option of the column
    "auth.W004",
    # whether a nation's other hosts speak HTTPS alone, and go into browsers' lists, is not a node's to say
    "security.W005",
    "security.W021",
    # HTTPS is ended, and plain HTTP redirected, by the proxy; here it would turn the proxy's own checks away
    "security.W008",
]
