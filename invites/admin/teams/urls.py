"""The pages of this room below the Teams, a part of the operator's site: the menu stays lit on them."""

from __future__ import annotations

from django.contrib import admin
from django.urls import path

from invites.admin.teams import add_and_remove, archive, people, reseat

_view = admin.site.admin_view
_people = "<int:team_id>/people/"

urlpatterns = [
    path("archive/", _view(archive.archive), name="team_archive"),
    path("<path:object_id>/change/", _view(people.team_page)),  # by the name the table gives it
    path("reseat/", _view(reseat.reseat), name="team_reseat"),
    path(f"{_people}add/", _view(add_and_remove.add), name="team_people_add"),
    path(f"{_people}<int:member_id>/allow/", _view(add_and_remove.allow), name="team_person_allow"),
    path(f"{_people}<int:member_id>/remove/", _view(add_and_remove.remove), name="team_person_remove"),
]
