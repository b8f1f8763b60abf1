"""Connecting accounts in the admin: choose a network, sign in there, come back."""

from abc import ABC, abstractmethod
from typing import Any, ClassVar

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.utils.functional import cached_property
from django.views.decorators.debug import sensitive_post_parameters
from django.views.generic.edit import FormMixin
from wagtail.admin import messages

from sharing.networks.http import Outbound
from sharing.networks.posting import conclusions, network_name
from sharing.networks.posting import mastodon_sign_in as sign_in
from sharing.networks.posting.telegram import ORIGIN as TELEGRAM_ORIGIN
from sharing.networks.secret import Secret
from sharing.posting import connecting, demo_connecting, reaching
from sharing.posting.admin import connecting_state
from sharing.posting.admin.accounts_access import AccountsPage
from sharing.posting.admin.connecting_forms import BlueskyForm, MastodonForm, TelegramForm
from sharing.posting.admin.connecting_state import UnderWay
from sharing.posting.admin.mending import begin_at_first_error
from sharing.posting.connecting import Connected, NotConnected, SignedIn
from sharing.posting.models import SocialAccount

_S = SocialAccount.State
_LONGEST_ANSWER = 2_000
# Each has a form at the address of its name.
_WITH_FORM = frozenset({"mastodon", "bluesky", "telegram"})


def redirect_uri() -> str:
    """Return where a server sends people back to."""
    return f"{settings.SITE_URL}{reverse('social_account_connected')}"


class ConnectPage(AccountsPage):
    """A page on the way to a connected account; `?account=` names one that is to be connected again."""

    page_title = "Connect an account"
    template_name = "sharing/admin/social_account_connect.html"

    @cached_property
    def again(self) -> SocialAccount | None:
        """Return the account that is to be connected again."""
        asked = self.request.GET.get("account", "")
        if not (asked.isascii() and asked.isdigit() and len(asked) < 19):
            return None
        return SocialAccount.objects.filter(pk=int(asked)).first()

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add what keeps this site from keeping secrets, and the demo network, if there is one."""
        context: dict[str, Any] = super().get_context_data(**kwargs)
        return context | {
            "again": self.again,
            "refused": _refused(),
            "demo": settings.DEMO_NETWORK_HOST,
            "demo_address": demo_connecting.origin(),
        }


class ChooseNetwork(ConnectPage):
    """Offer the networks; an account that is to be connected again has one already."""

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Show them, or go on to the one."""
        if self.again is not None and self.again.network in _WITH_FORM:
            name = f"social_account_connect_{self.again.network}"
            return redirect(f"{reverse(name)}?account={self.again.pk}")
        return super().get(request, *args, **kwargs)


class _ConnectForm(FormMixin[Any], ConnectPage, ABC):
    """A form on that way: what was typed stays, but for a password."""

    template_name = "sharing/admin/social_account_connect_form.html"
    way = (("social_account_connect", "Connect an account"),)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Go on with what was typed, or say what is wrong with it."""
        form = self.get_form()
        if _refused() or not form.is_valid():
            return self.shown_again(form)
        return self.go_on(form)

    def shown_again(self, form: Any) -> HttpResponse:
        """Return the page with what was typed and what is wrong with it."""
        begin_at_first_error(form)
        return self.render_to_response(self.get_context_data(form=form))

    @abstractmethod
    def go_on(self, form: Any) -> HttpResponse:
        """Do the next step."""


class ConnectMastodon(_ConnectForm):
    """Ask for the server, register there, and lead on to it."""

    page_title = "Connect a Mastodon account"
    template_name = "sharing/admin/social_account_connect_mastodon.html"
    form_class = MastodonForm

    def get_initial(self) -> dict[str, Any]:
        """Fill in the server of the account that is to be connected again."""
        return {"server": self.again.host} if self.again else {}

    def go_on(self, form: MastodonForm) -> HttpResponse:
        """Show where the sign-in is, as a link: a form's answer may not lead to another site."""
        origin = form.cleaned_data["server"]
        try:
            app = connecting.app_at(
                origin,
                redirect_uri=redirect_uri(),
                outbound=reaching.outbound(),
                anew="anew" in self.request.POST,
            )
        except sign_in.SignInFailed as reason:
            form.add_error("server", f"{reason} Nothing was changed.")
            return self.shown_again(form)
        begun = sign_in.begin(app)
        again = self.again.pk if self.again else None
        connecting_state.keep(self.request, UnderWay(origin, begun, again))
        context = self.get_context_data(form=form) | {
            "address": begun.url,
            "host": origin.rpartition("://")[2],
            "minutes": connecting_state.LASTS.seconds // 60,
        }
        return self.response_class(
            self.request, ["sharing/admin/social_account_leave.html"], context
        )


class MastodonConnected(ConnectPage):
    """Take the answer that a server sends a person back with."""

    page_title = "The account was not connected"
    template_name = "sharing/admin/social_account_not_connected.html"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Finish the sign-in, or say why not and what to do next."""
        answer = {name: request.GET.get(name, "")[:_LONGEST_ANSWER] for name in _ANSWERS}
        try:
            under_way = connecting_state.take(request, answer["state"])
        except connecting_state.Foreign:
            return self._not(
                "This is no sign-in that you began here, or it was used already. If somebody sent you the "
                "address, do not trust it."
            )
        except connecting_state.TooLate:
            return self._not("You began this sign-in too long ago.")
        if answer["error"] or not answer["code"]:
            return self._not(_denied(answer["error"]), under_way)
        try:
            connected = _finish(under_way, answer, request.user)
        except (sign_in.SignInFailed, NotConnected) as reason:
            return self._not(str(reason), under_way)
        _tell(request, connected)
        return redirect("social_account", pk=connected.account.pk)

    def _not(self, why: str, under_way: UnderWay | None = None) -> HttpResponse:
        query = f"?account={under_way.again}" if under_way and under_way.again else ""
        next_one = f"{reverse('social_account_connect_mastodon')}{query}"
        context = self.get_context_data() | {"why": why, "next": next_one}
        return self.render_to_response(context, status=400)


_ANSWERS = ("state", "code", "iss", "error")


def _finish(under_way: UnderWay, answer: dict[str, str], user: Any) -> Connected:
    connecting.require_keys()
    uri, outbound = redirect_uri(), reaching.outbound()
    app = connecting.registered(under_way.origin, redirect_uri=uri)
    if app is None:
        raise NotConnected("This site's registration at the server is gone.")
    try:
        credentials = sign_in.finish(
            outbound,
            app,
            under_way.begun,
            state=answer["state"],
            code=answer["code"],
            issuer=answer["iss"],
        )
    except sign_in.SignInFailed:
        # A server that forgot us says no more than that; a new registration costs nothing.
        connecting.forget_app(under_way.origin, redirect_uri=uri)
        raise
    again = under_way.again and SocialAccount.objects.filter(pk=under_way.again).first()
    signed_in = connecting.mastodon_account(under_way.origin, credentials, outbound)
    return connecting.keep(signed_in=signed_in, by=user, again=again or None, outbound=outbound)


class _ConnectWithSecret(_ConnectForm):
    """A form whose secret opens the account at once: nobody is led away."""

    # Where a refusal that names no field of its own is told, and one of the account itself.
    secret_field: ClassVar[str]
    account_field: ClassVar[str]

    @abstractmethod
    def sign_in(self, data: dict[str, Any], view: str, outbound: Outbound) -> SignedIn:
        """Return whose account it is; raises conclusions.Stopped, NotConnected."""

    def go_on(self, form: Any) -> HttpResponse:
        """Sign in, and keep the account."""
        data = form.cleaned_data
        # What the demo network shows is on the demo network.
        view = data["server"] if data["server"] == demo_connecting.origin() else ""
        outbound = reaching.outbound()
        try:
            signed_in = self.sign_in(data, view, outbound)
            connected = connecting.keep(
                signed_in=signed_in, by=self.request.user, again=self.again, outbound=outbound
            )
        except conclusions.Stopped as stopped:
            form.add_error(self._field_of(stopped.outcome, form), str(stopped))
        except NotConnected as reason:
            form.add_error(self.account_field, str(reason))
        else:
            _tell(self.request, connected)
            return redirect("social_account", pk=connected.account.pk)
        return self.shown_again(form)

    def _field_of(self, outcome: conclusions.Hindrance, form: Any) -> str:
        if isinstance(outcome, conclusions.Rejected) and outcome.field in form.fields:
            return outcome.field
        is_refused = isinstance(outcome, conclusions.CredentialsDead)
        return self.secret_field if is_refused else "server"


@method_decorator(sensitive_post_parameters("app_password"), name="dispatch")
class ConnectBluesky(_ConnectWithSecret):
    """Ask for a name and an app password, and open a session."""

    page_title = "Connect a Bluesky account"
    form_class = BlueskyForm
    secret_field, account_field = "app_password", "handle"

    def get_initial(self) -> dict[str, Any]:
        """Fill in name and server of the account that is to be connected again."""
        if self.again is None:
            return {}
        usual = self.again.host.endswith((".bsky.network", "bsky.social"))
        return {"handle": self.again.handle, "server": "" if usual else self.again.host}

    def sign_in(self, data: dict[str, Any], view: str, outbound: Outbound) -> SignedIn:
        """Open a session."""
        password = Secret(data["app_password"])
        return connecting.bluesky_account(
            data["server"], data["handle"], password, outbound, view=view
        )


@method_decorator(sensitive_post_parameters("token"), name="dispatch")
class ConnectTelegram(_ConnectWithSecret):
    """Ask for a channel and its bot's token, and whether the bot may post there."""

    page_title = "Connect a Telegram channel"
    template_name = "sharing/admin/social_account_connect_telegram.html"
    form_class = TelegramForm
    secret_field, account_field = "token", "channel"

    def get_initial(self) -> dict[str, Any]:
        """Fill in channel and server of the account that is to be connected again."""
        if self.again is None:
            return {}
        has_name = self.again.handle.startswith("@")
        usual = TELEGRAM_ORIGIN.endswith(f"//{self.again.host}")
        return {
            "channel": self.again.handle if has_name else self.again.remote_id,
            "server": "" if usual else self.again.host,
        }

    def sign_in(self, data: dict[str, Any], view: str, outbound: Outbound) -> SignedIn:
        """Ask what the bot may do in the channel."""
        token = Secret(data["token"])
        return connecting.telegram_account(
            data["server"], token, data["channel"], outbound, view=view
        )


class ConnectDemo(ConnectPage):
    """Connect the demo network with one click; nothing leaves this machine."""

    http_method_names = ["post"]  # noqa: RUF012 - as Django declares it

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Connect it, and return to the list."""
        try:
            done = demo_connecting.connect(
                redirect_uri=redirect_uri(), by=request.user, outbound=reaching.outbound()
            )
        except NotConnected as reason:
            messages.error(request, f"{reason}")
        else:
            names = " and ".join(each.account.handle for each in done)
            messages.success(
                request,
                f"The demo network is connected as {names}. What you post there stays on this machine.",
            )
        return redirect("social_accounts")


def _refused() -> str:
    """Return why this site cannot keep secrets, or ""."""
    try:
        connecting.require_keys()
    except connecting.KeysMissing as reason:
        return str(reason)
    return ""


def _denied(error: str) -> str:
    if error in {"", "access_denied"}:
        return "The server did not let this site in: the request was refused there."
    shown = error if error.isprintable() and error.isascii() else "something unreadable"
    return f"The server did not let this site in. It says: {shown[:80]}."


def _tell(request: HttpRequest, connected: Connected) -> None:
    account = connected.account
    where = f"{account.handle} on {network_name(account.network)}"
    if not connected.was:
        messages.success(request, f"{where} is connected.")
    elif account.state == _S.PAUSED:
        messages.success(request, f"{where} has fresh access. It is still paused.")
    else:
        messages.success(request, f"{where} is connected again. What waited for it goes out now.")
