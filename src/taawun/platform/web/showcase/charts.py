"""One chart of each kind, of invented nations."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

from taawun.platform.web import formats
from taawun.platform.web.charts import (
    DETECTED,
    MISSED,
    SHARED,
    Band,
    Bar,
    Bars,
    Deed,
    Edge,
    Flow,
    Graph,
    HeatColumn,
    HeatMap,
    HeatRow,
    Inject,
    Lines,
    MapNation,
    Node,
    Radar,
    Series,
    Standing,
    TileMap,
    Timeline,
    TimelineRow,
)
from taawun.platform.web.components import Chart
from taawun.platform.web.showcase.words import said, tell

__all__ = ["sample_charts"]

_BEGIN: Final = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
_MEMBERS: Final = "ABCDEFGHIJLMNPQRSTUVWYZ"


def sample_charts() -> list[tuple[Chart, bool]]:
    """The charts, each with whether it needs the width of the page."""
    return [
        (_bars(), False),
        (_lines(), False),
        (_radar(), False),
        (_heat(), False),
        (_flow(), False),
        (_graph(), True),
        (_timeline(), True),
        (_map(), True),
    ]


def _at(minutes: int) -> datetime:
    return _BEGIN + timedelta(minutes=minutes)


def _nations() -> tuple[tuple[str, str], ...]:
    return (
        ("XN", tell("North", "الشمال", "Nord")),
        ("XS", tell("South", "الجنوب", "Sud")),
        ("XE", tell("East", "الشرق", "Est")),
        ("XC", tell("Coast", "الساحل", "Côte")),
        ("XW", tell("West", "الغرب", "Ouest")),
    )


def _kind() -> str:
    return tell("Kind", "النوع", "Type")


def _bars() -> Chart:
    return Chart(
        "sample-bars",
        tell("Received this quarter", "ما استُلم هذا الربع", "Reçu ce trimestre"),
        tell(
            "Most of what was received were sightings.",
            "أكثر ما استُلم مشاهدات.",
            "La plupart étaient des observations.",
        ),
        Bars(
            _kind(),
            tell("Releases", "النشرات", "Publications"),
            (
                Bar(tell("Reports", "تقارير", "Rapports"), 61),
                Bar(said("sightings"), 214),
                Bar(tell("Rules", "قواعد", "Règles"), 18),
                Bar(tell("Courses", "دورات", "Cours"), 12),
            ),
        ),
    )


def _lines() -> Chart:
    months = tuple(formats.month(f"2026-{month:02}").split()[0] for month in range(4, 12))
    (_, south), (_, east), (_, coast) = _nations()[1:4]
    return Chart(
        "sample-lines",
        tell("Sightings by month", "المشاهدات شهريًا", "Observations par mois"),
        tell(
            "South has passed East since July.",
            "تجاوز الجنوب الشرق منذ يوليو.",
            "Sud dépasse Est depuis juillet.",
        ),
        Lines(
            tell("Month", "الشهر", "Mois"),
            months,
            (
                Series(south, (4, 6, 5, 9, 12, 11, 16, 18)),
                Series(east, (7, 7, 8, 8, 9, 10, 9, 11)),
                Series(coast, (2, 3, 2, 4, 3, 5, 4, 5)),
            ),
            width=460,
        ),
    )


def _radar() -> Chart:
    pillars = (
        tell("Education and training", "التعليم والتدريب", "Éducation et formation"),
        tell("Research", "البحث", "Recherche"),
        tell("Threat-intelligence sharing", "تبادل معلومات التهديدات", "Partage sur les menaces"),
        tell("Standards", "المعايير", "Normes"),
        tell("Innovation", "الابتكار", "Innovation"),
        tell("Resilience and response", "الصمود والاستجابة", "Résilience et réponse"),
        tell("Cooperation", "التعاون", "Coopération"),
    )
    return Chart(
        "sample-radar",
        tell("Capacity by pillar", "القدرة حسب الركيزة", "Capacités par pilier"),
        tell(
            "Education and training is our weakest pillar: 45 of 100.",
            "التعليم والتدريب أضعف ركائزنا: ٤٥ من ١٠٠.",
            "Éducation et formation est notre pilier le plus faible : 45 sur 100.",
        ),
        Radar(
            tell("Pillar", "الركيزة", "Pilier"),
            pillars,
            (
                Series(tell("Our nation", "دولتنا", "Notre nation"), (45, 52, 78, 60, 48, 72, 86)),
                Series(tell("Community median", "وسيط المجموعة", "Médiane"), (58, 55, 60, 66, 52, 60, 48)),
            ),
        ),
    )


def _heat() -> Chart:
    columns = tuple(HeatColumn(name, code, is_own=code == "XN") for code, name in _nations())
    return Chart(
        "sample-heat",
        tell("Technique coverage", "تغطية التقنيات", "Couverture des techniques"),
        tell(
            "Password spraying is missing in four of five nations.",
            "رشّ كلمات المرور مفقود لدى أربع دول من خمس.",
            "La pulvérisation manque dans quatre nations sur cinq.",
        ),
        HeatMap(
            tell("Technique", "التقنية", "Technique"),
            columns,
            (
                HeatRow("T1110.003", (None, None, 1, None, None)),
                HeatRow("T1190", (2, None, 3, None, 1)),
                HeatRow("T1486", (3, 6, 4, None, 2)),
                HeatRow("T1059.001", (9, 7, 6, 8, 4)),
            ),
        ),
    )


def _flow() -> Chart:
    return Chart(
        "sample-flow",
        tell("Given", "ما أعطيناه", "Donné"),
        tell(
            "The largest part: indicators and reports, 561 of 862.",
            "الجزء الأكبر: المؤشرات والتقارير، ٥٦١ من ٨٦٢.",
            "La plus grande part : indicateurs et rapports, 561 sur 862.",
        ),
        Flow(
            _kind(),
            tell("Releases", "النشرات", "Publications"),
            (
                Band(561, tell("indicators and reports", "مؤشرات وتقارير", "indicateurs et rapports")),
                Band(214, tell("sightings", "مشاهدات", "observations")),
                Band(61, tell("detection rules", "قواعد كشف", "règles de détection")),
                Band(26, tell("early warnings", "إنذارات مبكرة", "alertes précoces")),
            ),
            (tell("We gave", "أعطينا", "Donné"), tell("862 releases", "٨٦٢ نشرة", "862 publications")),
        ),
    )


def _graph() -> Chart:
    uses = tell("uses", "تستعمل", "utilise")
    ties = (("campaign", "kit"), ("campaign", "technique"), ("kit", "domain"), ("kit", "address"))
    nodes = (
        (
            "campaign",
            tell("Campaign", "حملة", "Campagne"),
            tell("Duty notice", "إشعار رسوم", "Avis de droits"),
        ),
        ("kit", tell("Phishing kit", "عدّة تصيّد", "Kit d’hameçonnage"), "Kit B"),
        ("technique", "T1566.002", tell("Spearphishing link", "رابط تصيّد موجّه", "Lien d’hameçonnage")),
        ("domain", tell("Domain", "نطاق", "Domaine"), "customs-duty.example"),
        ("address", "IPv4", "198.51.100.23"),
    )
    boxes = tuple(
        Node(
            name,
            kind,
            called,
            technical=name in {"domain", "address"},
            marked=name == "domain",
            dashed=name == "technique",
        )
        for name, kind, called in nodes
    )
    return Chart(
        "sample-graph",
        tell("How it hangs together", "كيف يترابط", "Comment tout se tient"),
        tell("The report names five objects.", "يسمّي التقرير خمسة كائنات.", "Le rapport nomme cinq objets."),
        Graph(
            Node("", said("report"), said("wave")),
            boxes,
            tuple(Edge(one, other, uses) for one, other in ties),
        ),
    )


def _timeline() -> Chart:
    found, shared, missed = DETECTED, SHARED, MISSED
    deeds = (
        ((28, found), (31, shared), (52, found), (84, found), (98, found)),
        ((22, found), (25, shared), (58, found), (90, found)),
        ((36, found), (49, found), (53, shared), (95, found)),
        ((38, found), (66, found), (80, missed), (100, found)),
        ((45, missed), (61, found), (88, found), (91, shared)),
    )
    rows = tuple(
        TimelineRow(
            code, name, tuple(Deed(_at(minutes), what) for minutes, what in done), is_own=code == "XN"
        )
        for (code, name), done in zip(_nations(), deeds, strict=True)
    )
    injects = tuple(
        Inject(formats.number(place), _at(at)) for place, at in enumerate((10, 40, 70, 94, 120, 165, 210), 1)
    )
    return Chart(
        "sample-timeline",
        tell("A drill", "تمرين", "Un exercice"),
        tell(
            "Four of seven injects are played.",
            "قُدّمت أربعة مستجدّات من سبعة.",
            "Quatre injects sur sept sont joués.",
        ),
        Timeline(
            tell("Nation", "الدولة", "Nation"), _at(0), _at(240), rows, injects, now=_at(102), width=1100
        ),
    )


def _map() -> Chart:
    member = Standing(tell("Member with a node", "عضو لديه عقدة", "Membre avec un nœud"), 4)
    preparing = Standing(tell("Node in preparation", "عقدة قيد الإعداد", "Nœud en préparation"), 2)
    later = Standing(tell("Member, not yet", "عضو، ليس بعد", "Membre, pas encore"), 0)
    standings = (member, member, preparing, later)
    nations = tuple(
        MapNation(f"X{letter}", f"Demo {letter}", standings[place % 4], is_own=letter == "N")
        for place, letter in enumerate(_MEMBERS)
    )
    return Chart(
        "sample-map",
        tell("Nations taking part", "الدول المشاركة", "Nations participantes"),
        tell(
            "Twelve members run a node.",
            "تشغّل اثنتا عشرة دولة عضوًا عقدة.",
            "Douze membres exploitent un nœud.",
        ),
        TileMap(
            tell("Nation", "الدولة", "Nation"),
            tell("How it takes part", "كيف تشارك", "Participation"),
            (*nations, MapNation("QM", "Demo QM"), MapNation("QN", "Demo QN")),
        ),
    )
