"""A server between a connector and a real one: it forwards what is asked, and misbehaves when it is told to.

So the same contract is tried as on the demo network: what is swallowed, spoilt or limited is the wire's doing, and what
is posted is really there.
"""

import re

from sharing.networks.demo import DemoNetwork, StoredPost, Truth, faults
from sharing.networks.demo.exchange import Reply, Request
from sharing.networks.demo.faults import BEFORE, Wire
from sharing.networks.demo.server import ROUTES
from tests.real_networks.accounts import RealAccount
from tests.real_networks.asking import OF_A_CONNECTION

_LABELS = [(methods.split("|"), re.compile(path), label) for methods, path, label, _ in ROUTES]


class _RealTruth(Truth):
    """The truth of a real server: the server is asked."""

    def __init__(self, real: RealAccount) -> None:
        super().__init__()
        self._real = real

    def holding(self, link: str) -> list[StoredPost]:
        return self._real.holding(link)


class Forwarding(DemoNetwork):
    """Answer what a real server answers, or what a fault makes of it."""

    def __init__(self, real: RealAccount) -> None:
        super().__init__()
        self.real = real
        self.truth = _RealTruth(real)

    def answer(self, request: Request) -> tuple[Reply, Wire]:
        """Forward a request, unless it is swallowed."""
        fault = self.faults.take(_label(request))
        if fault and fault.kind in BEFORE:
            return faults.instead(fault)
        headers = {
            name: value for name, value in request.headers.items() if name not in OF_A_CONNECTION
        }
        reply = self.real.ask(request.method, request.target, request.body, headers)
        return faults.spoil(fault, reply) if fault else (reply, Wire.WHOLE)


def _label(request: Request) -> str:
    for methods, path, label in _LABELS:
        if request.method in methods and path.fullmatch(request.path):
            return label
    return "read"
