"""The guide for a new node: the first steps that the rooms registered, ticked by what is the case."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods

from taawun.cooperation.people import actions
from taawun.cooperation.people.permissions import Permission
from taawun.cooperation.people.queries import holders
from taawun.cooperation.people.sessions import person_of, signed_in
from taawun.platform.registry import registry
from taawun.platform.web import formats
from taawun.platform.web.guide import GuideStep

if TYPE_CHECKING:
    from collections.abc import Mapping

    from django.http import HttpRequest, HttpResponseBase

    from taawun.cooperation.people.actors import PersonActor

__all__ = ["Guide", "ShownStep", "concerns", "guide", "guide_for"]

_INVITES = "manage:people"


@dataclass(frozen=True, slots=True)
class ShownStep:
    """A step as one reader gets it.

    Args:
        step: the step.
        is_done: whether it is done.
        is_next: whether it is the first that this reader can do.
        url: where this reader does it; empty where they cannot.
        action: the words of the button.
        hindrance: why they cannot, and who can.
    """

    step: GuideStep
    is_done: bool
    is_next: bool = False
    url: str = ""
    action: str = ""
    hindrance: str = ""


@dataclass(frozen=True, slots=True)
class Guide:
    """The steps for one reader.

    Args:
        steps: in their order.
    """

    steps: tuple[ShownStep, ...]

    @property
    def done(self) -> int:
        """How many are done."""
        return sum(each.is_done for each in self.steps)

    @property
    def is_complete(self) -> bool:
        """Whether nothing is left to do."""
        return self.done == len(self.steps)

    @property
    def ticked(self) -> list[ShownStep]:
        """What is done."""
        return [each for each in self.steps if each.is_done]

    @property
    def left(self) -> list[ShownStep]:
        """What is left to do."""
        return [each for each in self.steps if not each.is_done]

    @property
    def told(self) -> str:
        """How far the node is, as a sentence."""
        counted = {"done": formats.number(self.done), "all": formats.number(len(self.steps))}
        sentence = ngettext(
            "%(done)s of %(all)s step is done.", "%(done)s of %(all)s steps are done.", len(self.steps)
        )
        return sentence % counted


def concerns(actor: PersonActor) -> bool:
    """Whether something is left to do for the node that this actor can do, or invite somebody for.

    Every first page asks; how they sign in is their own and no matter of the node.
    """
    steps = [each for each in registry.all(GuideStep) if each.permission]
    if _INVITES in actor.everywhere:
        return any(not each.is_done(actor) for each in steps)
    theirs = (each for each in steps if each.permission in actor.everywhere and not each.is_done(actor))
    return any(not each.after or registry.get(GuideStep, each.after).is_done(actor) for each in theirs)


def guide_for(actor: PersonActor) -> Guide:
    """The steps as this actor gets them. Whoever has no role sees only what is their own.

    Args:
        actor: who reads.
    """
    known = [each for each in registry.all(GuideStep) if actor.permissions or not each.permission]
    steps = sorted(known, key=lambda each: each.order)
    done = {each.name: each.is_done(actor) for each in steps}
    shown: list[ShownStep] = []
    is_next = True
    for step in steps:
        if done[step.name]:
            shown.append(ShownStep(step, is_done=True))
            continue
        url, action, hindrance = _way(actor, step, done)
        can = bool(url or (step.console and not hindrance))
        shown.append(ShownStep(step, False, is_next and can, url, action, hindrance))
        is_next = is_next and not can
    return Guide(tuple(shown))


def _way(actor: PersonActor, step: GuideStep, done: Mapping[str, bool]) -> tuple[str, str, str]:
    """Where an actor does a step and the words for it, or why they cannot."""
    if step.permission and step.permission not in actor.everywhere:
        return _of_others(actor, step)
    if step.after and not done[step.after]:
        before = registry.get(GuideStep, step.after)
        return "", "", _("First comes: %(step)s.") % {"step": before.title}
    return (step.url(), str(step.action), "") if step.action else ("", "", "")


def _of_others(actor: PersonActor, step: GuideStep) -> tuple[str, str, str]:
    """Who can do a step that this actor may not; whoever invites people can bring somebody in for it."""
    permission = registry.get(Permission, step.permission)
    roles = {"roles": formats.either(permission.role_labels)}
    names = holders(step.permission)
    if names:
        told = _("This needs the role of %(roles)s: %(names)s can do it here.")
        return "", "", told % {**roles, "names": formats.listed(names)}
    told = _("This needs the role of %(roles)s, which nobody here has yet.") % roles
    if _INVITES not in actor.everywhere:
        return "", "", told
    invite = registry.get(GuideStep, "people.invited")
    return invite.url(), str(invite.action), told


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in()
def guide(request: HttpRequest, actor: PersonActor) -> HttpResponseBase:
    """All steps, whoever hid them; a form hides them on the first page or shows them there again."""
    person = person_of(request)
    if request.method == "POST":
        actions.hide_guide(person, hidden=request.POST.get("guide") == "hide")
        return redirect("home")
    context = {"guide": guide_for(actor), "is_hidden": person.hides_guide}
    return render(request, "node/guide.html", context)
