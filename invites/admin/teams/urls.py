"""This room's pages below the Teams, so that the menu stays lit on "Team"."""

from __future__ import annotations

from django.contrib import admin
from django.urls import path

from invites.admin.teams import add_and_remove, archive, people, reseat

_view = admin.site.admin_view
_people = "<int:team_id>/people/"

urlpatterns = [
    path("archive/", _view(archive.archive), name="team_archive"),
    path("<path:object_id>/change/", _view(people.team_page)),  # the table's own page has the name
    path("reseat/", _view(reseat.reseat), name="team_reseat"),
    path(f"{_people}add/", _view(add_and_remove.add), name="team_people_add"),
    path(f"{_people}<int:member_id>/allow/", _view(add_and_remove.allow), name="team_person_allow"),
    path(f"{_people}held/<int:vacancy_id>/release/", _view(add_and_remove.release), name="team_place_release"),
    path(f"{_people}<int:member_id>/remove/", _view(add_and_remove.remove), name="team_person_remove"),
]
