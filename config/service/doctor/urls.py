"""The address of the system check. `OperatorSite` includes it late, when all tables are registered."""

from __future__ import annotations

from django.contrib import admin
from django.urls import path

from config.service.doctor.page import doctor_page

urlpatterns = [path("", admin.site.admin_view(doctor_page), name="doctor")]
