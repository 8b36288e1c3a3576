"""The page of components: each of them once, in the language and theme of whoever looks.

For those who build pages, and for the test that compares it with its picture. Everything it says is invented.
"""

from taawun.platform.web.showcase.views import components

__all__ = ["components"]
