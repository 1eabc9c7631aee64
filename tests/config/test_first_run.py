"""The first start: secrets nobody had to invent, written once and never over what is there."""

from __future__ import annotations

import stat

import environ

from config import first_run
from config.secrets import check_secrets


def read(path) -> dict[str, str]:
    """The file as the settings read it."""
    lines = [line for line in path.read_text().splitlines() if line and not line.startswith("#")]
    return dict(line.split("=", 1) for line in lines)


class TestWriteEnv:
    def test_its_secrets_are_accepted(self, tmp_path):
        assert first_run.write_env(tmp_path / ".env")
        values = read(tmp_path / ".env")
        check_secrets(secret_key=values["SECRET_KEY"], encryption_keys=[values["ENCRYPTION_KEYS"]], debug=False)
        assert values["SECURE_COOKIES"] == "off"

    def test_the_settings_read_back_what_it_wrote(self, tmp_path, monkeypatch):
        first_run.write_env(tmp_path / ".env")
        for name in ("SECRET_KEY", "ENCRYPTION_KEYS"):
            monkeypatch.delenv(name)
        env = environ.Env()
        env.read_env(tmp_path / ".env")
        assert {name: env.str(name) for name in ("SECRET_KEY", "ENCRYPTION_KEYS")}.items() <= read(
            tmp_path / ".env"
        ).items()

    def test_only_its_owner_can_read_it(self, tmp_path):
        first_run.write_env(tmp_path / ".env")
        assert stat.S_IMODE((tmp_path / ".env").stat().st_mode) == 0o600

    def test_it_never_overwrites(self, tmp_path):
        (tmp_path / ".env").write_text("SECRET_KEY=mine\n")
        assert not first_run.write_env(tmp_path / ".env")
        assert (tmp_path / ".env").read_text() == "SECRET_KEY=mine\n"
        assert [entry.name for entry in tmp_path.iterdir()] == [".env"]

    def test_two_installations_share_nothing(self, tmp_path):
        first_run.write_env(tmp_path / "a")
        first_run.write_env(tmp_path / "b")
        assert set(read(tmp_path / "a").values()) & set(read(tmp_path / "b").values()) == {"off"}


class TestMain:
    def test_it_writes_and_says_where(self, monkeypatch, capsys):
        monkeypatch.setattr(first_run, "write_env", lambda: True)
        monkeypatch.delenv("SECRET_KEY")
        first_run.main([])
        assert str(first_run.ENV_FILE) in capsys.readouterr().out

    def test_secrets_from_outside_need_no_file(self, monkeypatch, capsys):
        monkeypatch.setattr(first_run, "write_env", lambda: 1 / 0)
        first_run.main([])
        assert capsys.readouterr().out == ""

    def test_throwaway_secrets_fit_an_environment_and_leave_no_file(self, monkeypatch, capsys):
        monkeypatch.setattr(first_run, "write_env", lambda: 1 / 0)
        first_run.main(["--throwaway"])
        words = capsys.readouterr().out.split()
        values = dict(word.split("=", 1) for word in words)
        check_secrets(secret_key=values["SECRET_KEY"], encryption_keys=[values["ENCRYPTION_KEYS"]], debug=False)
