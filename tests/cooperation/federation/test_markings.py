"""TLP is never lowered, on whatever way a release comes to a third; read as the third reads it."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import hypothesis
import pytest
from django.conf import settings
from hypothesis import strategies as st

from taawun.cooperation.agreements.document import Onward
from taawun.cooperation.federation.actions import preview_onward, share_onward
from taawun.cooperation.federation.errors import NobodyReceives
from taawun.cooperation.federation.models import Release
from taawun.cooperation.partners.logs import chain
from taawun.foundation.tlp import Tlp
from tests.cast import Cast, PartnerNode, agreement_in_force, clause, partner
from tests.cooperation.conftest import Notes
from tests.cooperation.federation.test_exchange import DONE, note
from tests.cooperation.federation.test_onward import digest_of, elsewhere, onward
from tests.lanes import clause_lane
from tests.world import undone

if TYPE_CHECKING:
    from taawun.cooperation.partners.logs.chain import Header

# which way a release goes is reckoned, for seventy cases that are always the same; what is asked for it on the way,
# test_onward.py and test_exchange.py ask on both databases
pytestmark = [pytest.mark.slow, pytest.mark.any_database]

MARKINGS = st.sampled_from(list(Tlp))
RULES = st.sampled_from(["none", "named", "parties", "public"])
# the same ones each time: what is counted at the end must not depend on chance
MANY = hypothesis.settings(max_examples=70, derandomize=True, database=None)


@pytest.fixture
def source(cast: Cast, notes: Notes) -> PartnerNode:
    return partner("Source", nation="XA")


@pytest.fixture
def via(source: PartnerNode) -> PartnerNode:
    return partner("Via", nation="XB")


@pytest.fixture
def east(source: PartnerNode) -> PartnerNode:
    return partner("East", nation="XC")


def served(reader: PartnerNode) -> list[Header]:
    """The headers of notes that a partner is served with their contents, as it reads them off its lanes."""
    found = []
    for lane in reader.request("GET", "/federation/lanes").json()["lanes"]:
        page = reader.request("GET", f"/federation/lanes/{lane['lane']}?after=-1").content
        lines = [chain.read_line(line) for line in page.splitlines()]
        headers = [chain.said_in(line.header) for line in lines if line.header and line.content is not None]
        found += [header for header in headers if header.kind == "tests.note"]
    return found


def persons(tlp: Tlp) -> tuple[str, ...]:
    """Whom a release of this marking names."""
    return ("a@cert.example",) if tlp == Tlp.RED else ()


def test_what_a_third_is_served_is_marked_as_its_source_marked_it_and_goes_no_further_than_every_clause_lets_it(
    cast: Cast, source: PartnerNode, east: PartnerNode
) -> None:
    became = Counter[str]()

    @MANY
    @hypothesis.given(tlp=MARKINGS, most=MARKINGS, most_on=MARKINGS, rule=RULES)
    def examined(tlp: Tlp, most: Tlp, most_on: Tlp, rule: str) -> None:
        named = (east.node,) if rule == "named" else ()
        others = (east,) if rule == "parties" else ()
        with undone():
            first = agreement_in_force(
                source, *others, clauses=(clause(onward=Onward(rule, named), tlp_max=most),)
            )
            lane = clause_lane(source, first)
            note(lane, tlp=tlp, persons=persons(tlp))
            is_here = lane.deliver()[-1] == DONE
            assert is_here == (tlp <= most)
            if not is_here:
                became["kept out here"] += 1
                assert served(east) == []
                return
            release = Release.objects.get()
            assert Tlp(release.tlp) == tlp
            agreement_in_force(east, clauses=(clause(tlp_max=most_on),))
            lets = rule != "none" and tlp <= Tlp.AMBER and (tlp < Tlp.AMBER or rule == "named")
            covers = tlp <= most_on or (rule == "parties" and tlp <= most)
            receivers = {each.party for each in preview_onward(release).receivers}
            assert receivers == ({east.node} if lets and covers else set())
            if not receivers:
                became["kept here"] += 1
                with pytest.raises(NobodyReceives):
                    share_onward(cast.analyst.actor, release)
                assert served(east) == []
                return
            share_onward(cast.analyst.actor, release)
            (header,) = served(east)
            assert (header.tlp, header.digest) == (tlp, lane.entries[-1].header.digest)
            assert chain.said_in(header.origin).tlp == tlp
            became[f"arrived {tlp.label}"] += 1

    examined()
    assert {each for each in became if each.startswith("arrived")} == {
        "arrived TLP:CLEAR",
        "arrived TLP:GREEN",
        "arrived TLP:AMBER",
    }
    assert sum(count for each, count in became.items() if each.startswith("arrived")) >= 15, became


def test_who_shares_it_on_under_another_marking_is_not_believed_and_nobody_is_served_that(
    cast: Cast, source: PartnerNode, via: PartnerNode, east: PartnerNode
) -> None:
    became = Counter[str]()

    @MANY
    @hypothesis.given(
        tlp=MARKINGS, claimed=st.none() | MARKINGS, rule=st.sampled_from(["named", "parties", "public"])
    )
    def examined(tlp: Tlp, claimed: Tlp | None, rule: str) -> None:
        said = tlp if claimed is None else claimed
        with undone():
            most = clause(
                tlp_max=Tlp.RED,
                onward=Onward(rule, (settings.BASE_URL, east.node) if rule == "named" else ()),
            )
            # all of them are parties: the source gives to the re-sharer, which gives to us, which give to the third
            common = agreement_in_force(source, via, east, clauses=(most,))
            there = elsewhere(source, agreement=digest_of(common), clause="1")
            first = note(there, tlp=tlp, persons=persons(tlp))
            lane = clause_lane(via, common)
            onward(lane, first, tlp=said, persons=persons(said))
            is_here = lane.deliver()[-1] == DONE
            if said != tlp:
                assert not is_here
                assert not Release.objects.filter(state="live").exists()
            if is_here:
                release = Release.objects.get()
                assert Tlp(release.tlp) == tlp
                if preview_onward(release).receivers:
                    share_onward(cast.analyst.actor, release)
            headers = served(east)
            assert all(header.tlp == tlp for header in headers)
            became["another marking" if said != tlp else f"arrived {tlp.label}" if headers else "kept"] += 1

    examined()
    assert became["another marking"] >= 20, became
    assert {"arrived TLP:CLEAR", "arrived TLP:GREEN", "arrived TLP:AMBER"} <= became.keys()
