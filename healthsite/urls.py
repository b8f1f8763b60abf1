"""Every mount point."""

from django.conf import settings
from django.templatetags.static import static
from django.urls import include, path, re_path
from django.views.generic import RedirectView
from wagtail import urls as wagtail_urls
from wagtail.admin import urls as wagtailadmin_urls
from wagtail.documents import urls as wagtaildocs_urls

from healthsite import feed, health, metrics, sitemaps, views
from healthsite.delivery.keeping import kept


class Favicon(RedirectView):
    """Send browsers that guess the address to the icon."""

    def get_redirect_url(self, *args: object, **kwargs: object) -> str:
        """Return the icon's address, which changes with its content."""
        return static("healthsite/icon.svg")


urlpatterns = [
    # First, because nothing else here should be as quick.
    path("", include("sharing.urls")),
    path("healthz", health.healthz),
    path("readyz", health.readyz),
    path("metrics", metrics.metrics),
    path("", include("healthsite.signing_in.urls")),
    path("admin/", include(wagtailadmin_urls)),
    re_path(r"^documents/(\d+)/(.*)$", views.document),
    path("documents/", include(wagtaildocs_urls)),
    path("api/v1/", include("healthsite.api")),
    path("privacy/", kept(views.privacy), name="privacy"),
    path("robots.txt", kept(views.robots)),
    path("feed.xml", feed.feed, name="feed"),
    path("sitemap.xml", sitemaps.index, name="sitemap"),
    # Each file at one address alone: what is kept by address must not grow by “007”.
    re_path(r"^sitemap-(?P<number>0|[1-9][0-9]{0,14})\.xml$", sitemaps.part, name="sitemap_part"),
    re_path(
        r"^sitemap-(?P<number>0|[1-9][0-9]{0,14})-(?P<page>[2-9]|[1-9][0-9]{1,5})\.xml$",
        sitemaps.part,
        name="sitemap_part_page",
    ),
    path("favicon.ico", Favicon.as_view()),
    re_path(rf"^{settings.MEDIA_URL.strip('/')}/(?P<path>.+)$", views.media),
    path("", include(wagtail_urls)),
]

handler400 = views.bad_request
handler403 = views.forbidden
handler404 = views.not_found
handler500 = views.server_error
