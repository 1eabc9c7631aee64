"""Which IP addresses are private: this machine, its networks, and ranges no outsider can reach."""

from __future__ import annotations

import ipaddress

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
# Python calls these public, but nobody outside can be reached at them.
_ALSO_INSIDE = [ipaddress.ip_network(text) for text in ("100.64.0.0/10", "64:ff9b:1::/48", "192.88.99.0/24")]


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
