"""Starts the server under test: ``python -m tests.node.server.start SETTINGS``, the settings as JSON."""

import json
import sys

from taawun.node.server import BodyRules, ServerRefused, serve
from tests.node.server.application import limit_of

if __name__ == "__main__":
    settings = json.loads(sys.argv[1])
    bodies = BodyRules(limit_of=limit_of, **settings.pop("bodies", {}))
    try:
        serve("tests.node.server.application:application", bodies=bodies, **settings)
    except ServerRefused as refusal:
        sys.exit(f"{refusal.code}: {refusal}")
