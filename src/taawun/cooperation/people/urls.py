"""Addresses of people's pages, below the language."""

from django.urls import path

from taawun.cooperation.people import views

urlpatterns = [
    path("", views.people, name="people"),
    path("permissions/", views.permissions, name="permissions"),
    path("providers/", views.providers, name="providers"),
    path("providers/new/", views.add_provider, name="provider-new"),
    path("providers/<uuid:provider_id>/", views.change_provider, name="provider"),
    path("providers/<uuid:provider_id>/remove/", views.remove_provider, name="provider-remove"),
    path("organisations/", views.organisations, name="organisations"),
    path("organisations/new/", views.add_organisation, name="organisation-new"),
    path("organisations/<uuid:organisation_id>/", views.organisation, name="organisation"),
    path(
        "organisations/<uuid:organisation_id>/change/", views.change_organisation, name="organisation-change"
    ),
    path("organisations/<uuid:organisation_id>/contacts/new/", views.add_contact, name="contact-new"),
    path("contacts/<uuid:contact_id>/", views.change_contact, name="contact"),
    path("contacts/<uuid:contact_id>/test/", views.test_contact, name="contact-test"),
    path("contacts/<uuid:contact_id>/remove/", views.remove_contact, name="contact-remove"),
    path("nations/", views.nations, name="nations"),
    path("nations/<str:code>/", views.nation, name="nation"),
    path("communities/", views.communities, name="communities"),
    path("communities/new/", views.add_community, name="community-new"),
    path("communities/shipped/", views.add_shipped, name="community-shipped"),
    path("communities/<uuid:community_id>/", views.community, name="community"),
    path("communities/<uuid:community_id>/name/", views.rename_community, name="community-rename"),
    path("communities/<uuid:community_id>/import/", views.import_roll, name="community-import"),
    path("communities/<uuid:community_id>/spans/new/", views.begin_span, name="span-new"),
    path("communities/<uuid:community_id>/spans/<uuid:span_id>/end/", views.end_span, name="span-end"),
    path(
        "communities/<uuid:community_id>/spans/<uuid:span_id>/strike/", views.strike_span, name="span-strike"
    ),
    path("profile/", views.profile, name="profile"),
    path("profile/notifications/", views.notifications, name="notifications"),
    path("notifications/stop/<str:mark>/", views.stop_notifications, name="notifications-stop"),
    path("unsent/", views.unsent_form, name="unsent"),
    path("tokens/", views.tokens, name="tokens"),
    path("tokens/revoke/", views.revoke_tokens, name="tokens-revoke"),
    path("tokens/<uuid:token_id>/revoke/", views.revoke_token, name="token-revoke"),
    path("invitations/", views.invitations, name="invitations"),
    path("invitations/new/", views.invite, name="invite"),
    path("invitations/revoke/", views.revoke_invitations, name="invitations-revoke"),
    path("invitations/<uuid:invitation_id>/link/", views.invited, name="invited"),
    path("invitations/<uuid:invitation_id>/revoke/", views.revoke_invitation, name="invitation-revoke"),
    path("invitations/<str:secret>/", views.accept, name="invitation-accept"),
    path("roles/<int:membership_id>/take/", views.take_role, name="role-take"),
    path("<uuid:person_id>/", views.person, name="person"),
    path("<uuid:person_id>/new-password/", views.new_password, name="new-password"),
    path("<uuid:person_id>/new-password/link/", views.new_password_link, name="new-password-link"),
    path("<uuid:person_id>/roles/", views.give_role, name="role-give"),
    path("<uuid:person_id>/disable/", views.disable, name="person-disable"),
    path("<uuid:person_id>/enable/", views.enable, name="person-enable"),
    path("<uuid:person_id>/organisations/<uuid:organisation_id>/", views.change_roles, name="person-roles"),
    path("<uuid:person_id>/organisations/<uuid:organisation_id>/leave/", views.leave, name="person-leave"),
    path("<uuid:person_id>/organisations/<uuid:organisation_id>/move/", views.move, name="person-move"),
]
