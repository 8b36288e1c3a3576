"""What the pages of agreements ask for."""

from taawun.cooperation.agreements.forms.binding import BindingForm
from taawun.cooperation.agreements.forms.clauses import ClauseForm
from taawun.cooperation.agreements.forms.days import first_instant, first_instant_after
from taawun.cooperation.agreements.forms.declaring import DeclarationForm
from taawun.cooperation.agreements.forms.drafting import NewForm
from taawun.cooperation.agreements.forms.inviting import InvitationForm
from taawun.cooperation.agreements.forms.lists import AgreementFilters, CompareForm, NoteForm
from taawun.cooperation.agreements.forms.newcomers import NewcomerForm
from taawun.cooperation.agreements.forms.papers import InstrumentForm, ScanForm
from taawun.cooperation.agreements.forms.parties import GuestForm, NodeForm
from taawun.cooperation.agreements.forms.printing import PaperForm
from taawun.cooperation.agreements.forms.terms import TermsForm

__all__ = [
    "AgreementFilters",
    "BindingForm",
    "ClauseForm",
    "CompareForm",
    "DeclarationForm",
    "GuestForm",
    "InstrumentForm",
    "InvitationForm",
    "NewForm",
    "NewcomerForm",
    "NodeForm",
    "NoteForm",
    "PaperForm",
    "ScanForm",
    "TermsForm",
    "first_instant",
    "first_instant_after",
]
