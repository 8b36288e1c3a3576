"""Addresses of the pages of agreements, below the language."""

from django.urls import path

from taawun.cooperation.agreements import views

urlpatterns = [
    path("", views.agreements, name="agreements"),
    path("new/", views.new, name="agreement-new"),
    path("templates/", views.templates, name="agreement-templates"),
    path("templates/<slug:name>/", views.template, name="agreement-template"),
    path("<uuid:agreement_id>/", views.agreement, name="agreement"),
    path("<uuid:agreement_id>/edit/", views.edit, name="agreement-edit"),
    path("<uuid:agreement_id>/propose/", views.propose, name="agreement-propose"),
    path("<uuid:agreement_id>/counter/", views.counter, name="agreement-counter"),
    path("<uuid:agreement_id>/adopt/<uuid:instrument_id>/", views.adopt, name="agreement-adopt"),
    path("<uuid:agreement_id>/turn-down/<uuid:instrument_id>/", views.turn_down, name="agreement-turn-down"),
    path("<uuid:agreement_id>/discard/", views.discard, name="agreement-discard"),
    path("<uuid:agreement_id>/decline/", views.decline, name="agreement-decline"),
    path("<uuid:agreement_id>/suspend/", views.suspend, name="agreement-suspend"),
    path("<uuid:agreement_id>/resume/", views.resume, name="agreement-resume"),
    path("<uuid:agreement_id>/terminate/", views.terminate, name="agreement-terminate"),
    path("<uuid:agreement_id>/invite/", views.invite, name="agreement-invite"),
    path("<uuid:agreement_id>/newcomers/<str:ref>/", views.confirm_newcomer, name="agreement-newcomer"),
    path(
        "<uuid:agreement_id>/newcomers/<str:ref>/take-back/",
        views.take_back_newcomer,
        name="agreement-newcomer-back",
    ),
    path("<uuid:agreement_id>/leave/", views.leave, name="agreement-leave"),
    path("<uuid:agreement_id>/declare/", views.declare, name="agreement-declare"),
    path("<uuid:agreement_id>/lift/<uuid:instrument_id>/", views.lift, name="agreement-lift"),
    path("<uuid:agreement_id>/versions/<int:number>/ratify/", views.ratify, name="agreement-ratify"),
    path("<uuid:agreement_id>/versions/<int:number>/accede/", views.accede, name="agreement-accede"),
    path("<uuid:agreement_id>/scan/", views.scan, name="agreement-scan"),
    path("<uuid:agreement_id>/scan/<slug:digest>/", views.scan_file, name="agreement-scan-file"),
    path("<uuid:agreement_id>/compare/", views.compare, name="agreement-compare"),
    path("<uuid:agreement_id>/versions/<int:number>/", views.version, name="agreement-version"),
    path("<uuid:agreement_id>/versions/<int:number>/paper/", views.paper, name="agreement-paper"),
    path("<uuid:agreement_id>/draft/parties/", views.draft_parties, name="agreement-draft-parties"),
    path("<uuid:agreement_id>/draft/scan/", views.draft_scan, name="agreement-draft-scan"),
    path("<uuid:agreement_id>/draft/paper/", views.draft_paper, name="agreement-draft-paper"),
    path("<uuid:agreement_id>/versions/<int:number>/approve/", views.approve, name="agreement-approve"),
]
