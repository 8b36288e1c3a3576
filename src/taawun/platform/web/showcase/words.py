"""What the page of components says. It is for builders alone, so its words stand here and not in the catalogues."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from django.utils.translation import get_language

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["WORDS", "said", "tell", "words"]

WORDS: Final[Mapping[str, tuple[str, str, str]]] = MappingProxyType(
    {
        # name: English, Arabic, French
        "page": ("Components", "المكوّنات", "Composants"),
        "lead": (
            "Each component once, in this language and theme. All data is invented.",
            "كل مكوّن مرة واحدة، بهذه اللغة وهذا المظهر. كل البيانات مختلقة.",
            "Chaque composant une fois, dans cette langue et ce thème. Toutes les données sont inventées.",
        ),
        "type": ("Type", "الخط", "Caractères"),
        "decides": (
            "A signed agreement decides",
            "الاتفاقية الموقَّعة هي التي تقرّر",
            "L’accord signé décide",
        ),
        "sent": (
            "What partners sent this week",
            "ما أرسله الشركاء هذا الأسبوع",
            "Ce que les partenaires ont envoyé cette semaine",
        ),
        "read": (
            "Lessons and reports are read in the reading face, at most 68 characters to the line.",
            "تُقرأ الدروس والتقارير بخط النسخ، وبسطور لا تطول.",
            "Leçons et rapports se lisent dans la police de lecture, 68 caractères au plus par ligne.",
        ),
        "listed": (
            "Lists, forms and tables use the interface face.",
            "القوائم والنماذج والجداول بخط الواجهة.",
            "Listes, formulaires et tableaux utilisent la police de l’interface.",
        ),
        "colour": ("Colour", "اللون", "Couleur"),
        "buttons": ("Buttons and links", "الأزرار والروابط", "Boutons et liens"),
        "publish": ("Sign and publish", "وقّع وانشر", "Signer et publier"),
        "off": ("Off", "معطّل", "Inactif"),
        "export": ("Export", "تصدير", "Exporter"),
        "withdraw": ("Withdraw…", "سحب…", "Retirer…"),
        "cancel": ("Cancel", "إلغاء", "Annuler"),
        "small": ("Small", "صغير", "Petit"),
        "link": ("A link in a sentence", "رابط داخل جملة", "Un lien dans une phrase"),
        "inputs": ("Inputs", "الحقول", "Champs"),
        "title": ("Title", "العنوان", "Titre"),
        "title_value": (
            "Password spraying on webmail",
            "رشّ كلمات المرور على البريد",
            "Pulvérisation de mots de passe sur la messagerie",
        ),
        "title_hint": ("Shown to every recipient.", "يراه كل مستلم.", "Visible par chaque destinataire."),
        "address": ("Address of the node", "عنوان العقدة", "Adresse du nœud"),
        "address_wrong": (
            "A node is reached over https. Write https://south.cert.example.",
            "تُبلَغ العقدة عبر https. اكتب العنوان مبدوءًا به.",
            "Un nœud se joint en https. Écrivez https://south.cert.example.",
        ),
        "clause": ("Clause", "البند", "Clause"),
        "clause_one": (
            "Indicators and reports",
            "المؤشرات والتقارير",
            "Indicateurs et rapports",
        ),
        "until": ("Valid until", "صالح حتى", "Valable jusqu’au"),
        "rules": ("Include rules", "مع القواعد", "Joindre les règles"),
        "who": ("Parties", "الأطراف", "Parties"),
        "all": ("All parties", "كل الأطراف", "Toutes les parties"),
        "chosen": ("Chosen parties", "أطراف مختارة", "Parties choisies"),
        "text": ("Summary", "الملخّص", "Résumé"),
        "chips": ("Chips", "الشارات", "Étiquettes"),
        "south": ("Demo CERT South", "مركز الجنوب التجريبي", "CERT de démonstration Sud"),
        "east": ("Demo CERT East", "مركز الشرق التجريبي", "CERT de démonstration Est"),
        "coast": ("Demo CERT Coast", "مركز الساحل التجريبي", "CERT de démonstration Côte"),
        "north": ("Demo CERT North", "مركز الشمال التجريبي", "CERT de démonstration Nord"),
        "delta": ("Demo CERT Delta", "مركز الدلتا التجريبي", "CERT de démonstration Delta"),
        "topic": ("Customs and trade", "الجمارك والتجارة", "Douanes et commerce"),
        "notices": ("Notices", "التنبيهات", "Avis"),
        "notice": (
            "Demo CERT Delta has not been reached for 26 hours. What you hold is unchanged.",
            "تعذّر بلوغ مركز الدلتا التجريبي منذ ٢٦ ساعة. ما لديك لم يتغيّر.",
            "Le CERT de démonstration Delta est injoignable depuis 26 heures. Ce que vous détenez est inchangé.",
        ),
        "notice_green": (
            "Published to five parties; all five signed for it.",
            "نُشر إلى خمسة أطراف، ووقّع الخمسة بالاستلام.",
            "Publié auprès de cinq parties ; toutes ont signé la réception.",
        ),
        "notice_gold": (
            "Clause 2.1 ends in 30 days. Propose a renewal to keep the lane open.",
            "ينتهي البند ٢٫١ بعد ٣٠ يومًا. اقترح تجديده ليبقى المسار مفتوحًا.",
            "La clause 2.1 prend fin dans 30 jours. Proposez de la reconduire pour garder la voie ouverte.",
        ),
        "notice_alarm": (
            "Entry 1,205 does not match its digest. The lane has stopped; nothing was lost.",
            "القيد ١٬٢٠٥ لا يطابق بصمته. توقّف المسار ولم يُفقَد شيء.",
            "L’entrée 1 205 ne correspond pas à son empreinte. La voie est arrêtée ; rien n’est perdu.",
        ),
        "details": ("Details", "التفاصيل", "Détails"),
        "table": ("Table", "الجدول", "Tableau"),
        "report": ("Report", "التقرير", "Rapport"),
        "from": ("From", "من", "De"),
        "by": ("By", "بموجب", "Selon"),
        "marking": ("Marking", "الوسم", "Marquage"),
        "received": ("Received", "استُلم", "Reçu"),
        "hits": ("Hits", "تطابقات", "Correspondances"),
        "wave": (
            "Credential phishing, wave 3",
            "تصيّد بيانات الدخول، الموجة ٣",
            "Hameçonnage d’identifiants, vague 3",
        ),
        "loader": (
            "Loader in engineering software",
            "أداة تحميل في برامج هندسية",
            "Chargeur dans un logiciel d’ingénierie",
        ),
        "spraying": (
            "Spraying from a rented range",
            "رشّ من نطاق مستأجر",
            "Pulvérisation depuis une plage louée",
        ),
        "ways": ("Tabs, breadcrumb", "الألسنة والمسار", "Onglets, fil d’Ariane"),
        "objects": ("Objects", "الكائنات", "Objets"),
        "sightings": ("Sightings", "المشاهدات", "Observations"),
        "history": ("History", "التاريخ", "Historique"),
        "agreements": ("Agreements", "الاتفاقيات", "Accords"),
        "clauses": ("Clauses", "البنود", "Clauses"),
        "work": ("Long work", "عمل طويل", "Travail long"),
        "hunt": ("Hunt back 90 days", "تقصّي ٩٠ يومًا مضت", "Recherche sur 90 jours"),
        "hunted": (
            "55 of 90 days read. 4 hits so far; 2 files skipped, not readable.",
            "قُرئ ٥٥ يومًا من ٩٠. أربعة تطابقات حتى الآن، وتُرك ملفان لتعذّر قراءتهما.",
            "55 jours sur 90 lus. 4 correspondances ; 2 fichiers illisibles ignorés.",
        ),
        "code": ("Code and hash", "الرمز والبصمة", "Code et empreinte"),
        "empty": ("Empty state", "الحالة الفارغة", "État vide"),
        "no_agreement": ("No agreement yet", "لا اتفاقية بعد", "Pas encore d’accord"),
        "no_agreement_why": (
            "Nothing leaves this node without one. Start from a template; your partner can counter it.",
            "لا يغادر شيء هذه العقدة بلا اتفاقية. ابدأ من نموذج، ولشريكك أن يردّ بمقترح مقابل قبل أن يوقّع أحد.",
            "Rien ne quitte ce nœud sans accord. Partez d’un modèle ; votre partenaire peut y répondre.",
        ),
        "from_template": ("Draft from a template", "أنشئ مسودة من نموذج", "Rédiger depuis un modèle"),
        "dialog": ("Dialog", "الحوار", "Dialogue"),
        "question": (
            "Withdraw version 3 from six parties?",
            "سحب الإصدار ٣ من ستة أطراف؟",
            "Retirer la version 3 auprès de six parties ?",
        ),
        "question_why": (
            "They must stop using it and sign that they did. Sightings of it stay. It is recorded in your name.",
            "عليهم الكفّ عن استعماله والتوقيع على ذلك. وتبقى مشاهداته. ويُقيَّد هذا باسمك.",
            "Elles doivent cesser de l’utiliser et le signer. Les observations restent. C’est consigné en votre nom.",
        ),
        "keep": ("Keep it", "أبقِه", "Conserver"),
        "do_withdraw": ("Withdraw", "اسحب", "Retirer"),
        "timeline": ("Timeline", "الخط الزمني", "Chronologie"),
        "in_force": ("In force", "نافذة", "En vigueur"),
        "signed_by_both": ("Signed by both", "وقّعها الطرفان", "Signé par les deux"),
        "countered": (
            "Countered by Demo CERT South",
            "مقترح مقابل من مركز الجنوب التجريبي",
            "Contre-proposition du CERT de démonstration Sud",
        ),
        "states": ("The states of an agreement", "أحوال الاتفاقية", "Les états d’un accord"),
        "proposed": ("Proposed", "مقترحة", "Proposé"),
        "signed": ("Signed", "موقّعة", "Signé"),
        "expires": ("Expires", "تنتهي", "Expire"),
        "verification": ("Verification", "التحقق", "Vérification"),
        "verified": (
            "Signature valid; fingerprint compared",
            "التوقيع صحيح والبصمة مقارَنة",
            "Signature valide ; empreinte comparée",
        ),
        "provenance": ("Provenance", "المصدر", "Provenance"),
        "came": ("Came from", "جاء من", "Venu de"),
        "allowed": ("Allowed by", "أجازه", "Autorisé par"),
        "signature": ("Signature", "التوقيع", "Signature"),
        "matched": ("Matched in our logs", "طابق سجلاتنا", "Trouvé dans nos journaux"),
        "matched_value": ("11 hits on 3 hosts", "١١ تطابقًا على ٣ أجهزة", "11 correspondances sur 3 hôtes"),
        "fails": ("fails", "غير صحيح", "invalide"),
        "preview": ("Who would receive this?", "من سيستلم هذا؟", "Qui le recevrait ?"),
        "allows": (
            "Reports and indicators, up to AMBER",
            "التقارير والمؤشرات، حتى AMBER",
            "Rapports et indicateurs, jusqu’à AMBER",
        ),
        "seconds": ("within seconds", "خلال ثوانٍ", "en quelques secondes"),
        "reason": (
            "Clause 3 of AG-017 allows up to GREEN, and this is AMBER.",
            "البند ٣ من AG-017 يسمح حتى GREEN، والوسم AMBER.",
            "La clause 3 d’AG-017 autorise jusqu’à GREEN, et ceci est AMBER.",
        ),
        "mend": ("Propose a change of the clause", "اقترح تعديل البند", "Proposer de modifier la clause"),
        "changes": ("What changed", "ما الذي تغيّر", "Ce qui a changé"),
        "up_to": ("Up to", "الحد الأعلى", "Jusqu’à"),
        "wording": ("Text", "النص", "Texte"),
        "monthly": ("monthly, by courier", "شهريًا، بالبريد", "chaque mois, par courrier"),
        "at_once": ("without delay", "دون تأخير", "sans délai"),
        "facts": ("Facts", "الحقائق", "Faits"),
        "onward": ("Onward", "النقل اللاحق", "Partage ultérieur"),
        "parties_only": ("parties only", "بين الأطراف فقط", "entre parties seulement"),
        "kept": ("Kept", "مدة الحفظ", "Conservation"),
        "two_years": ("2 years", "سنتان", "2 ans"),
        "callout": ("Callout", "تنبيه في النص", "Encadré"),
        "remark": (
            "Trust only the lines that your own server wrote. Whatever stands below them may be forged.",
            "لا تثق إلا بالسطور التي كتبها خادمك أنت. ما تحتها قد يكون مزوّرًا كلُّه.",
            "Ne vous fiez qu’aux lignes écrites par votre serveur. Ce qui suit peut être falsifié.",
        ),
        "list": ("Reports, as a list", "قائمة تقارير", "Liste de rapports"),
        "unfit": ("No report fits", "لا تقرير يطابق", "Aucun rapport ne correspond"),
        "unfit_why": (
            "None has these words, with this marking.",
            "لا تقرير فيه هذه الكلمات وبهذا الوسم.",
            "Aucun n’a ces mots, avec ce marquage.",
        ),
        "all_markings": ("all", "الكل", "tous"),
        "elsewhere": (
            "When it happens elsewhere:",
            "حين يكون الموعد في مكان آخر:",
            "Quand cela se passe ailleurs :",
        ),
        "cards": ("Cards", "البطاقات", "Cartes"),
        "analyst": ("analyst", "تحليل", "analyste"),
        "south_nation": ("South", "الجنوب", "Sud"),
        "cert": ("national CERT", "فريق وطني للاستجابة (CERT)", "CERT national"),
        "fund": ("Capacity Fund", "صندوق بناء القدرات", "Fonds de renforcement"),
        "donor": ("donor", "جهة مانحة", "bailleur"),
        "week": ("Sunday to Thursday", "من الأحد إلى الخميس", "du dimanche au jeudi"),
        "duty": ("Duty desk", "مكتب المناوبة", "Permanence"),
        "hours": ("08:00–16:00", "08:00–16:00", "08:00–16:00"),
        "hours_here": ("05:00–13:00", "05:00–13:00", "05:00–13:00"),
        "city": ("Amman", "عمّان", "Amman"),
        "night": ("Night line", "خط الليل", "Ligne de nuit"),
        "any_hour": ("at any hour", "في أي ساعة", "à toute heure"),
        "lines": ("Lines", "الأسطر", "Lignes"),
        "charts": ("Charts and map", "المخططات والخريطة", "Graphiques et carte"),
    }
)
_PLACES: Final = {"en": 0, "ar": 1, "fr": 2}


def said(name: str) -> str:
    """One of the sentences, in the language of the page."""
    return tell(*WORDS[name])


def tell(english: str, arabic: str, french: str) -> str:
    """One of three, in the language of the page."""
    language = (get_language() or "en").partition("-")[0]
    return (english, arabic, french)[_PLACES.get(language, 0)]


def words() -> dict[str, str]:
    """All of them, by name."""
    return {name: said(name) for name in WORDS}
