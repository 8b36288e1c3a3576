"""Addresses of the pages of intelligence, below the language."""

from django.urls import path

from taawun.capabilities.intel import views

urlpatterns = [
    path("", views.reports, name="reports"),
    path("reports/new/", views.report_new, name="report-new"),
    path("reports/<uuid:report_id>/", views.report, name="report"),
    path("reports/<uuid:report_id>/edit/", views.report_edit, name="report-edit"),
    path("reports/<uuid:report_id>/publish/", views.report_publish, name="report-publish"),
    path("reports/<uuid:report_id>/withdraw/", views.report_withdraw, name="report-withdraw"),
    path("reports/<uuid:report_id>/bundle/", views.report_bundle, name="report-bundle"),
    path("reports/<uuid:report_id>/picture/", views.report_picture, name="report-picture"),
    path("objects/", views.objects, name="objects"),
    path("objects/<str:stix_id>/", views.object_page, name="object"),
    path("objects/<str:stix_id>/picture/", views.object_picture, name="object-picture"),
    path("objects/<str:stix_id>/download/", views.object_download, name="object-download"),
    path("objects/<str:stix_id>/sighting/", views.sighting_new, name="sighting-new"),
    path("objects/<str:stix_id>/count/", views.sighting_count, name="sighting-count"),
    path("objects/<str:stix_id>/sighting/<uuid:sighting_id>/", views.sighting_told, name="sighting-told"),
    path("imports/", views.imports, name="imports"),
    path("imports/new/", views.import_new, name="import-new"),
    path("imports/<uuid:import_id>/", views.import_page, name="import"),
]
