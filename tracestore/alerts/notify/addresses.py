"""Which addresses a request may go to. Pure.

The rule is a list of what is allowed: global unicast. Beyond `ipaddress.is_global`, whose tables differ between
versions of Python, whatever carries an IPv4 address inside (mapped, 6to4, NAT64, Teredo) is refused whole, and so
are services that a cloud offers to its machines.
"""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Final

from tracestore.alerts.notify.outcome import Permanent

Address = IPv4Address | IPv6Address

#: Never, whoever allows what: they mean another address, this network or many, or hand out credentials.
NEVER: Final = tuple(
    ip_network(network)
    for network in (
        "0.0.0.0/8",
        "169.254.0.0/16",  # link-local, with the metadata services of most clouds
        "192.0.0.0/24",
        "192.88.99.0/24",  # 6to4 relays
        "224.0.0.0/4",
        "240.0.0.0/4",
        "100.100.100.200/32",  # metadata (Alibaba)
        "168.63.129.16/32",  # the machine's agent (Azure); a global address
        "::/128",
        "::/96",  # IPv4-compatible; ::1 is looked at before
        "::ffff:0:0/96",  # IPv4-mapped
        "::ffff:0:0:0/96",  # IPv4-translated
        "64:ff9b::/96",  # NAT64
        "64:ff9b:1::/48",
        "2001::/23",  # Teredo and other protocols
        "2002::/16",  # 6to4
        "fe80::/10",
        "fec0::/10",
        "ff00::/8",
        "fd00:ec2::254/128",  # metadata (AWS)
        "fd20:ce::254/128",  # metadata (Google)
    )
)
#: Only where private addresses are allowed.
PRIVATE: Final = tuple(
    ip_network(network)
    for network in (
        "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "::1/128", "fc00::/7",
    )
)  # fmt: skip
_LOOPBACK6: Final = IPv6Address("::1")
_LABEL: Final = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")
#: The last label of what some resolvers take for a number: 127.1, 2130706433, 0x7f000001, 0177.0.0.1.
_NUMBER: Final = re.compile(r"[0-9]+|0x[0-9a-f]*")


def allowed(address: Address, *, private: bool) -> bool:
    """Whether a request may go there."""
    if isinstance(address, IPv6Address) and address.scope_id is not None:
        return False
    if address != _LOOPBACK6 and any(address in network for network in NEVER if network.version == address.version):
        return False
    if any(address in network for network in PRIVATE if network.version == address.version):
        return private
    return address.is_global and not address.is_multicast


def host(text: str) -> str:
    """A host as it is looked up: lower case, in ASCII, without a dot at the end; an IPv6 address without brackets.

    Raises:
        Permanent: it is no name and no address in its usual form.
    """
    name = text.strip("[]") if text.startswith("[") else text
    try:
        return str(ip_address(name))
    except ValueError:
        pass
    name = name.removesuffix(".").lower()
    if not name.isascii():
        try:
            name = name.encode("idna").decode()
        except UnicodeError:
            raise Permanent("The host is no name that can be looked up.") from None
    labels = name.split(".")
    if len(name) > 253 or not all(_LABEL.fullmatch(label) for label in labels) or _NUMBER.fullmatch(labels[-1]):
        try:
            return str(ip_address(name))  # an address with a dot at the end
        except ValueError:
            raise Permanent(
                "The host is not in its usual form: expected a name, or an address such as 203.0.113.7."
            ) from None
    return name
