from __future__ import annotations

from tests.config.house import House


class TestHouse:
    def test_what_its_caller_says_wins(self, tmp_path):
        house = House(tmp_path / "data", {"WORKERS": "7", "HEARTBEAT_LIMIT": "60"})
        assert (house.env["WORKERS"], house.env["HEARTBEAT_LIMIT"]) == ("7", "60")
        assert house.env["STOP_GRACE"] == "4"

    def test_its_folder_is_its_own(self, tmp_path):
        assert House(tmp_path / "data", {"DATA_DIR": "/elsewhere"}).env["DATA_DIR"] == str(tmp_path / "data")
