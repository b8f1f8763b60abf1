"""What articles tell others, who listen without articles knowing them."""

from django.dispatch import Signal

# Sent inside the transaction that saved an article's public state: publish, unpublish, revert, copy.
# `article`: the ArticlePage as saved; its section rows are already synchronised. `taken_down`: whether readers
# could open it until now, and no more; a draft that was never published is not taken down when it is saved.
article_state_saved = Signal()

# Sent inside the transaction that deletes an article. `page_id`: its id.
article_deleted = Signal()

# Sent after the commit of a change of what readers see. `changes`: (name, number) pairs (articles.freshness).
names_changed = Signal()

# Sent inside the transaction that changes what readers see. `names`: what was touched (articles.freshness).
names_touched = Signal()
