"""Addresses of signing in and out and of one's own keys: those of allauth that a node uses, and no others.

Left out are those that change or confirm e-mail addresses (an address comes from the invitation that reached it, so
nobody claims one) and signing in by a code that is mailed. Signing up stays, as the page that says who invites.
"""

from allauth.account import views
from django.urls import include, path, re_path

from taawun.cooperation.people.views import sign_in

urlpatterns = [
    path("login/", views.login, name="account_login"),
    path("logout/", views.logout, name="account_logout"),
    path("inactive/", views.account_inactive, name="account_inactive"),
    path("signup/", views.signup, name="account_signup"),
    path("reauthenticate/", views.reauthenticate, name="account_reauthenticate"),
    path("password/change/", views.password_change, name="account_change_password"),
    # where the one above leads whoever has none
    path("password/set/", views.password_set, name="account_set_password"),
    path("password/reset/", views.password_reset, name="account_reset_password"),
    path("password/reset/done/", views.password_reset_done, name="account_reset_password_done"),
    path(
        "password/reset/key/done/",
        views.password_reset_from_key_done,
        name="account_reset_password_from_key_done",
    ),
    re_path(
        r"^password/reset/key/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)/$",
        views.password_reset_from_key,
        name="account_reset_password_from_key",
    ),
    # by an organisation's own provider
    path("sign-in/<uuid:provider_id>/", sign_in.go_to_provider, name="provider-go"),
    path("sign-in/<uuid:provider_id>/back/", sign_in.come_back, name="provider-back"),
    path("sign-in/<uuid:provider_id>/answer/", sign_in.take_answer, name="provider-answer"),
    path("sign-in/<uuid:provider_id>/metadata/", sign_in.tell_metadata, name="provider-metadata"),
    path("2fa/", include("allauth.mfa.urls")),
]
