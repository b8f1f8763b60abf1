"""Say which places on the internet may be asked anything. Nothing here connects anywhere."""

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from urllib.parse import SplitResult, urlsplit

from sharing.networks.instances import InvalidInstance, parse_instance

_HTTPS_PORT = 443
# Global unicast. All other IPv6 space is local, mapped, multicast or unassigned (IANA, November 2026).
_GLOBAL_UNICAST = IPv6Network("2000::/3")
# IPv6 addresses inside it that carry an IPv4 address, or lead to machines of one's own.
_CARRIERS = (
    IPv6Network("2001::/23"),  # IETF protocol assignments, Teredo among them
    IPv6Network("2001:db8::/32"),  # documentation
    IPv6Network("2002::/16"),  # 6to4
    IPv6Network("3fff::/20"),  # documentation
)
_RELAYS = IPv4Network("192.88.99.0/24")  # 6to4 relays, anycast


class Forbidden(ValueError):
    """Refuse an address; the sentence says why, without repeating what may be secret in it."""


@dataclass(frozen=True, slots=True)
class Place:
    """Name where a request goes: `host` in lowercase ASCII; `trusted` when the caller named it."""

    scheme: str
    host: str
    port: int
    target: str
    trusted: bool

    @property
    def netloc(self) -> str:
        """Return host and port as a Host header has them."""
        usual = {"https": _HTTPS_PORT, "http": 80}[self.scheme]
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == usual else f"{host}:{self.port}"


def place(url: str, *, trusted: frozenset[str] = frozenset()) -> Place:
    """Take an address apart, or raise Forbidden.

    Only https on its own port to a name on the public internet is a place. `trusted` are exceptions, each
    "host:port" as written in the address: there http, any port and any machine are allowed.
    """
    if not url.isascii() or any(character <= " " or character in '\\<>"\x7f' for character in url):
        # International names come as typed; everything after them is percent-encoded by the caller.
        url = _with_ascii_host(url)
    parts = _split(url)
    if "@" in parts.netloc:
        raise Forbidden("An address with a user name in it is not asked.")
    try:
        port = parts.port
    except ValueError:
        raise Forbidden("An address with an impossible port is not asked.") from None
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    if parts.netloc in trusted and parts.scheme in {"http", "https"}:
        default = _HTTPS_PORT if parts.scheme == "https" else 80
        return Place(parts.scheme, parts.hostname or "", port or default, target, trusted=True)
    if parts.scheme != "https":
        raise Forbidden("Only https addresses are asked.")
    if port not in {None, _HTTPS_PORT}:
        raise Forbidden("Only the usual port of https is asked.")
    try:
        host = parse_instance(parts.hostname or "")
    except InvalidInstance as error:
        raise Forbidden(str(error)) from None
    return Place("https", host, _HTTPS_PORT, target, trusted=False)


def is_public(address: str) -> bool:
    """Say whether an IP address is one machine on the public internet.

    False for loopback, private, link-local, carrier-grade NAT, multicast, unspecified, reserved and
    documentation addresses, and for every IPv6 form that has an IPv4 address inside (mapped, 6to4, NAT64,
    Teredo): a gateway could turn those into any of the others.
    """
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    if isinstance(parsed, IPv4Address):
        return parsed.is_global and not parsed.is_multicast and parsed not in _RELAYS
    return _is_public_v6(parsed)


def _is_public_v6(parsed: IPv6Address) -> bool:
    return (
        parsed.scope_id is None
        and parsed in _GLOBAL_UNICAST
        and not any(parsed in network for network in _CARRIERS)
    )


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        _ = parts.hostname
    except ValueError:
        raise Forbidden("That is not an address.") from None
    return parts


def _with_ascii_host(url: str) -> str:
    parts = _split(url)
    rest = f"{parts.path}{parts.query}{parts.fragment}{parts.scheme}"
    unsafe = any(character <= " " or character in '\\<>"\x7f' for character in url)
    if unsafe or not rest.isascii():
        raise Forbidden("An address has no spaces, control characters or letters outside ASCII.")
    try:
        host = parse_instance(parts.netloc)
    except InvalidInstance as error:
        raise Forbidden(str(error)) from None
    return parts._replace(netloc=host).geturl()
