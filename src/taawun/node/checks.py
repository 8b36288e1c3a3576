"""What must hold between rooms that know nothing of each other; checked before the node is started.

A room that breaks one of these would silently take something from another, or lead nowhere.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from types import ModuleType
from typing import Any

from django.core.checks import CheckMessage, Error, register
from django.urls import NoReverseMatch, URLPattern, URLResolver, get_resolver, reverse

from taawun.platform.registry import registry
from taawun.platform.web.navigation import NavigationEntry

__all__ = ["address_names", "navigation", "schema_names"]


@register
def address_names(app_configs: object = None, **_arguments: object) -> list[CheckMessage]:
    """Every name of an address is given once: of two, one would take over every link to the other."""
    del app_configs
    owners: dict[str, str] = {}
    found: list[CheckMessage] = []
    for name, module in _named(get_resolver().url_patterns, get_resolver().urlconf_module, ""):
        if name in owners:
            both = f"{owners[name]} and {module}" if owners[name] != module else f"{module}, twice,"
            found.append(
                Error(
                    f"The address name {name!r} is given by {both}: links to one would lead to the other.",
                    hint="Give one of them a name that says what it is of, such as 'event-reports'.",
                    id="taawun.E001",
                )
            )
        owners.setdefault(name, module)
    return found


@register
def navigation(app_configs: object = None, **_arguments: object) -> list[CheckMessage]:
    """Every entry of the navigation leads to a page."""
    del app_configs
    found: list[CheckMessage] = []
    for entry in registry.all(NavigationEntry):
        try:
            reverse(entry.url_name)
        except NoReverseMatch:
            found.append(
                Error(
                    f"The navigation entry {entry.name!r} leads to {entry.url_name!r}, which is no address.",
                    hint="Name an address without arguments, and register its room's Pages in the same apps.py.",
                    id="taawun.E002",
                )
            )
    return found


@register
def schema_names(app_configs: object = None, **_arguments: object) -> list[CheckMessage]:
    """Every schema of the machine interface has a name of its own."""
    from taawun.node.api import api  # noqa: PLC0415 - the rooms' modules can be imported only once Django is up

    del app_configs
    return [Error(sentence, id="taawun.E003") for sentence in api.clashes()]


def _named(patterns: Sequence[Any], module: object, space: str) -> Iterator[tuple[str, str]]:
    """Every name of an address with its namespace, and the module that gives it."""
    for each in patterns:
        if isinstance(each, URLPattern) and each.name:
            yield space + each.name, _name_of(module)
        elif isinstance(each, URLResolver):
            inner = each.urlconf_module
            below = f"{space}{each.namespace}:" if each.namespace else space
            # a list of addresses, as i18n_patterns makes, is of the module it stands in
            yield from _named(each.url_patterns, inner if isinstance(inner, ModuleType) else module, below)


def _name_of(module: object) -> str:
    return module.__name__ if isinstance(module, ModuleType) else str(module)
