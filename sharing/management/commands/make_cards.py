"""`manage.py make_cards`"""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from sharing import card_actions, card_queries

_TELL_EVERY = 50


class Command(BaseCommand):
    help = (
        "Draw the share cards that are wanted and not there, those that failed too, and say how far it is. "
        "The worker does the same every few seconds; both may run at once, and either may be killed."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--all",
            action="store_true",
            help="first read every published article again and look for each card's file",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["all"]:
            card_actions.read_all_anew()
        card_actions.try_failed_again()
        made = 0
        while True:
            before = card_queries.progress()
            for _ in card_actions.making_cards():
                made += 1
                if made % _TELL_EVERY == 0:
                    self.stdout.write(f"{made} drawn")
            now = card_queries.progress()
            # A sweep takes articles and looks in batches; one that moved nothing ends it.
            if now == before:
                break
        self.stdout.write(f"{now.cards} cards: {made} drawn now, {now.waiting} waiting.")
        for card in card_queries.troubled(20):
            state = "failed" if card_queries.has_failed(card) else "to be tried again"
            self.stdout.write(f"{state}: {card.target.label}: {card_queries.trouble(card)}")
