"""The browser of the tests is a real one and reaches only this machine."""

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page


class Hello(BaseHTTPRequestHandler):
    """Answers every request with one sentence."""

    def do_GET(self) -> None:  # the name that http.server looks for
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"<title>here</title>")

    def log_message(self, *_arguments: object) -> None:
        """Says nothing on the terminal."""


@pytest.fixture
def address() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), Hello) as server:
        serving = Thread(target=server.serve_forever, args=(0.01,))
        serving.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        serving.join()


@pytest.fixture
def page(browser: "Browser") -> Iterator["Page"]:
    with browser.new_context() as context:
        yield context.new_page()


def test_a_page_of_this_machine_opens(page: "Page", address: str):
    page.goto(address)

    assert page.title() == "here"


@pytest.mark.parametrize("elsewhere", ["http://cert.example/", "https://www.iana.org/"])
def test_a_page_elsewhere_does_not(page: "Page", elsewhere: str):
    with pytest.raises(Exception, match="ERR_NAME_NOT_RESOLVED"):
        page.goto(elsewhere)
