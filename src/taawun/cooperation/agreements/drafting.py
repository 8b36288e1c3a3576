"""First drafts from templates: the clauses two partners most often want, in three languages.

A template is a start, not a standard form: its text is the parties' own as soon as it is drafted, and every word of
it can be changed before it is proposed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from taawun.cooperation.agreements.document import ANY, Clause, Document, Onward, Party, parse, write
from taawun.cooperation.agreements.errors import StepRefused
from taawun.cooperation.partners.keys import node_key
from taawun.cooperation.people.queries import host
from taawun.foundation.identifiers import uuid7
from taawun.foundation.multilingual import LANGUAGES, Text
from taawun.foundation.tlp import Tlp
from taawun.platform.web import formats

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from taawun.cooperation.partners.models import Partner

__all__ = ["TEMPLATES", "Template", "draft_from", "template"]


@dataclass(frozen=True, slots=True)
class Template:
    """A start for an agreement.

    Args:
        name: stable, kebab-case.
        label: what a person reads in a list of templates; a lazy translation.
        purpose: when to take it; a lazy translation.
        title: of the agreement.
        preamble: of the agreement.
        clauses: of the agreement; ``any`` stands for every party.
        notice_days: days between a notice of termination and its effect.
    """

    name: str
    label: Any  # a lazy translation
    purpose: Any  # a lazy translation
    title: Text
    preamble: Text
    clauses: tuple[Clause, ...]
    notice_days: int


def _clause(  # noqa: PLR0913 - each argument is one thing a clause decides
    ref: str,
    title: Text,
    kinds: tuple[str, ...],
    *,
    tlp_max: Tlp,
    purpose: Text,
    onward: str = "none",
    retention_days: int | None = None,
    on_termination: str = "keep",
) -> Clause:
    return Clause(
        ref=ref,
        title=title,
        senders=(ANY,),
        receivers=(ANY,),
        kinds=kinds,
        topics=(),
        tlp_max=tlp_max,
        purpose=(purpose,),
        onward=Onward(onward),
        history="from-accession",
        retention_days=retention_days,
        on_termination=on_termination,
        recognises=(),
    )


_SIGHTINGS: Final = Text.of(
    en="Sightings of what was shared",
    ar="مشاهدات ما تم تبادله",
    fr="Observations de ce qui a été partagé",
)

TEMPLATES: Final = (
    Template(
        name="threat-sharing",
        label=gettext_lazy("Sharing of threat intelligence"),
        purpose=gettext_lazy(
            "Two partners give each other reports and indicators, and say what they have seen."
        ),
        title=Text.of(
            en="Agreement on the sharing of threat intelligence",
            ar="اتفاقية بشأن تبادل معلومات التهديدات",
            fr="Accord relatif au partage d’informations sur les menaces",
        ),
        preamble=Text.of(
            en="The parties share what they know of threats so that each can protect itself, on equal terms and "
            "without giving up control of their own data.",
            ar="يتبادل الأطراف ما يعرفونه عن التهديدات كي يتمكن كل منهم من حماية نفسه، على قدم المساواة ودون التخلي "
            "عن السيطرة على بياناتهم.",
            fr="Les parties partagent ce qu’elles savent des menaces afin que chacune puisse se protéger, sur un pied "
            "d’égalité et sans renoncer à la maîtrise de leurs données.",
        ),
        clauses=(
            _clause(
                "1",
                Text.of(
                    en="Reports and indicators",
                    ar="التقارير والمؤشرات",
                    fr="Rapports et indicateurs",
                ),
                ("intel.report",),
                tlp_max=Tlp.AMBER,
                purpose=Text.of(
                    en="defence of the receiving party and of those it serves",
                    ar="الدفاع عن الطرف المتلقي وعمّن يخدمهم",
                    fr="défense de la partie destinataire et de ceux qu’elle sert",
                ),
                retention_days=730,
                on_termination="delete",
            ),
            _clause(
                "2",
                _SIGHTINGS,
                ("intel.sighting",),
                tlp_max=Tlp.AMBER,
                purpose=Text.of(
                    en="judging how far a threat has spread",
                    ar="تقدير مدى انتشار التهديد",
                    fr="évaluation de la propagation d’une menace",
                ),
                retention_days=365,
                on_termination="delete",
            ),
        ),
        notice_days=30,
    ),
    Template(
        name="training",
        label=gettext_lazy("Cooperation in training"),
        purpose=gettext_lazy(
            "Partners exchange courses, credentials and exercises, and recognise each other's."
        ),
        title=Text.of(
            en="Agreement on cooperation in cybersecurity training",
            ar="اتفاقية التعاون في التدريب على الأمن السيبراني",
            fr="Accord de coopération en matière de formation à la cybersécurité",
        ),
        preamble=Text.of(
            en="The parties build skills together: what one has prepared, the other may teach, adapt and translate.",
            ar="يبني الأطراف المهارات معًا: ما يعدّه أحدهم يجوز للآخر أن يدرّسه ويكيّفه ويترجمه.",
            fr="Les parties développent ensemble les compétences : ce que l’une a préparé, l’autre peut l’enseigner, "
            "l’adapter et le traduire.",
        ),
        clauses=(
            _clause(
                "1",
                Text.of(
                    en="Courses and educational resources",
                    ar="الدورات والموارد التعليمية",
                    fr="Cours et ressources pédagogiques",
                ),
                ("learning.*",),
                tlp_max=Tlp.GREEN,
                purpose=Text.of(
                    en="teaching, adapting and translating",
                    ar="التدريس والتكييف والترجمة",
                    fr="enseignement, adaptation et traduction",
                ),
                onward="parties",
            ),
            _clause(
                "2",
                Text.of(
                    en="Joint drills and their reports",
                    ar="التمارين المشتركة وتقاريرها",
                    fr="Exercices communs et leurs rapports",
                ),
                ("drills.*",),
                tlp_max=Tlp.AMBER,
                purpose=Text.of(
                    en="preparing for incidents that touch both parties",
                    ar="الاستعداد للحوادث التي تمس الطرفين",
                    fr="préparation aux incidents touchant les deux parties",
                ),
                retention_days=1095,
            ),
        ),
        notice_days=90,
    ),
    Template(
        name="early-warning",
        label=gettext_lazy("Early warning"),
        purpose=gettext_lazy("Partners warn each other of attacks under way, within narrow bounds."),
        title=Text.of(
            en="Agreement on early warning",
            ar="اتفاقية الإنذار المبكر",
            fr="Accord d’alerte précoce",
        ),
        preamble=Text.of(
            en="The parties warn each other without delay of attacks that may reach the other, and keep such warnings "
            "within the receiving organisation.",
            ar="ينذر الأطراف بعضهم بعضًا دون تأخير بالهجمات التي قد تصل إلى الطرف الآخر، ويبقون هذه الإنذارات داخل "
            "المنظمة المستلمة.",
            fr="Les parties s’alertent sans délai des attaques susceptibles d’atteindre l’autre, et conservent ces "
            "alertes au sein de l’organisation destinataire.",
        ),
        clauses=(
            _clause(
                "1",
                Text.of(
                    en="Warnings of attacks under way",
                    ar="الإنذارات بالهجمات الجارية",
                    fr="Alertes sur des attaques en cours",
                ),
                ("intel.report",),
                tlp_max=Tlp.AMBER_STRICT,
                purpose=Text.of(
                    en="protection against the attack that is warned of",
                    ar="الحماية من الهجوم المُنذَر به",
                    fr="protection contre l’attaque signalée",
                ),
                retention_days=90,
                on_termination="delete",
            ),
            _clause(
                "2",
                _SIGHTINGS,
                ("intel.sighting",),
                tlp_max=Tlp.AMBER_STRICT,
                purpose=Text.of(
                    en="judging how far the attack has come",
                    ar="تقدير مدى تقدّم الهجوم",
                    fr="évaluation de la progression de l’attaque",
                ),
                retention_days=90,
                on_termination="delete",
            ),
        ),
        notice_days=0,
    ),
)


def template(name: str) -> Template:
    """The template of a name.

    Raises:
        StepRefused: there is none (``unknown-template``).
    """
    found = next((each for each in TEMPLATES if each.name == name), None)
    if found is None:
        names = formats.listed([each.name for each in TEMPLATES])
        raise StepRefused(
            "unknown-template", _("Choose one of these templates: %(names)s.") % {"names": names}
        )
    return found


def draft_from(
    name: str, partners: Sequence[Partner], *, valid_from: datetime, valid_until: datetime | None = None
) -> Document:
    """The first version of an agreement between this node and partners.

    Args:
        name: of a template.
        partners: the other parties; each has shown its key.
        valid_from: earliest entry into force.
        valid_until: end, or None.

    Returns:
        A document that holds together, with this node as its depositary. Nothing is stored.

    Raises:
        StepRefused: there is no such template, or a partner has not answered yet.
        DocumentRefused: the parties or instants do not fit together.
    """
    start = template(name)
    for partner in partners:
        if not partner.kid:
            raise StepRefused(
                "not-met",
                _("%(node)s has not answered yet, so its key is not known.") % {"node": partner.node},
            )
    document = Document(
        id=uuid7(),
        version=1,
        title=start.title,
        parties=_parties(partners),
        clauses=start.clauses,
        valid_from=valid_from,
        valid_until=valid_until,
        supersedes="",
        accession="closed",
        min_signatories=2,
        entry_into_force="all",
        notice_days=start.notice_days,
        authentic_languages=LANGUAGES,
        prevailing="en",
        preamble=start.preamble,
        text=b"",
        digest="",
    )
    return parse(write(document))


def _parties(partners: Sequence[Partner]) -> tuple[Party, ...]:
    own = host()
    nations = [own.nation_id or "", *(partner.nation for partner in partners)]
    refs = _refs(nations)
    ourselves = Party(
        ref=refs[0],
        kind="node",
        node=settings.BASE_URL,
        host="",
        nation=nations[0],
        organisation=own.name,
        kid=node_key().kid,
    )
    others = (
        Party(
            ref=ref,
            kind="node",
            node=partner.node,
            host="",
            nation=partner.nation,
            organisation=partner.name,
            kid=partner.kid,
        )
        for ref, partner in zip(refs[1:], partners, strict=True)
    )
    return (ourselves, *others)


def _refs(nations: Sequence[str]) -> list[str]:
    """Short names of parties: the nation's letters, with a number where two share them or one has none."""
    return [
        nation if nation and nations.count(nation) == 1 else f"{nation or 'P'}-{number}"
        for number, nation in enumerate(nations, 1)
    ]
