"""Addresses of the node's own pages, below the language."""

from django.urls import path

from taawun.node.guide import guide
from taawun.node.home import home
from taawun.node.search_page import search
from taawun.platform.web.showcase import components

urlpatterns = [
    path("", home, name="home"),
    path("guide/", guide, name="guide"),
    path("search/", search, name="search"),
    path("components/", components, name="components"),
]
