"""French spaces and Arabic marks, as printers set them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taawun.node import typography


@pytest.mark.parametrize(
    ("written", "set_right"),
    [
        ("Qui recevra ceci ?", "Qui recevra ceci\u202f?"),
        ("Qui recevra ceci?", "Qui recevra ceci\u202f?"),
        ("Qui recevra ceci\u00a0?", "Qui recevra ceci\u202f?"),
        ("Vraiment ?!", "Vraiment\u202f?!"),
        ("Attendez ; puis signez !", "Attendez\u202f; puis signez\u202f!"),
        ("Nom :", "Nom\u00a0:"),
        ("Nom: %(name)s", "Nom\u00a0: %(name)s"),
        ("%(name)s :", "%(name)s\u00a0:"),
        ("« oui »", "«\u00a0oui\u00a0»"),
        ("«%(name)s» ?", "«\u00a0%(name)s\u00a0»\u202f?"),
        ('Le rapport "%(name)s"', "Le rapport «\u00a0%(name)s\u00a0»"),
        ("Le rapport “%(name)s”", "Le rapport «\u00a0%(name)s\u00a0»"),
        ("(pourquoi?)", "(pourquoi\u202f?)"),
        ("l'accord d'entraide", "l’accord d’entraide"),
        ("l'%(kind)s", "l’%(kind)s"),
        # what is not a sentence stays
        ("12:30", "12:30"),
        ("%(host)s:%(port)s", "%(host)s:%(port)s"),
        ("TLP:AMBER", "TLP:AMBER"),
        ("read:intel", "read:intel"),
        ("https://cert.example/?a=b;c", "https://cert.example/?a=b;c"),
        ('<a href="/fr/?tri=nom">trier</a>', '<a href="/fr/?tri=nom">trier</a>'),
        ("a&nbsp;b&amp;c", "a&nbsp;b&amp;c"),
        ("lancez `taawun up --host :: ?`", "lancez `taawun up --host :: ?`"),
        ("?", "?"),
        ("", ""),
    ],
)
def test_french_text_gets_its_spaces_marks_and_apostrophes(written: str, set_right: str):
    assert typography.french(written) == set_right


@pytest.mark.parametrize(
    ("written", "set_right"),
    [
        ("من سيستلم هذا?", "من سيستلم هذا؟"),
        ("اتفاقية, بند; طرف", "اتفاقية، بند؛ طرف"),
        ("STIX, MISP", "STIX، MISP"),
        ("%(name)s, %(other)s", "%(name)s، %(other)s"),
        ('التقرير "%(name)s"', "التقرير «%(name)s»"),
        ("التقرير “%(name)s”", "التقرير «%(name)s»"),
        ("(لماذا?)", "(لماذا؟)"),
        # what is not a sentence stays
        ("1,000", "1,000"),
        ("a=b;c=d", "a=b;c=d"),
        ("https://cert.example, بلا مسار", "https://cert.example، بلا مسار"),
        ("https://cert.example/?a=b,c", "https://cert.example/?a=b,c"),
        ('<a href="?x=1" title="a, b">رابط</a>', '<a href="?x=1" title="a, b">رابط</a>'),
        ("&nbsp;", "&nbsp;"),
        ("?", "?"),
        ("", ""),
    ],
)
def test_arabic_text_gets_its_own_marks(written: str, set_right: str):
    assert typography.arabic(written) == set_right


@given(st.text(alphabet="aà 'ب?!;:,«»\"%(n)s<b>{}/`&\u00a0\u202f\n", max_size=40))
def test_what_is_set_right_stays_as_it_is(text: str):
    for set_marks in (typography.french, typography.arabic):
        once = set_marks(text)
        assert set_marks(once) == once


@given(
    st.text(alphabet="aب ?!;:,'\"", max_size=20), st.sampled_from(["%(n)s", "{n}", "<b>", "&lt;", "`a ?`"])
)
def test_placeholders_and_markup_are_never_changed(text: str, part: str):
    for set_marks in (typography.french, typography.arabic):
        assert typography.protected(set_marks(text + part + text)) == [part]
