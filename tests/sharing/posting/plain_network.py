"""A network in memory, for what the engine is tried with."""

from collections import Counter
from collections.abc import Callable
from threading import Lock

from sharing.posting.engine import send_due
from sharing.posting.jobs import Job
from sharing.posting.outcomes import Absent, Doubtful, Outcome, Prepared, Published


def code(job: Job) -> str:
    """Return what tells a post from all others: the last part of its link."""
    return job.post.link.rstrip("/").rpartition("/")[2]


class Network:
    """A network in memory that knows what it was really sent."""

    def __init__(self) -> None:
        self.posts: Counter[str] = Counter()
        self.prepared: Counter[str] = Counter()
        self.preparing: Callable[[Job], Outcome] = lambda job: Prepared(
            values={"rkey": code(job)[:5]}
        )
        self.publishing: Callable[[Job], Outcome] = self.take
        self.looking: Callable[[Job], Outcome] = self.find
        self._lock = Lock()

    def prepare(self, job: Job) -> Outcome:
        with self._lock:
            self.prepared[code(job)] += 1
        return self.preparing(job)

    def prepare_at_once(self, job: Job) -> Outcome | None:
        # Each other one.
        return self.prepare(job) if job.claim.delivery_id % 2 else None

    def publish(self, job: Job) -> Outcome:
        return self.publishing(job)

    def look_up(self, job: Job) -> Outcome:
        return self.looking(job)

    def take(self, job: Job) -> Outcome:
        with self._lock:
            self.posts[code(job)] += 1
        return Published(remote_id=code(job), permalink=f"https://social.example/{code(job)}")

    def take_and_be_silent(self, job: Job) -> Outcome:
        self.take(job)
        return Doubtful("No answer.")

    def no_answer(self) -> Outcome:
        return Doubtful("No answer.")

    def find(self, job: Job) -> Outcome:
        if self.posts[code(job)]:
            return Published(remote_id=code(job), permalink=f"https://social.example/{code(job)}")
        return Absent("It is not there.")


def send(network: Network) -> int:
    """Send what is due; return how many steps were recorded."""
    return send_due(network, seconds=30, in_flight=4)
