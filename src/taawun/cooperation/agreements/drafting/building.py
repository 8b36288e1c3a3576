"""Templates about building capacity: training, and drills.

Their clauses name whole rooms (``learning.*``, ``drills.*``), whose names are the house's and will not change, rather
than single kinds that no node sends yet: whatever kinds those rooms bring falls under what was agreed.
"""

from __future__ import annotations

from typing import Final

from django.utils.translation import gettext_lazy

from taawun.cooperation.agreements.drafting.templates import Template, between_all
from taawun.foundation.multilingual import Prose, Text
from taawun.foundation.tlp import Tlp

__all__ = ["DRILL", "TRAINING"]

TRAINING: Final = Template(
    name="training",
    label=gettext_lazy("Cooperation in training"),
    purpose=gettext_lazy(
        "Partners exchange courses, materials and credentials, so that what one has prepared the others may teach."
    ),
    title=Text.of(
        en="Agreement on cooperation in cybersecurity training",
        ar="اتفاقية التعاون في التدريب على الأمن السيبراني",
        fr="Accord de coopération en matière de formation à la cybersécurité",
    ),
    preamble=Prose.of(
        en="The parties to this agreement,\n"
        "Holding that the seeking of knowledge is a duty and its sharing an honour;\n"
        "Noting that each of them lacks trained people, and that no course need be written twice;\n"
        "Intending that what one has prepared the others may teach, adapt and translate, with its author named;\n"
        "Have agreed as follows:",
        ar="إنّ أطراف هذه الاتفاقية،\n"
        "إذ ترى أن طلب العلم واجب وأن نشره شرف؛\n"
        "وإذ تلاحظ أن كلًّا منها تعوزه الكفاءات المدرّبة، وأنه لا حاجة إلى إعداد الدورة الواحدة مرتين؛\n"
        "وإذ تعتزم أن يكون لما يعدّه أحدها أن يدرّسه الآخرون ويكيّفوه ويترجموه مع ذكر صاحبه؛\n"
        "قد اتفقت على ما يلي:",
        fr="Les parties au présent accord,\n"
        "Tenant la recherche du savoir pour un devoir et sa transmission pour un honneur ;\n"
        "Constatant que chacune manque de personnes formées et qu’aucun cours n’a besoin d’être écrit deux fois ;\n"
        "Entendant que ce que l’une a préparé, les autres puissent l’enseigner, l’adapter et le traduire en nommant "
        "son auteur ;\n"
        "Sont convenues de ce qui suit :",
    ),
    clauses=(
        between_all(
            "1",
            Text.of(
                en="Courses, materials and credentials",
                ar="الدورات والمواد والشهادات",
                fr="Cours, supports et attestations",
            ),
            ("learning.*",),
            tlp_max=Tlp.GREEN,
            purpose=Text.of(
                en="teaching, adapting and translating",
                ar="التدريس والتكييف والترجمة",
                fr="enseignement, adaptation et traduction",
            ),
            onward="parties",
            history="all",
        ),
    ),
    notice_days=90,
)

DRILL: Final = Template(
    name="drill",
    label=gettext_lazy("Joint drill"),
    purpose=gettext_lazy(
        "Partners prepare and play a drill together, and share the threat reports that it is built from."
    ),
    title=Text.of(
        en="Agreement on a joint drill",
        ar="اتفاقية بشأن تمرين مشترك",
        fr="Accord relatif à un exercice commun",
    ),
    preamble=Prose.of(
        en="The parties to this agreement,\n"
        "Believing that those who have practised together act together when it matters;\n"
        "Understanding that a drill shows weaknesses, and that what it shows of a party serves to improve and never to "
        "rank or to expose it;\n"
        "Have agreed as follows:",
        ar="إنّ أطراف هذه الاتفاقية،\n"
        "إيمانًا منها بأن من تمرّنوا معًا يعملون معًا عند الشدة؛\n"
        "وإذ تدرك أن التمرين يكشف مواطن الضعف، وأن ما يكشفه عن أي طرف يُراد به التحسين لا المفاضلة ولا التشهير؛\n"
        "قد اتفقت على ما يلي:",
        fr="Les parties au présent accord,\n"
        "Persuadées que celles qui se sont exercées ensemble agissent ensemble le moment venu ;\n"
        "Sachant qu’un exercice révèle des faiblesses, et que ce qu’il révèle d’une partie sert à progresser, jamais à "
        "classer ni à exposer ;\n"
        "Sont convenues de ce qui suit :",
    ),
    clauses=(
        between_all(
            "1",
            Text.of(
                en="The drill: scenario, injects, submissions and report",
                ar="التمرين: السيناريو والمستجدّات والإجابات والتقرير",
                fr="L’exercice : scénario, injects, réponses et rapport",
            ),
            ("drills.*",),
            tlp_max=Tlp.AMBER,
            purpose=Text.of(
                en="preparing for incidents that touch several parties",
                ar="الاستعداد للحوادث التي تمس أكثر من طرف",
                fr="préparation aux incidents touchant plusieurs parties",
            ),
            retention_days=1095,
        ),
        between_all(
            "2",
            Text.of(
                en="Threat reports that the drill is built from",
                ar="تقارير التهديدات التي يُبنى عليها التمرين",
                fr="Rapports sur les menaces dont l’exercice est tiré",
            ),
            ("intel.report",),
            tlp_max=Tlp.GREEN,
            purpose=Text.of(
                en="a drill that resembles what is really seen",
                ar="تمرين يحاكي ما يُشاهَد فعلًا",
                fr="un exercice proche de ce qui est réellement observé",
            ),
            retention_days=365,
            on_termination="delete",
        ),
    ),
    notice_days=30,
)
