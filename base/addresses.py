"""IP addresses: as proxies write them, the network they count as, and which are private."""

from __future__ import annotations

import ipaddress
import re

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
# Python calls these public, but nobody outside can be reached at them.
_ALSO_INSIDE = [ipaddress.ip_network(text) for text in ("100.64.0.0/10", "64:ff9b:1::/48", "192.88.99.0/24")]


# What proxies write: 203.0.113.7, 203.0.113.7:40001, 2001:db8::1, [2001:db8::1], [2001:db8::1]:443, fe80::1%eth0.
_WRITTEN = re.compile(r"\"?(?:\[(?P<inside>[^\[\]]+)\](?::\d{1,5})?|(?P<v4>[^:\[\]]+):\d{1,5}|(?P<bare>[^\[\]]+))\"?")


def read(written: str) -> Address | None:
    """The address in an entry of X-Forwarded-For: without port, brackets and zone; IPv4 in IPv6 as IPv4. Else None."""
    found = _WRITTEN.fullmatch(written.strip())
    if found is None:
        return None
    text = found["inside"] or found["v4"] or found["bare"]
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def network(ip: str) -> str:
    """What an address counts as: of IPv6 the first 64 bits, because one household has all the rest."""
    address = read(ip)
    if isinstance(address, ipaddress.IPv6Address):
        return str(ipaddress.IPv6Network((int(address), 64), strict=False))
    return str(address or ip)


def literal(host: str) -> Address | None:
    """The IP address, when a URL's host is written as a number; None for a name."""
    try:
        return ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return None


def is_private(address: Address) -> bool:
    """True unless the address is on the public internet. An IPv4 address inside an IPv6 address is judged itself."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)
        if inner is None and address in ipaddress.ip_network("64:ff9b::/96"):
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            return is_private(inner)
    return (
        not address.is_global
        or address.is_multicast
        or any(address.version == inside.version and address in inside for inside in _ALSO_INSIDE)
    )
