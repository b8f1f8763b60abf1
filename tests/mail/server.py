"""A small mail server that can misbehave."""

import contextlib
import socketserver
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field


@dataclass
class Behaviour:
    """What the server answers: a reply for a verb (or `verb:address`), or a step at which it hangs up."""

    replies: dict[str, str] = field(default_factory=dict)
    # One of: connect, MAIL, DATA, content (after the content, without an answer).
    drops_at: str = ""
    # Where it says nothing for as long as the client waits.
    hangs_at: str = ""


@dataclass(frozen=True)
class Received:
    """A mail that was taken."""

    sender: str
    recipients: list[str]
    content: bytes


class MailServer(socketserver.ThreadingTCPServer):
    """Take mails on a port of loopback and keep them."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Conversation)
        self.behaviour = Behaviour()
        self.received: list[Received] = []
        self.contents = 0
        self.connections = 0
        self.released = threading.Event()

    @property
    def port(self) -> int:
        """Return the port."""
        return int(self.server_address[1])


class _Conversation(socketserver.StreamRequestHandler):
    server: MailServer

    def handle(self) -> None:
        with contextlib.suppress(OSError):
            self._talk()

    def _talk(self) -> None:
        server, behaviour = self.server, self.server.behaviour
        server.connections += 1
        if behaviour.drops_at == "connect":
            return
        self._say(behaviour.replies.get("connect", "220 here"))
        sender = ""
        recipients: list[str] = []
        while line := self.rfile.readline():
            said = line.decode().strip()
            verb = said.split()[0].upper()
            if behaviour.drops_at == verb:
                return
            if behaviour.hangs_at == verb:
                server.released.wait(30)
                return
            address = said[said.find("<") + 1 : said.find(">")]
            reply = behaviour.replies.get(f"{verb}:{address}") or behaviour.replies.get(verb)
            if verb == "MAIL":
                sender, recipients = address, []
            if verb == "RCPT" and not reply:
                recipients.append(address)
            if verb == "QUIT":
                self._say("221 bye")
                return
            if verb == "EHLO" and not reply:
                self._say("250-here\r\n250 8BITMIME")
            elif verb == "DATA" and not reply:
                self._say("354 go on")
                content = b""
                while (row := self.rfile.readline()) != b".\r\n":
                    if not row:
                        return
                    content += row.removeprefix(b".")
                server.contents += 1
                if behaviour.drops_at == "content":
                    return
                if behaviour.hangs_at == "content":
                    server.released.wait(30)
                    return
                answer = behaviour.replies.get("content", "250 taken as 42")
                if answer.startswith("250"):
                    server.received.append(Received(sender, recipients, content))
                self._say(answer)
            else:
                self._say(reply or "250 fine")

    def _say(self, text: str) -> None:
        self.wfile.write(text.encode() + b"\r\n")


@contextlib.contextmanager
def mail_server() -> Iterator[MailServer]:
    """Run a server."""
    with MailServer() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server
        finally:
            server.released.set()
            server.shutdown()
            thread.join()
