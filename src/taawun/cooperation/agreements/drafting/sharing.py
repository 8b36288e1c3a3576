"""Templates about threat intelligence: between two partners, in a community, and for warnings alone."""

from __future__ import annotations

from typing import Final

from django.utils.translation import gettext_lazy

from taawun.cooperation.agreements.drafting.templates import Template, between_all
from taawun.foundation.multilingual import Prose, Text
from taawun.foundation.tlp import Tlp

__all__ = ["BILATERAL_SHARING", "COMMUNITY", "EARLY_WARNING"]

_SIGHTINGS: Final = Text.of(
    en="Sightings of what was shared",
    ar="مشاهدات ما تم تبادله",
    fr="Observations de ce qui a été partagé",
)
_SPREAD: Final = Text.of(
    en="judging how far a threat has spread",
    ar="تقدير مدى انتشار التهديد",
    fr="évaluation de la propagation d’une menace",
)
_DEFENCE: Final = Text.of(
    en="defence of the receiving party and of those it serves",
    ar="الدفاع عن الطرف المستلم وعمّن يخدمهم",
    fr="défense de la partie destinataire et de ceux qu’elle sert",
)
_REPORTS: Final = Text.of(en="Reports and indicators", ar="التقارير والمؤشرات", fr="Rapports et indicateurs")

BILATERAL_SHARING: Final = Template(
    name="threat-sharing",
    label=gettext_lazy("Bilateral sharing of threat intelligence"),
    purpose=gettext_lazy("Two partners give each other reports and indicators, and say what they have seen."),
    title=Text.of(
        en="Agreement on the sharing of threat intelligence",
        ar="اتفاقية بشأن تبادل معلومات التهديدات",
        fr="Accord relatif au partage d’informations sur les menaces",
    ),
    preamble=Prose.of(
        en="The parties to this agreement,\n"
        "Recognising that threats in cyberspace cross borders faster than any one nation can follow them;\n"
        "Convinced that what one party learns of an attack lets the other prevent it;\n"
        "Respecting the sovereignty of each party over its own data, and the law that binds each of them;\n"
        "Desiring to share what they know of threats on equal terms, with care for its sources and for the persons "
        "concerned;\n"
        "Have agreed as follows:",
        ar="إنّ طرفي هذه الاتفاقية،\n"
        "إذ يدركان أن التهديدات في الفضاء السيبراني تعبر الحدود بأسرع مما تستطيع دولة واحدة تتبّعه؛\n"
        "واقتناعًا منهما بأن ما يعلمه أحد الطرفين عن هجوم ما يمكّن الطرف الآخر من درئه؛\n"
        "وإذ يحترمان سيادة كل طرف على بياناته والقوانين الملزمة لكل منهما؛\n"
        "ورغبةً منهما في تبادل ما يعرفانه عن التهديدات على قدم المساواة، مع الحرص على مصادره وعلى الأشخاص المعنيين؛\n"
        "قد اتفقا على ما يلي:",
        fr="Les parties au présent accord,\n"
        "Reconnaissant que les menaces dans le cyberespace franchissent les frontières plus vite qu’une nation ne peut "
        "les suivre seule ;\n"
        "Convaincues que ce que l’une apprend d’une attaque permet à l’autre de la prévenir ;\n"
        "Respectant la souveraineté de chaque partie sur ses données ainsi que le droit qui lie chacune d’elles ;\n"
        "Désireuses de partager ce qu’elles savent des menaces sur un pied d’égalité, avec le souci des sources et des "
        "personnes concernées ;\n"
        "Sont convenues de ce qui suit :",
    ),
    clauses=(
        between_all(
            "1",
            _REPORTS,
            ("intel.report", "intel.warning"),
            tlp_max=Tlp.AMBER,
            purpose=_DEFENCE,
            retention_days=730,
            on_termination="delete",
        ),
        between_all(
            "2",
            _SIGHTINGS,
            ("intel.sighting",),
            tlp_max=Tlp.AMBER,
            purpose=_SPREAD,
            retention_days=365,
            on_termination="delete",
        ),
    ),
    notice_days=30,
)

COMMUNITY: Final = Template(
    name="community-sharing",
    label=gettext_lazy("Multilateral sharing in a community"),
    purpose=gettext_lazy(
        "Several nations share under one text that this node keeps as depositary. It enters into force when three "
        "have signed, and others join it later by invitation."
    ),
    title=Text.of(
        en="Multilateral agreement on the sharing of threat intelligence",
        ar="اتفاقية متعددة الأطراف بشأن تبادل معلومات التهديدات",
        fr="Accord multilatéral relatif au partage d’informations sur les menaces",
    ),
    preamble=Prose.of(
        en="The parties to this agreement,\n"
        "Recalling the bonds of solidarity between their peoples and the principle of the sovereign equality of "
        "States;\n"
        "Aware that an attack on one of them is often the first sign of an attack on others;\n"
        "Affirming that each party alone decides what it shares, and that what is shared remains subject to the "
        "conditions under which it was given;\n"
        "Bearing in mind that some among them have more means than others, and that the strength of a community is "
        "measured by what it does for those who have least;\n"
        "Open to every nation that the parties invite to join them in these principles;\n"
        "Have agreed as follows:",
        ar="إنّ أطراف هذه الاتفاقية،\n"
        "إذ تستذكر أواصر التضامن بين شعوبها ومبدأ المساواة في السيادة بين الدول؛\n"
        "وإدراكًا منها أن الهجوم على أحدها كثيرًا ما يكون أول علامات الهجوم على غيره؛\n"
        "وإذ تؤكد أن كل طرف يقرر وحده ما يتبادله، وأن ما يتم تبادله يظل خاضعًا للشروط التي قُدّم بموجبها؛\n"
        "وإذ تضع في اعتبارها أن لدى بعضها من الإمكانات ما ليس لدى غيره، وأن قوة الجماعة تقاس بما تقدمه "
        "لأقلها إمكانات؛\n"
        "وإذ تظل مفتوحة لكل دولة تدعوها الأطراف إلى الانضمام إليها على هذه المبادئ؛\n"
        "قد اتفقت على ما يلي:",
        fr="Les parties au présent accord,\n"
        "Rappelant les liens de solidarité entre leurs peuples et le principe de l’égalité souveraine des États ;\n"
        "Conscientes que l’attaque subie par l’une d’elles est souvent le premier signe d’attaques contre d’autres ;\n"
        "Affirmant que chaque partie décide seule de ce qu’elle partage, et que ce qui est partagé demeure soumis aux "
        "conditions auxquelles il a été communiqué ;\n"
        "Ayant à l’esprit que toutes ne disposent pas des mêmes moyens, et que la force d’une communauté se mesure à "
        "ce qu’elle fait pour celles qui en ont le moins ;\n"
        "Ouvertes à toute nation que les parties invitent à se joindre à elles dans ces principes ;\n"
        "Sont convenues de ce qui suit :",
    ),
    clauses=(
        between_all(
            "1",
            Text.of(
                en="What stays with each receiving party",
                ar="ما يبقى لدى كل طرف مستلم",
                fr="Ce qui reste auprès de chaque partie destinataire",
            ),
            ("intel.report", "intel.warning"),
            tlp_max=Tlp.AMBER,
            purpose=_DEFENCE,
            retention_days=730,
            on_termination="delete",
        ),
        between_all(
            "2",
            Text.of(
                en="What the community shares among all its parties",
                ar="ما تتبادله الجماعة بين جميع أطرافها",
                fr="Ce que la communauté partage entre toutes ses parties",
            ),
            ("intel.report", "intel.warning"),
            tlp_max=Tlp.GREEN,
            purpose=Text.of(
                en="a common picture of the threats to the community",
                ar="صورة مشتركة للتهديدات التي تواجه الجماعة",
                fr="une vue commune des menaces qui visent la communauté",
            ),
            onward="parties",
            history="all",
        ),
        between_all(
            "3",
            _SIGHTINGS,
            ("intel.sighting",),
            tlp_max=Tlp.AMBER,
            purpose=_SPREAD,
            retention_days=365,
            on_termination="delete",
        ),
    ),
    notice_days=180,
    is_multilateral=True,
    accession="by-invitation",
    signatures=3,
)

EARLY_WARNING: Final = Template(
    name="early-warning",
    label=gettext_lazy("Early warning"),
    purpose=gettext_lazy("Partners warn each other of attacks under way, within narrow bounds."),
    title=Text.of(
        en="Agreement on early warning",
        ar="اتفاقية الإنذار المبكر",
        fr="Accord d’alerte précoce",
    ),
    preamble=Prose.of(
        en="The parties to this agreement,\n"
        "Considering that in an attack under way hours decide;\n"
        "Resolved to warn each other without delay of attacks that may reach the other, before all is known of them;\n"
        "Agreeing that such warnings stay within the receiving organisation;\n"
        "Have agreed as follows:",
        ar="إنّ أطراف هذه الاتفاقية،\n"
        "إذ تضع في اعتبارها أن الساعات هي التي تحسم مآل أي هجوم جارٍ؛\n"
        "وعزمًا منها على أن ينذر بعضها بعضًا دون تأخير بالهجمات التي قد تصل إلى غيره، قبل أن تكتمل المعرفة بها؛\n"
        "وإذ تتفق على أن تبقى هذه الإنذارات داخل المؤسسة المستلمة؛\n"
        "قد اتفقت على ما يلي:",
        fr="Les parties au présent accord,\n"
        "Considérant que, face à une attaque en cours, tout se joue en quelques heures ;\n"
        "Résolues à s’alerter sans délai des attaques susceptibles d’atteindre l’autre, avant même que tout en soit "
        "connu ;\n"
        "Entendant que ces alertes demeurent au sein de l’organisation destinataire ;\n"
        "Sont convenues de ce qui suit :",
    ),
    clauses=(
        between_all(
            "1",
            Text.of(
                en="Warnings of attacks under way",
                ar="الإنذارات بالهجمات الجارية",
                fr="Alertes sur des attaques en cours",
            ),
            ("intel.warning", "intel.report"),
            tlp_max=Tlp.AMBER_STRICT,
            purpose=Text.of(
                en="protection against the attack that is warned of",
                ar="الحماية من الهجوم المُنذَر به",
                fr="protection contre l’attaque signalée",
            ),
            retention_days=90,
            on_termination="delete",
        ),
        between_all(
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
)
