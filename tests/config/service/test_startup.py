"""At its start `up` takes the data from other users of the machine."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.db import connection

from config.service import startup


def said() -> list[str]:
    lines: list[str] = []
    startup.close_to_others(lines.append)
    return lines


@pytest.fixture
def folder(tmp_path: Path, settings, monkeypatch: pytest.MonkeyPatch) -> Path:
    settings.DATA_DIR = tmp_path
    monkeypatch.setitem(connection.settings_dict, "NAME", str(tmp_path / "seatkeeper.sqlite3"))
    return tmp_path


def test_an_open_folder_and_database_are_closed(folder: Path) -> None:
    folder.chmod(0o755)
    names = ["seatkeeper.sqlite3", "seatkeeper.sqlite3-wal"] if connection.vendor == "sqlite" else []
    for name in names:
        (folder / name).touch()
        (folder / name).chmod(0o664)
    lines = said()
    assert folder.stat().st_mode & 0o777 == 0o700
    assert [(folder / name).stat().st_mode & 0o777 for name in names] == [0o600] * len(names)
    assert len(lines) == 1 + len(names)
    assert f"Closed {folder} to other users of this machine." in lines


def test_what_is_closed_stays_and_nothing_is_said(folder: Path) -> None:
    folder.chmod(0o700)
    assert said() == []


def test_what_is_not_there_is_passed_over(folder: Path, settings) -> None:
    settings.DATA_DIR = folder / "missing"
    assert said() == []
