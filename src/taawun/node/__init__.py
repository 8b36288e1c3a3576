"""Composes the node: settings, addresses, server, commands."""
