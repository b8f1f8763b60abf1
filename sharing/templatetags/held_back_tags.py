"""What editors are told of shares that are held back."""

from django import template

from sharing import burst_queries

register = template.Library()


@register.simple_tag
def held_back(page_id: int | str | None = None) -> burst_queries.Undecided:
    """Return what waits for a decision, of one article and its sections, or where none is named of all."""
    return burst_queries.undecided(int(page_id) if page_id else None)
