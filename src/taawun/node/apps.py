"""Django app of the node itself: what composes the rooms."""

from django.apps import AppConfig


class NodeConfig(AppConfig):
    """Home, search and the commands."""

    name = "taawun.node"
    label = "node"
    verbose_name = "Node"
