"""The WSGI application that the server is tested with, and the rule for the size of its bodies."""

import gc
import hashlib
import json
import os
import resource
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

KIBIBYTE = 1024
OPENED = 0
CLOSED = 0


def limit_of(path: str) -> int:
    return 4 * KIBIBYTE * KIBIBYTE if path.startswith("/upload") else 64 * KIBIBYTE


class Stream:
    """Chunks that are made one by one, and count whether they were closed."""

    def __init__(self, chunks: int, size: int) -> None:
        global OPENED  # noqa: PLW0603 - the worker process is the unit that is counted
        OPENED += 1
        self.chunks = iter([b"x" * size] * chunks)

    def __iter__(self) -> Iterator[bytes]:
        return self.chunks

    def close(self) -> None:
        global CLOSED  # noqa: PLW0603 - the worker process is the unit that is counted
        CLOSED += 1


def application(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
    asked = dict(parse_qsl(environ["QUERY_STRING"]))
    page = PAGES[environ["PATH_INFO"].strip("/") or "home"]
    answer: Iterable[bytes] = page(environ, start_response, **asked)
    return answer


def text(start_response: "StartResponse", body: object) -> Iterable[bytes]:
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [body if isinstance(body, bytes) else str(body).encode()]


def home(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
    return text(start_response, os.getpid())


def echo(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
    body = environ["wsgi.input"].read()
    told = {"length": environ.get("CONTENT_LENGTH"), "sha256": hashlib.sha256(body).hexdigest()}
    return text(start_response, json.dumps(told))


def told_environ(
    environ: "WSGIEnvironment", start_response: "StartResponse", **asked: str
) -> Iterable[bytes]:
    told = {key: value for key, value in environ.items() if isinstance(value, str | bool)}
    return text(start_response, json.dumps(told))


def sleep(environ: "WSGIEnvironment", start_response: "StartResponse", seconds: str) -> Iterable[bytes]:
    time.sleep(float(seconds))
    return text(start_response, "slept")


def stream(
    environ: "WSGIEnvironment", start_response: "StartResponse", chunks: str, size: str
) -> Iterable[bytes]:
    start_response("200 OK", [("Content-Type", "application/octet-stream")])
    return Stream(int(chunks), int(size))


def file(
    environ: "WSGIEnvironment",
    start_response: "StartResponse",
    path: str,
    start: str = "0",
    length: str | None = None,
) -> Iterable[bytes]:
    opened = open(path, "rb")  # noqa: SIM115, PTH123 - the server closes it
    opened.seek(int(start))
    headers = [("Content-Type", "application/octet-stream")]
    if length:
        headers.append(("Content-Length", length))
    start_response("200 OK", headers)
    wrapped: Iterable[bytes] = environ["wsgi.file_wrapper"](opened, 4096)
    return wrapped


def fail(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
    raise SystemExit("a secret of the node")


def state(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
    gc.collect()
    unit = 1 if sys.platform == "darwin" else KIBIBYTE
    told = {
        "opened": OPENED,
        "closed": CLOSED,
        "memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit,
        "thread": threading.get_ident(),
        "kept": gc.get_freeze_count(),
        "looks_after": gc.get_threshold()[0],
    }
    return text(start_response, json.dumps(told))


PAGES: dict[str, Any] = {  # Any: each page takes the parameters it needs
    "home": home,
    "echo": echo,
    "upload": echo,
    "environ": told_environ,
    "sleep": sleep,
    "stream": stream,
    "file": file,
    "fail": fail,
    "state": state,
}
