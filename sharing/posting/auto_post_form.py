"""The form of the rule that posts by itself: what it says of accounts, and what it refuses."""

from typing import Any

from wagtail.admin.forms import WagtailAdminModelForm

from sharing.posting.models import SocialAccount

NOBODY = "Choose at least one account, or turn “Post automatically” off: without an account nothing is posted."
_NOBODY_CAN = (
    "It is on, and nothing is posted: none of the accounts that are chosen here can post now."
)


class AutoPostRuleForm(WagtailAdminModelForm):
    """Refuses a rule that is on and posts with no account, and says so where that came about later."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["template"].empty_label = "The default template"
        # The first choice says it.
        self.fields["template"].help_text = ""
        accounts = self.fields["accounts"]
        if not self.is_bound and self._posts_with_nobody():
            accounts.help_text = f"{_NOBODY_CAN} {accounts.help_text}"

    def clean(self) -> dict[str, Any]:
        """Refuse a rule that would do nothing in silence."""
        said: dict[str, Any] = super().clean()
        if said.get("is_on") and "accounts" in said and not said["accounts"]:
            self.add_error("accounts", NOBODY)
        return said

    def _posts_with_nobody(self) -> bool:
        rule = self.instance
        if rule.pk is None or not rule.is_on:
            return False
        return not rule.accounts.filter(state=SocialAccount.State.ACTIVE).exists()
