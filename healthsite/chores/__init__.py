"""Work that a save leaves behind and nobody waits for (docs/decisions/0016).

Wagtail asks for it through django-tasks: writing the search index, deleting files, purging caches. `backend`
writes it down in the transaction that causes it; Celery's workers do it a moment later (`actions`).
"""
