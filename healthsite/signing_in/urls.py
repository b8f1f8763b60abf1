"""Every form that takes a password, in place of Wagtail's; mounted before Wagtail's own addresses."""

from django.urls import path
from django.views.generic import RedirectView
from wagtail import views as wagtail_views
from wagtail.documents.views import serve

from healthsite.signing_in.views import ForgottenPasswordView, SignInView, limited

urlpatterns = [
    path("admin/login/", SignInView.as_view()),
    path("admin/password_reset/", ForgottenPasswordView.as_view()),
    # Wagtail has a second log-in form, which nothing would limit.
    path(
        "_util/login/", RedirectView.as_view(pattern_name="wagtailadmin_login", query_string=True)
    ),
    path(
        "_util/authenticate_with_password/<int:page_view_restriction_id>/<int:page_id>/",
        limited(wagtail_views.authenticate_with_password),
        name="page_password",
    ),
    path(
        "documents/authenticate_with_password/<int:restriction_id>/",
        limited(serve.authenticate_with_password),
        name="collection_password",
    ),
]
