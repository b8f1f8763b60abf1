"""All that the composer shows of accounts: whether they can be chosen, what they would send, what they have sent."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sharing.links import post_address
from sharing.networks.posting import network_name
from sharing.networks.posting.contract import Connector, Limits
from sharing.posting import actions, auto_posts, known_limits, queries
from sharing.posting.actions import Wording
from sharing.posting.admin.composer_form import Typed
from sharing.posting.admin.composer_lines import Line, lines, when_of
from sharing.posting.admin.composer_preview import Card, Preview, card_of, preview
from sharing.posting.drafting import counts_as_posted
from sharing.posting.known_limits import KnownLimits
from sharing.posting.models import Delivery, SocialAccount
from sharing.posting.subjects import Subject
from sharing.posting.wording import Worded, options_for, word

# As long as a real one, of letters that no code has.
SAMPLE_CODE = "linkpreview"
_MOST_EARLIER = 5
_State = SocialAccount.State


@dataclass(frozen=True)
class Seat:
    """One account at the composer."""

    account: SocialAccount
    connector: Connector | None
    known: KnownLimits | None
    link: str
    code: str  # of the short link; empty until a post of its own is written
    is_chosen: bool
    can_be_chosen: bool
    own_text: str
    worded: Worded | None
    earlier: Sequence[Line]
    # Of those that count as posted; None where it needs no tick to post.
    newest: Delivery | None
    # The newest post that was shown beside a tick; 0 without one.
    ticked: int
    # The automatic posts will post this with it, unless it has a post by then.
    is_automatic: bool

    @property
    def asks_again(self) -> bool:
        """Tell whether it posts only where “Post again” is ticked."""
        return self.newest is not None

    @property
    def is_again(self) -> bool:
        """Tell whether somebody who saw the newest post asks for another."""
        return self.newest is not None and self.ticked >= self.newest.pk

    @property
    def again_name(self) -> str:
        """Return the name of the tick. A browser that restores a form ticks none of another name."""
        return f"again-{self.account.pk}-{self.newest.pk}" if self.newest is not None else ""

    @property
    def unasked(self) -> str:
        """Return why it posts nothing as it is; empty where it does."""
        if self.newest is None or self.is_again:
            return ""
        if self.ticked:
            return (
                f"This was posted meanwhile ({self.account.handle}, {when_of(self.newest)}). Look at it, and tick "
                "“Post again” once more to make another."
            )
        return (
            "There is a post about this already. Look at it, and tick “Post again” to make another."
        )

    @property
    def network(self) -> str:
        """Return what its network is called."""
        return self.connector.name if self.connector else network_name(self.account.network)

    @property
    def limits(self) -> Limits:
        """Return what its server takes; only for an account that something publishes for."""
        if self.known is None:
            raise LookupError(f"nothing publishes on {self.account.network}")
        return self.known.limits

    @property
    def why_not(self) -> str:
        """Return why it sends nothing now; empty where it does."""
        if self.connector is None:
            return f"Nothing can be posted on {self.network}."
        if self.account.state == _State.PAUSED:
            return "Paused: nothing is sent with it until somebody lets it go on."
        if self.account.state == _State.EXPIRED:
            return "Must be connected again before anything is sent with it."
        if self.account.state == _State.DISCONNECTED:
            return "Disconnected."
        return ""

    @property
    def left_out(self) -> str:
        """Return what is said of it, after its handle, where it was chosen and cannot be."""
        match _State(self.account.state):
            case _State.PAUSED:
                return "was paused meanwhile"
            case _State.EXPIRED:
                return "must be connected again before anything is sent with it"
            case _State.DISCONNECTED:
                return "was disconnected meanwhile"
            case _State.ACTIVE:
                return f"is on {self.network}, where nothing can be posted"

    @property
    def rule(self) -> str:
        """Return how its server counts, as JSON for the script."""
        return json.dumps(self.limits.text.as_dict())

    @property
    def limit_words(self) -> str:
        """Return how many characters fit, and who says so."""
        number = f"{self.limits.text.limit:,} characters"
        if self.connector is not None and self.limits is self.connector.usual_limits():
            return f"{number} on every server of {self.network}"
        if self.known is not None and self.known.age is not None:
            minutes = round(self.known.age / 60)
            when = "just now" if minutes < 1 else f"{minutes} minute{'s' * (minutes != 1)} ago"
            return f"{number}, as {self.account.host} said {when}"
        return f"{number}, the usual figure of {self.network}"

    @property
    def has_visibility(self) -> bool:
        """Tell whether its network lets choose who sees a post."""
        return self.connector is not None and len(self.connector.abilities.visibilities) > 1

    @property
    def has_warning(self) -> bool:
        """Tell whether its network has content warnings."""
        return self.connector is not None and self.connector.abilities.warnings


@dataclass(frozen=True)
class Desk:
    """The accounts of a site, and what each would send of what was typed."""

    subject: Subject
    typed: Typed
    seats: Sequence[Seat]
    card: Card | None

    @property
    def chosen(self) -> list[Seat]:
        """Return the accounts that are chosen, whatever their state."""
        return [each for each in self.seats if each.is_chosen]

    @property
    def missing(self) -> frozenset[int]:
        """Return the ids that were chosen and are no account that can be posted with any more."""
        return self.typed.accounts - {each.account.pk for each in self.chosen}

    @property
    def text_problem(self) -> str:
        """Return what is wrong with the text for all accounts itself, whichever sends it; empty where nothing is."""
        unread = (each.worded for each in self.chosen if each.worded and not each.own_text.strip())
        return next((" ".join(each.blocking) for each in unread if not each.is_read), "")

    @property
    def why_missing(self) -> str:
        """Return why accounts that were chosen cannot be posted with, in a sentence."""
        left_out = [each for each in self.seats if each.account.pk in self.missing]
        if not left_out:
            return "An account that you chose was disconnected meanwhile."
        return " ".join(f"{each.account.handle} {each.left_out}." for each in left_out)

    @property
    def previews(self) -> list[Preview]:
        """Return how the post will look to each chosen account's followers."""
        return [
            preview(
                seat.account,
                seat.connector,
                seat.worded,
                link=seat.link,
                warning=self.typed.warning,
                card=self.card,
                told=self.text_problem,
            )
            for seat in self.chosen
            if seat.connector is not None and seat.worded is not None
        ]

    def wordings(self) -> list[Wording]:
        """Return what each chosen account is to say, with a short link of its own."""
        return [self._wording(seat) for seat in self.chosen]

    def _wording(self, seat: Seat) -> Wording:
        if seat.connector is None or seat.known is None:
            raise LookupError(f"nothing publishes on {seat.account.network}")
        code = seat.code or actions.new_link_code()
        worded = _word(seat.connector, seat.known, seat.account, self.typed, self.subject, code)
        options = options_for(seat.connector, self.typed.visibility, self.typed.warning)
        return Wording(seat.account.pk, worded.text, code, self.typed.language, options)


def lay(
    typed: Typed,
    subject: Subject,
    *,
    mine: Sequence[Delivery],
    now: datetime,
    ask: bool,
    shows_earlier: bool = True,
) -> Desk:
    """Return the desk for what was typed. `mine` are the deliveries of the post that is edited.

    `ask` lets servers be asked for their limits, for a moment. Earlier posts are for those who may see them.
    """
    in_post = {each.account_id: each for each in mine}
    accounts = queries.accounts_to_choose()
    known = known_limits.limits_of(accounts, ask=ask)
    automatic = auto_posts.accounts_to_come(subject) if shows_earlier else frozenset()
    own_ids = {each.pk for each in mine}
    earlier: dict[int, list[Delivery]] = {}
    for each in queries.deliveries_about([subject.target.pk] if shows_earlier else []):
        if each.pk not in own_ids:
            earlier.setdefault(each.account_id, []).append(each)
    shown = [each for rows in earlier.values() for each in rows[:_MOST_EARLIER]]
    by_account: dict[int, list[Line]] = {}
    for line in lines(shown, now):
        by_account.setdefault(line.delivery.account_id, []).append(line)
    seats = []
    for account in accounts:
        connector = known_limits.connector_of(account.network)
        delivery = in_post.get(account.pk)
        code = delivery.link_code if delivery else ""
        usable = connector is not None and (account.state == _State.ACTIVE or delivery is not None)
        found = known.get(account.pk)
        worded = (
            _word(connector, found, account, typed, subject, code or SAMPLE_CODE)
            if connector is not None and found is not None
            else None
        )
        posted = [] if delivery else filter(counts_as_posted, earlier.get(account.pk, []))
        newest = max(posted, key=lambda each: each.pk, default=None)
        seats.append(
            Seat(
                account=account,
                connector=connector,
                known=found,
                link=post_address(code or SAMPLE_CODE),
                code=code,
                is_chosen=usable and account.pk in typed.accounts,
                can_be_chosen=usable,
                own_text=typed.own.get(account.pk, ""),
                worded=worded,
                earlier=by_account.get(account.pk, []),
                newest=newest,
                ticked=typed.again.get(account.pk, 0),
                is_automatic=delivery is None and newest is None and account.pk in automatic,
            )
        )
    return Desk(subject, typed, seats, card_of(subject))


def tightest(seats: Sequence[Seat]) -> Seat | None:
    """Return the seat whose server takes least, to fill a text in that all can send."""
    able: list[Any] = [each for each in seats if each.can_be_chosen and each.known is not None]
    return min(able, key=lambda each: each.limits.text.limit, default=None)


def _word(
    connector: Connector,
    known: KnownLimits,
    account: SocialAccount,
    typed: Typed,
    subject: Subject,
    code: str,
) -> Worded:
    return word(
        connector,
        known.limits,
        written=typed.text_of(account),
        subject=subject,
        link=post_address(code),
        language=typed.language,
        visibility=typed.visibility,
        warning=typed.warning,
    )
