"""Is the process alive, and may it be sent requests?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import Error, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpResponse
from django.views.decorators.http import require_safe

from taawun.cooperation.partners.errors import KeyUnusable
from taawun.cooperation.partners.identity.keys import node_key
from taawun.cooperation.people.models import Organisation
from taawun.cooperation.people.queries import host

if TYPE_CHECKING:
    from django.http import HttpRequest

__all__ = ["healthz", "readyz"]


@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """``/healthz``: the process answers. It looks at nothing else, so that a slow database restarts nobody."""
    del request
    return HttpResponse("ok\n", content_type="text/plain")


@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    """``/readyz``: database, migrations, organisation and key are there; 503 with the first that is not."""
    del request
    problem = _problem()
    return HttpResponse(f"{problem or 'ok'}\n", content_type="text/plain", status=503 if problem else 200)


def _problem() -> str:
    try:
        executor = MigrationExecutor(connection)
        if executor.migration_plan(executor.loader.graph.leaf_nodes()):
            return "the database is older than the program: run `taawun up`, or migrations"
        host()
        node_key()
    except Error:
        return "the database does not answer"
    except Organisation.DoesNotExist:
        return "there is no node here yet: run `taawun init`"
    except KeyUnusable:
        # where it should be is for the log of whoever started the node, and not for everybody who asks
        return "the node's key is missing or cannot be used"
    return ""
