"""Ask other people's servers for anything: the one client, what it answers, and what it is sure of.

It is made of httpcore, the layer under httpx, because three things are decided there: which address a
connection goes to, whether a byte of a request was written, and how far a reply may be unpacked.
https://www.encode.io/httpcore/network-backends/ (checked November 2026).
"""

from sharing.networks.http.client import Outbound
from sharing.networks.http.exchange import NotSent, OutcomeUnknown
from sharing.networks.http.replies import Answered, Expect

__all__ = ["Answered", "Expect", "NotSent", "Outbound", "OutcomeUnknown"]
