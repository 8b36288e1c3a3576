"""Addresses of the pages of releases, below the language."""

from django.urls import path

from taawun.cooperation.federation import views

urlpatterns = [
    path("", views.releases, name="releases"),
    path("who-would-receive/", views.who_would_receive, name="who-would-receive"),
    path("<uuid:release_id>/", views.release, name="release"),
]
