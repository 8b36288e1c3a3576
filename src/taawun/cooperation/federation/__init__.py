"""Releases over lanes: publish, receive, receipts, withdrawal."""
