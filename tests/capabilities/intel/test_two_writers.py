"""Two imports of the same objects at once, on whichever database the tests run."""

from __future__ import annotations

import threading

import pytest
from django.db import connection

from taawun.capabilities.intel import actions
from taawun.capabilities.intel.models import Import, Source, StixObject
from taawun.foundation.tlp import Tlp
from tests.capabilities.intel.factories import SYSTEM, Silent, indicator
from tests.capabilities.intel.stix.examples import bundle
from tests.cast import establish_node


@pytest.mark.django_db(transaction=True)
def test_two_imports_of_the_same_objects_at_once_store_each_once() -> None:
    establish_node()
    objects = [indicator(number) for number in range(1, 2001)]
    orders = (objects, objects[::-1], objects[1000:] + objects[:1000])
    held = [
        actions.begin_import(SYSTEM, bundle(*order), name="file", default_tlp=Tlp.CLEAR) for order in orders
    ]
    problems: list[Exception] = []

    def take_in(imported: Import) -> None:
        try:
            actions.run_import(Silent(), str(imported.id))
        except Exception as problem:  # noqa: BLE001 - a thread's fault is told in the test's own
            problems.append(problem)
        finally:
            connection.close()

    threads = [threading.Thread(target=take_in, args=(each,)) for each in held]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []
    assert StixObject.objects.filter(is_current=True).count() == StixObject.objects.count() == 2000
    assert Source.objects.count() == 6000
    counts = [Import.objects.get(id=each.id).counts for each in held]
    assert sum(each["new"] for each in counts) == 2000
    assert sum(each["known"] for each in counts) == 4000
