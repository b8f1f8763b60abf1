"""What an editor typed into the composer, read without losing any of it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cache
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import available_timezones

from django.conf import settings
from django.conf.locale import LANG_INFO
from django.http import QueryDict

from sharing.links import post_address
from sharing.networks.posting.contract import Visibility
from sharing.posting import scheduling
from sharing.posting.actions import Timing
from sharing.posting.drafting import OPEN, wrong_time
from sharing.posting.models import Delivery, SocialAccount, SocialPost
from sharing.posting.scheduling import Unusable
from sharing.posting.subjects import Standing, Subject
from sharing.posting.templates import editable

# More accounts than a site has; a form with more was made up.
MOST_ACCOUNTS = 50
LONGEST_WARNING = 200
_When = SocialPost.When

LANGUAGES = tuple(
    sorted(
        [
            ("zh", "Chinese · 中文"),
            *(
                (code, f"{info['name']} · {info['name_local']}")
                for code, info in LANG_INFO.items()
                if "-" not in code and "name" in info
            ),
        ],
        key=lambda each: each[1],
    )
)
VISIBILITIES = (
    (str(Visibility.PUBLIC), "Everybody"),
    (str(Visibility.UNLISTED), "Everybody, but not in public timelines"),
    (str(Visibility.FOLLOWERS), "Followers only"),
)
_REGIONS = frozenset(
    {"Africa", "America", "Antarctica", "Arctic", "Asia", "Atlantic", "Australia", "Europe", "Indian", "Pacific"}
)  # fmt: skip


def time_zones() -> list[str]:
    """Return the names of zones that people live in, the site's own first."""
    lived_in = {name for name in _known_zones() if name.partition("/")[0] in _REGIONS}
    return [settings.TIME_ZONE, *sorted((lived_in | {"UTC"}) - {settings.TIME_ZONE})]


@cache
def _known_zones() -> frozenset[str]:
    # Looked up in hundreds of files.
    return frozenset(available_timezones())


@dataclass(frozen=True)
class Typed:
    """The fields of the composer as they were sent or are first shown.

    `text` is for all accounts; `own` has the texts of single ones, by account id. `was` is the moment of the post's
    last change that the form was opened with, in ISO format; empty for a new post. `again` has the newest earlier
    post (the delivery's id) that was shown beside a tick “Post again”, by account id.
    """

    form_key: UUID
    accounts: frozenset[int] = frozenset()
    text: str = ""
    own: Mapping[int, str] = field(default_factory=dict)
    language: str = ""
    visibility: str = str(Visibility.PUBLIC)
    warning: str = ""
    when: str = str(_When.NOW)
    local_time: str = ""
    time_zone: str = ""
    again: Mapping[int, int] = field(default_factory=dict)
    template: str = ""
    was: str = ""

    @classmethod
    def sent(cls, data: QueryDict) -> "Typed":
        """Read a form; whatever is missing or made up is as if nothing was chosen."""
        own = {
            account_id: _lines(data.get(name, ""))
            for name in data
            if name.startswith("text-") and (account_id := _id(name.removeprefix("text-")))
        }
        return cls(
            form_key=_key(data.get("form_key", "")),
            accounts=_ids(data.getlist("accounts")),
            text=_lines(data.get("text", "")),
            own={account_id: text for account_id, text in own.items() if text.strip()},
            language=data.get("language", ""),
            visibility=data.get("visibility", str(Visibility.PUBLIC)),
            warning=" ".join(data.get("warning", "").split()),
            when=data.get("when", ""),
            # Some browsers add seconds.
            local_time=data.get("local_time", "").strip()[:16],
            time_zone=data.get("time_zone", "").strip(),
            again=_again(data),
            template=data.get("template", ""),
            was=data.get("was", ""),
        )

    @classmethod
    def of_post(cls, post: SocialPost, deliveries: Iterable[Delivery]) -> "Typed":
        """Return what a post says, as it is edited: a text that all have in common is the shared one."""
        mine = [each for each in deliveries if each.state in OPEN]
        texts = {each.account_id: _as_edited(each) for each in mine}
        shared = max(texts.values(), key=list(texts.values()).count, default="")
        options: dict[str, Any] = {}
        for each in mine:
            options |= each.options
        return cls(
            form_key=uuid4(),
            accounts=frozenset(texts),
            text=shared,
            own={account_id: text for account_id, text in texts.items() if text != shared},
            language=next((each.language for each in mine), ""),
            visibility=options.get("visibility", str(Visibility.PUBLIC)),
            warning=options.get("warning", ""),
            when=post.when,
            local_time=post.local_time,
            time_zone=post.time_zone or settings.TIME_ZONE,
            was=post.changed_at.isoformat(),
        )

    def with_text(self, text: str) -> "Typed":
        """Return it with another shared text."""
        return replace(self, text=text)

    def now(self) -> "Typed":
        """Return it to be sent at once."""
        return replace(self, when=str(_When.NOW))

    def text_of(self, account: SocialAccount) -> str:
        """Return the text of one account: its own, or the shared one."""
        return self.own.get(account.pk) or self.text

    @property
    def timing(self) -> Timing:
        """Return when it goes out; raises scheduling.Unusable where that is not said."""
        if self.when not in _When.values:
            raise Unusable("Choose when the post goes out.")
        if self.when != _When.AT_TIME:
            return Timing(_When(self.when))
        return Timing(_When.AT_TIME, self.local_time, self.time_zone)

    @property
    def seen(self) -> datetime | None:
        """Return the moment of the last change that the form was opened with."""
        return moment_seen(self.was)


def moment_seen(text: str) -> datetime | None:
    """Return the moment of a post's last change that a page was drawn with; None where it is none."""
    try:
        return datetime.fromisoformat(text).astimezone(UTC) if text else None
    except (ValueError, OverflowError):
        return None


def refusals(typed: Typed, subject: Subject, now: datetime) -> dict[str, str]:
    """Return what is wrong beside the texts, by field, in sentences that say what to do."""
    errors = {}
    if typed.language and typed.language not in dict(LANGUAGES):
        errors["language"] = "Choose a language of the list."
    if typed.visibility and typed.visibility not in dict(VISIBILITIES):
        errors["visibility"] = "Choose who sees it."
    if len(typed.warning) > LONGEST_WARNING:
        errors["warning"] = f"At most {LONGEST_WARNING} characters."
    if not typed.accounts:
        errors["accounts"] = "Choose at least one account."
    elif len(typed.accounts) > MOST_ACCOUNTS:
        errors["accounts"] = f"At most {MOST_ACCOUNTS} accounts at once."
    return errors | _wrong_time(typed, subject, now)


def notes_on_time(typed: Typed) -> list[str]:
    """Return what an editor may not expect of the time: hours that clocks skip or show twice."""
    if typed.when != _When.AT_TIME:
        return []
    note = scheduling.note(typed.local_time, typed.time_zone)
    return [note] if note else []


def _wrong_time(typed: Typed, subject: Subject, now: datetime) -> dict[str, str]:
    if subject.standing is Standing.GONE:
        return {}  # said of the whole form
    try:
        wrong = wrong_time(typed.timing, subject, now)
    except Unusable as error:
        return {"when": str(error)}
    return {wrong.field: wrong.sentence} if wrong else {}


def _as_edited(delivery: Delivery) -> str:
    link = post_address(delivery.link_code)
    if delivery.problem:
        # A variable that the rule's template has and nobody knows is still one, to be mended.
        return delivery.text.replace(link, "{link}")
    return editable(delivery.text, link)


def _lines(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _id(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None


def _ids(texts: Iterable[str]) -> frozenset[int]:
    return frozenset(number for text in texts if (number := _id(text)) is not None)


def _again(data: QueryDict) -> dict[int, int]:
    found = {}
    for name in data:
        prefix, _, rest = name.partition("-")
        account, _, newest = rest.partition("-")
        account_id, delivery_id = _id(account), _id(newest)
        if prefix == "again" and account_id is not None and delivery_id is not None:
            found[account_id] = delivery_id
    return found


def _key(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        return uuid4()
