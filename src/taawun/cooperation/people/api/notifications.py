"""How one is told of things, for machines."""

from __future__ import annotations

from typing import Any

from django.conf import settings

from taawun.cooperation.people import actions, models, schemas
from taawun.cooperation.people.api.routing import router
from taawun.cooperation.people.tokens import acting
from taawun.cooperation.people.wishes import Chosen, days_of, letterbox_of, standard_week, wishes_of
from taawun.platform.web.api import ApiRequest

__all__ = ["choose_notifications", "get_notifications"]


@router.get("/me/notifications", response=schemas.Notifications, summary="How am I told of things?")
def get_notifications(request: ApiRequest) -> schemas.Notifications:
    """Every kind of thing that the caller may be told of, with how, and when their summary comes.

    A token with few scopes sees the kinds that it could read itself.
    """
    actor = acting(request)
    me = models.Person.objects.get(id=actor.id)
    box = letterbox_of(me)
    rhythm: Any = box.rhythm  # one of the words of schemas.SummaryRhythm, held by the model's choices
    return schemas.Notifications(
        email=me.email,
        sends_mail=bool(settings.EMAIL_URL),
        kinds=[_shown(each) for each in wishes_of(actor)],
        summary=schemas.Summary(
            rhythm=rhythm, hour=box.hour, days=list(days_of(box, standard_week())), zone=me.clock.key
        ),
    )


@router.put("/me/notifications", response=schemas.Notifications, summary="Choose how I am told of things")
def choose_notifications(request: ApiRequest, body: schemas.NotificationChoices) -> schemas.Notifications:
    """Replace the choices of the caller, among the kinds that GET lists.

    Any token of the person may, for the kinds that it could read itself.
    """
    actor = acting(request)
    actions.choose_notifications(
        actor,
        models.Person.objects.get(id=actor.id),
        ways=body.kinds,
        rhythm=body.summary.rhythm,
        hour=body.summary.hour,
        days=body.summary.days,
    )
    return get_notifications(request)


def _shown(each: Chosen) -> schemas.NotificationKind:
    kind = each.kind
    # words of the schema's literals, held by Way and Topic
    topic: Any = kind.topic.value
    way: Any = each.way.value
    default: Any = each.default.value
    ways: Any = [item.value for item in kind.ways]
    return schemas.NotificationKind(
        name=kind.name,
        room=kind.room,
        topic=topic,
        label=str(kind.label),
        way=way,
        default=default,
        ways=ways,
    )
