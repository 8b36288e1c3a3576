"""Addresses of the federation protocol (docs/protocol.md)."""

from django.urls import path

from taawun.cooperation.partners.exchange import serving
from taawun.cooperation.partners.restored import views as held_views

urlpatterns = [
    path(".well-known/taawun", serving.descriptor, name="descriptor"),
    path("federation/lanes", serving.lane_list, name="federation-lanes"),
    path("federation/lanes/<uuid:lane_id>", serving.lane, name="federation-lane"),
    path("federation/blobs/<str:digest>", serving.blob, name="federation-blob"),
    path("federation/public", serving.public, name="federation-public"),
    path("federation/public/<str:digest>", serving.public_blob, name="federation-public-blob"),
    path("federation/held", held_views.listing, name="federation-held"),
    path("federation/held/<uuid:lane_id>", held_views.lane, name="federation-held-lane"),
    path("federation/held/<uuid:lane_id>/<str:digest>", held_views.blob, name="federation-held-blob"),
    path("federation/inbox", serving.inbox, name="federation-inbox"),
]
