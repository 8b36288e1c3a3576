"""Addresses of the pages of releases, below the language."""

from django.urls import path

from taawun.cooperation.federation import views

urlpatterns = [
    path("", views.releases, name="releases"),
    path("received/", views.received, name="received"),
    path("ledger/", views.ledger, name="ledger"),
    path("who-would-receive/", views.who_would_receive, name="who-would-receive"),
    path("duties/<uuid:agreement_id>/", views.agreement_duties, name="agreement-duties"),
    path("guests/", views.guests, name="guests"),
    path("guests/tokens/", views.guest_tokens, name="guest-tokens"),
    path("guests/tokens/new/", views.new_guest_token, name="guest-token-new"),
    path("guests/tokens/<uuid:token_id>/revoke/", views.revoke_guest_token, name="guest-token-revoke"),
    path("public/", views.public_again, name="public-again"),
    path("<uuid:release_id>/", views.release, name="release"),
    path("<uuid:release_id>/public/", views.release_public, name="release-public"),
    path("<uuid:release_id>/onward/", views.onward_share, name="release-onward"),
    path("<uuid:release_id>/onward/withdraw/", views.onward_withdraw, name="release-onward-withdraw"),
]
