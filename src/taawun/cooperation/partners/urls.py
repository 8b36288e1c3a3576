"""Addresses of the pages of partners, below the language."""

from django.urls import path

from taawun.cooperation.partners import views
from taawun.cooperation.partners.carried import views as carried_views
from taawun.cooperation.partners.restarts import views as restart_views

urlpatterns = [
    path("", views.partners, name="partners"),
    path("new/", views.add, name="partner-add"),
    path("<uuid:partner_id>/", views.partner, name="partner"),
    path("<uuid:partner_id>/ask/", views.ask, name="partner-ask"),
    path("keys/", views.own_keys, name="own-keys"),
    path("<uuid:partner_id>/quarantine/", views.quarantined, name="partner-quarantine"),
    path("<uuid:partner_id>/lanes/", views.partner_lanes, name="partner-lanes"),
    path("<uuid:partner_id>/lane-files/", carried_views.lane_files, name="partner-lane-files"),
    path("<uuid:partner_id>/lane-files/<uuid:lane_id>/", carried_views.lane_file, name="partner-lane-file"),
    path(
        "<uuid:partner_id>/lane-files/jobs/<uuid:job_id>/", carried_views.brought, name="partner-lane-brought"
    ),
    path("<uuid:partner_id>/verify/", views.verify, name="partner-verify"),
    path("<uuid:partner_id>/forget/", views.forget, name="partner-forget"),
    path("<uuid:partner_id>/give-up/", views.give_up, name="partner-give-up"),
    path("<uuid:partner_id>/follow/", views.follow_public, name="partner-follow"),
    path("<uuid:partner_id>/unfollow/", views.unfollow_public, name="partner-unfollow"),
    path("<uuid:partner_id>/block/", views.block, name="partner-block"),
    path("<uuid:partner_id>/proofs/", restart_views.proofs, name="partner-proofs"),
    path("<uuid:partner_id>/statement/", restart_views.statement, name="partner-statement"),
    path(
        "<uuid:partner_id>/lanes/<uuid:lane_id>/restart/", restart_views.propose, name="partner-lane-restart"
    ),
    path("restarts/<uuid:restart_id>/", restart_views.restart, name="partner-restart"),
    path("restarts/<uuid:restart_id>/answer/", restart_views.answer, name="partner-restart-answer"),
    path("restarts/<uuid:restart_id>/confirm/", restart_views.confirmed, name="partner-restart-confirm"),
    path("<uuid:partner_id>/unblock/", views.unblock, name="partner-unblock"),
]
