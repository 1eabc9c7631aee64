"""The files a deployment starts from: what must be in them, and that what they leave out is not missed."""

from __future__ import annotations

import configparser
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.conf import settings

ROOT = Path(settings.BASE_DIR)
UNITS = sorted((ROOT / "deploy").glob("*.service"), key=lambda path: path.stem)


@pytest.fixture
def compose() -> dict[str, Any]:
    return yaml.safe_load((ROOT / "compose.yaml").read_text())


def instructions() -> list[tuple[str, str]]:
    """The Dockerfile's, continued lines joined."""
    text = (ROOT / "Dockerfile").read_text().replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [(line.partition(" ")[0], line.partition(" ")[2].strip()) for line in lines]


class TestDockerfile:
    def test_it_copies_by_name_and_no_secret(self):
        copied = [rest.split()[0] for name, rest in instructions() if name == "COPY"]
        assert "." not in copied
        assert not any(path.startswith((".env", "var")) for path in copied)
        # Every path it copies is let through to it, and nothing else is.
        let_through = re.findall(r"^!(.+)$", (ROOT / ".dockerignore").read_text(), re.MULTILINE)
        assert sorted(let_through) == sorted(copied)
        assert not any(name in ("ARG", "ENV") and re.search("KEY|PASSWORD", rest) for name, rest in instructions())

    def test_it_does_not_run_as_root(self):
        names = [name for name, _rest in instructions()]
        assert names.index("USER") < names.index("CMD")
        assert ("USER", "seatkeeper") in instructions()

    def test_it_tells_whether_it_is_well(self):
        assert any(name == "HEALTHCHECK" and "/healthz" in rest for name, rest in instructions())

    def test_what_it_copies_is_all_the_product_needs(self, tmp_path):
        house, data = tmp_path / "app", tmp_path / "data"
        house.mkdir()
        for name, rest in instructions():
            if name == "COPY":
                source = ROOT / rest.split()[0]
                (shutil.copytree if source.is_dir() else shutil.copy)(source, house / source.name)
        env = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"} | {
            "DATA_DIR": str(data),
            "DATABASE_URL": f"sqlite:///{data}/x.sqlite3",
        }
        for command in (
            ["collectstatic", "--no-input", "--verbosity", "0"],
            ["migrate", "--verbosity", "0"],
            ["check"],
        ):
            done = subprocess.run(
                [sys.executable, "manage.py", *command], cwd=house, env=env, capture_output=True, text=True, check=False
            )
            assert done.returncode == 0, done.stderr
        assert (house / "staticfiles" / "staticfiles.json").exists()


class TestCompose:
    def test_each_of_our_containers_stops_in_order_and_holds_no_secret(self, compose):
        ours = {name: one for name, one in compose["services"].items() if one.get("image") == "seatkeeper"}
        assert set(ours) == {"web", "worker"}
        for one in ours.values():
            assert one["init"] is True
            assert float(one["stop_grace_period"].removesuffix("s")) > settings.STOP_GRACE + 5
            assert {"SECRET_KEY", "ENCRYPTION_KEYS"}.isdisjoint(one["environment"])
            assert "${POSTGRES_PASSWORD:?" in one["environment"]["DATABASE_URL"]
            assert one["environment"]["TRUSTED_PROXY_COUNT"] == "1"

    def test_only_the_proxy_is_reached_from_outside(self, compose):
        assert [name for name, one in compose["services"].items() if "ports" in one] == ["proxy"]

    def test_there_are_connections_for_all(self, compose):
        most = int(re.search(r"max_connections=(\d+)", " ".join(compose["services"]["db"]["command"])).group(1))
        containers = 1 + compose["services"]["worker"]["deploy"]["replicas"]
        assert most >= 40 * containers + 20

    def test_the_commands_are_ones_there_are(self, compose):
        from config.management.commands.up import Command

        parser = Command().create_parser("manage.py", "up")
        for name in ("web", "worker"):
            words = compose["services"][name]["command"]
            assert words[:3] == ["python", "manage.py", "up"]
            assert parser.parse_args(words[3:]).only == name


class TestUnits:
    @pytest.mark.parametrize("path", UNITS, ids=lambda path: path.stem)
    def test_it_signals_up_alone_and_waits_for_it(self, path):
        unit = configparser.ConfigParser(strict=False, interpolation=None)
        unit.optionxform = str
        unit.read(path)
        service = unit["Service"]
        assert service["KillMode"] == "mixed"
        assert float(service["TimeoutStopSec"]) > settings.STOP_GRACE + 5
        assert service["User"] == "seatkeeper"
        assert " manage.py up" in service["ExecStart"]
        assert service["Restart"] == "always"

    def test_there_are_three(self):
        assert [path.stem for path in UNITS] == ["seatkeeper", "seatkeeper-web", "seatkeeper-worker"]

    def test_two_on_one_machine_have_a_folder_each(self):
        folders = [re.search(r"DATA_DIR=(\S+)", path.read_text()).group(1) for path in UNITS[1:]]
        assert len(set(folders)) == 2


class TestProxies:
    def test_an_import_fits_through(self):
        assert "client_max_body_size 22m" in (ROOT / "deploy" / "nginx.conf").read_text()
        assert "max_size 22MB" in (ROOT / "deploy" / "Caddyfile").read_text()

    def test_nginx_hands_on_who_asks_and_how(self):
        text = (ROOT / "deploy" / "nginx.conf").read_text()
        for header in ("Host ", "X-Forwarded-For ", "X-Forwarded-Proto "):
            assert f"proxy_set_header {header}" in text
