"""The verbs on releases: publish and withdraw. Nothing leaves a node by another way."""

from taawun.cooperation.federation.actions.publishing import Draft, publish, urn
from taawun.cooperation.federation.actions.withdrawing import withdraw

__all__ = ["Draft", "publish", "urn", "withdraw"]
