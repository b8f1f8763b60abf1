"""Wagtail's views for signing in, with 429 and Retry-After while there is a wait."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from wagtail.admin.views.account import LoginView, PasswordResetView

from healthsite.signing_in import attempts, devices
from healthsite.signing_in.forms import too_many


@method_decorator(never_cache, name="dispatch")
class SignInView(LoginView):
    """Wagtail's log-in page. `SignInForm` counts."""

    def form_valid(self, form: Any) -> HttpResponse:
        """Sign in, and know this browser from now on."""
        response: HttpResponse = super().form_valid(form)
        devices.remember(self.request, response, form.cleaned_data["username"])
        return response

    def form_invalid(self, form: Any) -> HttpResponse:
        """Show the form again with the name as it was typed."""
        response: HttpResponse = super().form_invalid(form)
        return _waiting(response, form.wait) if form.wait else response


@method_decorator(never_cache, name="dispatch")
class ForgottenPasswordView(PasswordResetView):
    """Wagtail's page for a forgotten password, limited."""

    def form_valid(self, form: Any) -> HttpResponse:
        """Send the message, unless the mailbox got enough of them; the answer is the same."""
        if wait := attempts.take(attempts.RESET_FROM_ADDRESS, attempts.where_from(self.request)):
            form.add_error(None, too_many(wait))
            return _waiting(self.render_to_response(self.get_context_data(form=form)), wait)
        mailbox = attempts.folded(form.cleaned_data["email"])
        if attempts.take(attempts.RESET_TO_MAILBOX, mailbox):
            return HttpResponseRedirect(str(self.success_url))
        response: HttpResponse = super().form_valid(form)
        return response


def limited(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Return a view of a shared password's form that takes so many guesses from one address."""

    @wraps(view)
    def limited_view(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.method != "POST":
            return view(request, *args, **kwargs)
        address = attempts.where_from(request)
        if wait := attempts.take(attempts.SHARED_PASSWORD, address):
            answer = HttpResponse(too_many(wait), status=429, content_type="text/plain")
            return _waiting(answer, wait)
        response = view(request, *args, **kwargs)
        if response.status_code == 302:
            attempts.give_back(attempts.SHARED_PASSWORD, address)
        return response

    return limited_view


def _waiting(response: HttpResponse, wait: int) -> HttpResponse:
    response.status_code = 429
    response.headers["Retry-After"] = str(wait)
    return response
