from __future__ import annotations

import os
from pathlib import Path

import pytest

from config.service import static_files


@pytest.fixture
def source(tmp_path: Path, settings) -> Path:
    """One static file of ours, and a folder of this test's own to collect into."""
    folder = tmp_path / "source"
    folder.mkdir()
    (folder / "page.css").write_text("a { color: red }")
    settings.STATICFILES_DIRS, settings.STATIC_ROOT = [folder], tmp_path / "collected"
    settings.STATICFILES_FINDERS = ["django.contrib.staticfiles.finders.FileSystemFinder"]
    return folder / "page.css"


def change(source: Path) -> None:
    """As a new version of it would be: later, too, for Django copies only what is."""
    source.write_text("a { color: green }")
    later = source.stat().st_mtime + 10
    os.utime(source, (later, later))


def collected(settings) -> Path:
    return Path(settings.STATIC_ROOT) / "page.css"


def test_what_is_made_of_the_same_files_is_not_written_anew(source, settings):
    """Whoever serves it at this moment would send half a file."""
    assert static_files.collect()
    collected(settings).write_text("as it stands there")
    assert not static_files.collect()
    assert collected(settings).read_text() == "as it stands there"


def test_a_changed_file_is_collected(source, settings):
    assert static_files.collect()
    change(source)
    assert static_files.collect()
    assert collected(settings).read_text() == "a { color: green }"


def test_a_file_that_came_later_is_collected(source, settings):
    assert static_files.collect()
    (source.parent / "more.css").write_text("b {}")
    assert static_files.collect()
    assert (Path(settings.STATIC_ROOT) / "more.css").exists()


def test_a_collection_that_was_cut_off_is_made_again(source, settings, monkeypatch):
    def killed(*_args: object, **_options: object) -> None:
        raise KeyboardInterrupt

    assert static_files.collect()
    change(source)
    with monkeypatch.context() as patch:
        patch.setattr(static_files, "call_command", killed)
        with pytest.raises(KeyboardInterrupt):
            static_files.collect()
    assert static_files.collect()
    assert collected(settings).read_text() == "a { color: green }"
