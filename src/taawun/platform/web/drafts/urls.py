"""Addresses of what is kept of forms that were not sent, below the language."""

from django.urls import path

from taawun.platform.web.drafts import views

urlpatterns = [
    path("", views.keep_draft, name="draft-keep"),
    path("discard/", views.discard_draft, name="draft-discard"),
]
