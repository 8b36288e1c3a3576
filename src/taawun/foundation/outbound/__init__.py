"""Calling other machines safely: the one way out of a node."""

from taawun.foundation.outbound.client import Answer, Outbound
from taawun.foundation.outbound.errors import OutboundFailed, OutboundRefused
from taawun.foundation.outbound.network import Pace, Resolver, system_resolver

__all__ = ["Answer", "Outbound", "OutboundFailed", "OutboundRefused", "Pace", "Resolver", "system_resolver"]
