#!/usr/bin/env python3
"""Takes the pictures of the README and of docs/pages.md from the demonstration.

Two nodes of invented nations are set up, agree and share, as `./taawun demo` shows; then a browser looks at their pages
as their people would. Run it as `.venv/bin/python tools/photograph.py` where `./taawun test` has installed what it
needs; it writes docs/pictures/*.jpg, docs/pictures/pages/ and docs/pages.md anew.
"""

import tempfile
from base64 import b64encode
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from playwright.sync_api import Browser, ViewportSize, sync_playwright

from taawun.node.demo import sample
from taawun.node.demo.cast import NORTH, SOUTH
from taawun.node.demo.narration import Narrator
from taawun.node.demo.nodes import RunningNode, free_ports
from taawun.node.demo.story import Material, Story
from taawun.node.testing import browser_program

DOCS = Path(__file__).resolve().parent.parent / "docs"
WIDE: ViewportSize = {"width": 1280, "height": 832}
PHONE: ViewportSize = {"width": 390, "height": 832}
QUALITY = 72  # of JPEG: letters stay sharp, and a picture is some 70 kB


@dataclass(frozen=True)
class Shot:
    """A page to look at: its file, what it is for, whose it is, and where it stands below the language."""

    name: str
    purpose: str
    node: str
    role: str
    address: str


WINGS = {
    "Every day": (
        Shot("guide", "What a new node still needs", "north", "administrator", "guide/"),
        Shot("home", "What is new, what waits, what is at risk", "south", "analyst", ""),
        Shot(
            "search",
            "Everything that you may see, with the words marked",
            "south",
            "analyst",
            "search/?q=customs",
        ),
        Shot("notices", "What somebody should know or mend", "north", "administrator", "notices/"),
        Shot("profile", "Language, digits, calendar, zone, theme", "south", "analyst", "people/profile/"),
        Shot(
            "notifications",
            "Which news come by e-mail, and when",
            "south",
            "analyst",
            "people/profile/notifications/",
        ),
        Shot("help", "Help for every page, and a search in it", "south", "analyst", "help/"),
    ),
    "Intelligence": (
        Shot("reports", "What this node and its partners tell of threats", "south", "analyst", "intel/"),
        Shot(
            "report",
            "A report that came, and by which clause",
            "south",
            "analyst",
            "intel/reports/{received}/",
        ),
        Shot("objects", "Indicators, malware, techniques", "south", "analyst", "intel/objects/"),
        Shot(
            "object",
            "An object: what it is tied to, who saw it",
            "south",
            "analyst",
            "intel/objects/{object}/",
        ),
        Shot("received", "What partners gave, and how it came", "south", "analyst", "releases/received/"),
        Shot(
            "publish",
            "Who will receive it, who will not, and why",
            "north",
            "analyst",
            "intel/reports/{draft}/publish/",
        ),
        Shot(
            "imports",
            "Files that were brought in, and what came of each",
            "north",
            "analyst",
            "intel/imports/",
        ),
    ),
    "Agreements": (
        Shot(
            "agreements", "Agreements of this node, and what they wait for", "north", "officer", "agreements/"
        ),
        Shot(
            "agreement",
            "An agreement with its clauses and signatures",
            "north",
            "officer",
            "agreements/{agreement}/",
        ),
        Shot("templates", "Templates to begin with", "north", "officer", "agreements/templates/"),
        Shot(
            "suspend",
            "A step that asks first, and says what follows",
            "north",
            "officer",
            "agreements/{agreement}/suspend/",
        ),
        Shot("draft", "Drafting by clause, from a template", "north", "officer", "agreements/new/"),
        Shot(
            "who-would-receive",
            "Asked before anything is written",
            "north",
            "analyst",
            "releases/who-would-receive/?kind=intel.report&tlp=TLP%3AGREEN",
        ),
        Shot("releases", "What was given and received", "north", "officer", "releases/"),
        Shot("ledger", "How much flowed, under what", "north", "policymaker", "releases/ledger/"),
    ),
    "Partners and people": (
        Shot("partners", "Other nodes, and this node's fingerprint", "north", "administrator", "partners/"),
        Shot(
            "partner",
            "A partner: fingerprint, lanes, last contact",
            "north",
            "administrator",
            "partners/{partner}/",
        ),
        Shot("people", "Who works on this node", "north", "administrator", "people/"),
        Shot("invitations", "Invitations, open and used", "north", "administrator", "people/invitations/"),
        Shot(
            "organisations",
            "Organisations, with their duty contacts",
            "north",
            "administrator",
            "people/organisations/",
        ),
        Shot("permissions", "Which role may do what", "north", "administrator", "people/permissions/"),
        Shot("nations", "Nations and communities", "north", "officer", "people/communities/"),
        Shot("audit", "Every act, chained and sealed", "north", "administrator", "audit/"),
    ),
}
OF_README = ("report", "publish", "agreement")


def main() -> None:
    """Play the story, look at the pages, and write them down.

    Raises:
        SystemExit: there is no Chromium or Chrome here.
    """
    if browser_program() is None:
        raise SystemExit("no Chromium or Chrome is installed: `./taawun test` installs one on Debian")
    with tempfile.TemporaryDirectory(prefix="taawun-pictures-") as home:
        ports = free_ports(2)
        north = RunningNode(NORTH, Path(home) / "north", ports[0])
        south = RunningNode(SOUTH, Path(home) / "south", ports[1])
        story = Story(north, south, Material("an invented report", sample.bundle(), None), Narrator())
        try:
            story.until_shared()
            photograph(story)
        finally:
            north.stop()
            south.stop()
    (DOCS / "pages.md").write_text(tour(), encoding="utf-8")


def photograph(story: Story) -> None:
    """Every page, in Arabic by day on a desk and in English by night on a phone; those of the README in each by day."""
    north, south = story.north.api(NORTH.player("analyst")), story.south.api(SOUTH.player("analyst"))
    told = {
        "title": "Credential phishing against customs portals, wave 4",
        "summary": "The same copied sign-in page behind new names; sessions are replayed within minutes.",
        "tlp": "TLP:GREEN",
        "object_ids": [each["id"] for each in north.get("/intel/objects", type="indicator")["items"]],
    }
    draft = north.post("/intel/reports", told)
    things = {
        "agreement": story.agreement,
        "received": south.get("/intel/reports")["items"][0]["id"],
        "draft": draft["id"],
        "object": south.get("/intel/objects", type="indicator")["items"][0]["id"],
        "partner": story.north.api(NORTH.player("administrator")).get("/partners")["items"][0]["id"],
    }
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(browser_program()), args=["--no-sandbox"])
        visits: dict[tuple[str, str], Visit] = {}
        for shot in (shot for shots in WINGS.values() for shot in shots):
            if (shot.node, shot.role) not in visits:
                node = story.north if shot.node == "north" else story.south
                visits[shot.node, shot.role] = Visit(browser, node, shot.role, story.password)
            visit, address = visits[shot.node, shot.role], shot.address.format(**things)
            desk = visit.look("ar", address, WIDE, "light")
            phone = visit.look("en", address, PHONE, "dark")
            side_by_side(browser, desk, phone, DOCS / "pictures" / "pages" / f"{shot.name}.jpg")
            if shot.name in OF_README:
                for language in ("en", "ar", "fr"):
                    seen = visit.look(language, address, WIDE, "light")
                    (DOCS / "pictures" / f"{shot.name}.{language}.jpg").write_bytes(seen)
        browser.close()


class Visit:
    """Somebody with a role who has signed in at a node, and looks at its pages.

    Args:
        browser: in which.
        node: of the demonstration.
        role: of a person there.
        password: of everybody there.
    """

    def __init__(self, browser: Browser, node: RunningNode, role: str, password: str) -> None:
        context = browser.new_context(base_url=node.base)
        page = context.new_page()
        page.goto("/en/account/login/")
        page.fill("input[name=login]", node.nation.player(role).email)
        page.fill("input[name=password]", password)
        page.locator("form:has(input[name=password]) button[type=submit]").first.click()
        page.wait_for_url("**/en/")
        # a browser writes days as its own language does, so each language is looked at with one of that language
        self._pages = {
            language: browser.new_context(
                base_url=node.base,
                locale=language,
                reduced_motion="reduce",
                storage_state=context.storage_state(),
            ).new_page()
            for language in ("ar", "en", "fr")
        }
        context.close()

    def look(
        self, language: str, address: str, viewport: ViewportSize, theme: Literal["dark", "light"]
    ) -> bytes:
        """The page as they see it, as a JPEG."""
        page = self._pages[language]
        page.set_viewport_size(viewport)
        page.emulate_media(color_scheme=theme)
        page.goto(f"/{language}/{address}")
        return page.screenshot(type="jpeg", quality=QUALITY)


def side_by_side(browser: Browser, desk: bytes, phone: bytes, file: Path) -> None:
    """One picture of two, three quarters their size."""
    images = "".join(
        f'<img height="624" src="data:image/jpeg;base64,{b64encode(each).decode()}">'
        for each in (desk, phone)
    )
    page = browser.new_page(viewport={"width": 1276, "height": 624})
    page.set_content(f'<body style="margin:0;display:flex;justify-content:space-between">{images}')
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(page.screenshot(type="jpeg", quality=QUALITY))
    page.close()


def tour() -> str:
    """The text of docs/pages.md."""
    lines = [
        "# The pages",
        "",
        "Each in Arabic on a desk by day, and in English on a phone by night; all are in French as well. They show the",
        "demonstration, whose nations, persons and reports are invented; `tools/photograph.py` takes them.",
    ]
    for wing, shots in WINGS.items():
        lines += ["", f"## {wing}"]
        for shot in shots:
            lines += ["", f"**{shot.purpose}**", "", f"![{shot.purpose}](pictures/pages/{shot.name}.jpg)"]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
