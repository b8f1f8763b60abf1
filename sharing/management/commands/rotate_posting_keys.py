"""Encrypt the secrets of social accounts with the newest key."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from sharing.posting.rotating import rotate_all

_WORDS = {
    "done": "encrypted with the newest key",
    "kept": "has the newest key already",
    "unreadable": "UNREADABLE with the keys in POSTING_KEYS; left as it is",
}


class Command(BaseCommand):
    help = (
        "Encrypt every secret of social accounts with the first key of POSTING_KEYS. It may be stopped and begun "
        "again. Ends with status 1 where a secret cannot be read."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        """Go through all of them, a line each."""
        counts = dict.fromkeys(_WORDS, 0)
        unreadable = []
        for each in rotate_all():
            counts[each.outcome] += 1
            if each.outcome == "unreadable":
                unreadable.append(each.name)
            self.stdout.write(f"{each.number} of {each.of}: {each.name}: {_WORDS[each.outcome]}")
        self.stdout.write(
            f"{counts['done']} encrypted, {counts['kept']} had the newest key, "
            f"{counts['unreadable']} unreadable."
        )
        if unreadable:
            raise CommandError(
                f"Cannot be read: {', '.join(unreadable)}. Add the key they were encrypted with to POSTING_KEYS and "
                "run this again, or connect those accounts again. Keep all keys until then."
            )
