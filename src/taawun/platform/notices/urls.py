"""Addresses of the notices, below the language."""

from django.urls import path

from taawun.platform.notices import views

urlpatterns = [
    path("", views.notices, name="notices"),
    path("history/", views.history, name="notices-history"),
    path("<uuid:notice_id>/reopen/", views.reopen_notice, name="notice-reopen"),
    path("resolve/", views.resolve_notices, name="notices-resolve"),
    path("<uuid:notice_id>/resolve/", views.resolve_notice, name="notice-resolve"),
]
