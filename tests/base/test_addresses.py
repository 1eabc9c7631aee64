"""Addresses as proxies write them, and the network they count as."""

from __future__ import annotations

import pytest
from django.core.cache import cache
from django.test import RequestFactory

from base.actors import UNREADABLE_PROXY, client_ip
from base.addresses import network, read

WRITTEN = [
    ("203.0.113.7", "203.0.113.7"),
    (" 203.0.113.7 ", "203.0.113.7"),
    ("203.0.113.7:40001", "203.0.113.7"),
    ("2001:db8::1", "2001:db8::1"),
    ("2001:0DB8:0:0::1", "2001:db8::1"),
    ("[2001:db8::1]", "2001:db8::1"),
    ("[2001:db8::1]:443", "2001:db8::1"),
    ('"[2001:db8::1]:443"', "2001:db8::1"),
    ("::ffff:203.0.113.7", "203.0.113.7"),
    ("[::ffff:203.0.113.7]:9", "203.0.113.7"),
    ("fe80::1%eth0", "fe80::1"),
    ("[fe80::1%25en0]:80", "fe80::1"),
]
GARBAGE = [
    "",
    "unknown",
    "_hidden",
    "unix:",
    "x" * 500,
    "203.0.113.7:",
    "203.0.113.7:999999",
    "[2001:db8::1",
    "1.2.3",
    "203.0.113.256",
    "0x7f000001",
    "203.0.113.7 203.0.113.8",
    "２０３.0.113.7",
    "203.0.113.7\0",
    "::1]:80",
    "%eth0",
]


@pytest.mark.parametrize(("written", "meant"), WRITTEN)
def test_it_reads_what_proxies_write(written, meant):
    assert str(read(written)) == meant


@pytest.mark.parametrize("written", GARBAGE)
def test_what_is_no_address_is_none(written):
    assert read(written) is None


@pytest.mark.parametrize(
    ("ip", "counted"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
    ],
)
def test_of_ipv6_the_first_half_counts(ip, counted):
    assert network(ip) == counted


class TestClientIp:
    @pytest.fixture(autouse=True)
    def _one_proxy(self, settings, tmp_path):
        settings.TRUSTED_PROXY_COUNT = 1
        cache.delete(UNREADABLE_PROXY)
        yield
        cache.delete(UNREADABLE_PROXY)

    def ask(self, forwarded: str, peer: str = "10.0.0.1") -> str:
        return client_ip(RequestFactory().get("/", HTTP_X_FORWARDED_FOR=forwarded, REMOTE_ADDR=peer))

    @pytest.mark.parametrize(("written", "meant"), WRITTEN)
    def test_it_is_an_address(self, written, meant):
        assert self.ask(f"198.51.100.1, {written}") == meant
        assert cache.get(UNREADABLE_PROXY) is None

    @pytest.mark.parametrize("written", [text for text in GARBAGE if text.isascii() and text.isprintable()])
    def test_garbage_is_whoever_is_connected(self, written):
        if written:
            assert self.ask(f"198.51.100.1, {written}") == "10.0.0.1"

    def test_garbage_is_kept_for_the_operator(self):
        self.ask("unknown")
        assert cache.get(UNREADABLE_PROXY) == "unknown"

    def test_fewer_entries_than_proxies(self, settings):
        settings.TRUSTED_PROXY_COUNT = 2
        assert self.ask("198.51.100.1") == "10.0.0.1"
        assert cache.get(UNREADABLE_PROXY) == ""

    def test_several_headers_are_one_list(self):
        """The web server joins them with a comma."""
        assert self.ask("198.51.100.1,203.0.113.7") == "203.0.113.7"

    @pytest.mark.parametrize("peer", ["", "unix:", "/run/seatkeeper.sock"])
    def test_a_socket_without_address(self, settings, peer):
        settings.TRUSTED_PROXY_COUNT = 0
        assert self.ask("203.0.113.7", peer) == "0.0.0.0"
