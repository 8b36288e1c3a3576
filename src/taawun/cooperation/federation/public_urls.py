"""The page that anybody may read, below the language."""

from django.urls import path

from taawun.cooperation.federation import views

urlpatterns = [path("", views.public_releases, name="public")]
