"""What belongs to accounts beside them: registrations at servers, and the one site that posts."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q


class NetworkApp(models.Model):
    """This site's registration at one server: made once, used for every account there."""

    # "https://host".
    origin = models.CharField(max_length=300)
    # Where the server sends an editor back to: another address needs another registration.
    redirect_uri = models.CharField(max_length=500)
    # Encrypted (sharing/posting/vault.py): the server's id of us and its secret.
    secrets = models.TextField(editable=False)
    registered_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["origin", "redirect_uri"], name="network_app_once")
        ]

    def __str__(self) -> str:
        return f"registration at {self.origin}"


class PostingSite(models.Model):
    """The one installation that posts from this database; a copy of it elsewhere does not (sharing/posting/installation.py)."""

    ONLY: ClassVar[int] = 1

    id = models.PositiveSmallIntegerField(primary_key=True, default=ONLY)
    # As in INSTANCE_ID, or in the file of the data folder.
    instance_id = models.CharField(max_length=64)
    site_url = models.CharField(max_length=300)
    # The database came out of a backup, and nobody has said yet that this site is the one to post.
    is_restored = models.BooleanField(default=False)
    # Since when it has been noticed that this is another site than the one that posted.
    paused_at = models.DateTimeField(null=True, blank=True)
    confirmed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    confirmed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = "site that posts"
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(id=1), name="posting_site_is_one")
        ]

    def __str__(self) -> str:
        return f"posts go out from {self.site_url}"
