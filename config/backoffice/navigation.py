"""The menu of the operator's site, by what the operator may see."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from guardian.models import Finding
from notifications.models import Message
from teampool.teams.badges import need_a_person


def navigation(request: HttpRequest) -> list[dict[str, Any]]:
    """Groups of menu items for the theme; an item shows its number unless it is 0."""
    may = request.user.has_perm
    overview = [_item(_("Overview"), "dashboard", "admin:index")]
    seats, invites, guardian, notices, system = [], [], [], [], []
    if may("invites.view_redemption"):
        overview.append(_item(_("Find a person"), "person_search", "admin:find"))
    if may("teampool.view_team"):
        seats.append(_item(_("Team"), "groups", "admin:teampool_team_changelist", number=need_a_person(timezone.now())))
    if may("teampool.add_importjob"):
        seats.append(_item(_("Import"), "upload", "admin:import_teams"))
    if may("teampool.view_owner"):
        seats.append(_item(_("Owners"), "key", "admin:teampool_owner_changelist"))
    if may("invites.add_codebatch"):
        invites.append(_item(_("New codes"), "add_card", "admin:new_codes"))
    if may("invites.view_redeemcode"):
        beside = "admin:invites_redeemcode_changelist"
        invites.append(_item(_("Codes"), "confirmation_number", "admin:invites_codebatch_changelist", beside))
    if may("invites.view_redemption"):
        invites.append(_item(_("Redemptions"), "how_to_reg", "admin:invites_redemption_changelist"))
    if may("guardian.view_finding"):
        asking = Finding.objects.asking().count()
        guardian.append(_item(_("Findings"), "person_alert", "admin:guardian_finding_changelist", number=asking))
    if may("guardian.view_sweep"):
        guardian.append(_item(_("Sweeps"), "radar", "admin:guardian_sweep_changelist"))
    if may("teampool.view_allowedmember"):
        guardian.append(_item(_("Allowed people"), "verified_user", "admin:teampool_allowedmember_changelist"))
    if may("notifications.view_message"):
        failed = Message.objects.filter(state=Message.State.FAILED).count()
        notices.append(
            _item(pgettext("menu", "Messages"), "outbox", "admin:notifications_message_changelist", number=failed)
        )
    if may("notifications.change_announcement"):
        notices.append(_item(_("Announcement"), "campaign", "admin:notifications_announcement_changelist"))
    if may("notifications.change_setting"):
        system.append(_item(_("Settings"), "settings", "admin:settings", "admin:teampool_apikey_changelist"))
    if may("notifications.view_auditevent"):
        system.append(_item(_("Audit"), "history", "admin:notifications_auditevent_changelist"))
    if request.user.is_superuser:
        system.append(_item(_("Operators"), "person", "admin:auth_user_changelist"))
        system.append(_item(_("Lockouts"), "lock", "admin:axes_accessattempt_changelist"))
    if may("django_q.view_schedule"):
        others = [f"admin:django_q_{model}_changelist" for model in ("ormq", "success", "failure")]
        system.append(_item(_("Jobs"), "schedule", "admin:django_q_schedule_changelist", *others))
    every = overview + seats + invites + guardian + notices + system
    for item in every:
        item["depth"] = max(
            (
                len(page)
                for page in item.pop("pages")
                if request.path == page or (page != overview[0]["link"] and request.path.startswith(page))
            ),
            default=0,
        )
    # Only one item is lit: the page "New codes" lies below the address of "Codes".
    deepest = max(item["depth"] for item in every)
    for item in every:
        item["active"] = 0 < deepest == item.pop("depth")
    groups = [
        ("", overview),
        (_("Seats"), seats),
        (_("Invites"), invites),
        (pgettext("menu", "Guardian"), guardian),
        (_("Notices"), notices),
        (_("System"), system),
    ]
    return [{"title": title, "items": items} for title, items in groups if items]


def _item(title: str, icon: str, view: str, *beside: str, number: int = 0) -> dict[str, Any]:
    """A menu item, lit on the pages of its view and of the views `beside` it, and below them."""
    pages = [reverse(name) for name in (view, *beside)]
    item: dict[str, Any] = {"title": title, "icon": icon, "link": pages[0], "pages": pages}
    if number:
        item["badge"] = str(number)
    return item
