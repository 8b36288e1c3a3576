"""Addresses of the help, below the language."""

from django.urls import path

from taawun.platform.web import help_pages

urlpatterns = [
    path("", help_pages.topics, name="help"),
    path("<slug:name>/", help_pages.topic, name="help-topic"),
]
