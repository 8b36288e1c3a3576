"""Addresses of the audit trail, below the language."""

from django.urls import path

from taawun.platform.audit import views

urlpatterns = [path("", views.trail, name="audit"), path("chain/", views.check_chain, name="audit-chain")]
