"""Address of the notices, below the language."""

from django.urls import path

from taawun.platform.notices import views

urlpatterns = [path("", views.notices, name="notices")]
