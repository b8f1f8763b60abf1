"""What articles tell others, who listen without articles knowing them."""

from django.dispatch import Signal

# Sent inside the transaction that saved an article's public state: publish, unpublish, revert, copy.
# `article`: the ArticlePage as saved; its section rows are already synchronised.
article_state_saved = Signal()

# Sent after the commit of a change of what readers see. `changes`: (name, number) pairs (articles.freshness).
names_changed = Signal()

# Sent inside the transaction that changes what readers see. `names`: what was touched (articles.freshness).
names_touched = Signal()
