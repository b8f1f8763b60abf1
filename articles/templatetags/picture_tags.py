"""Pictures that cannot cost a reader the page."""

import logging
from typing import Any

from django import template
from wagtail.images.models import Filter, ResponsiveImage

from articles import freshness

register = template.Library()

logger = logging.getLogger(__name__)

WIDTHS = ["width-{480,800,1200}"]


@register.simple_tag
def responsive_picture(image: Any, **attributes: Any) -> Any:
    """Return an image's `<img>` in several widths, or None where it or its file is lost or broken."""
    if not image:
        return None
    freshness.depends_on(freshness.image(image.pk))
    try:
        renditions = image.get_renditions(*Filter.expand_spec(WIDTHS))
    except (OSError, ValueError, RuntimeError, SyntaxError) as error:
        # Wagtail's own tag knows a lost file alone; unpacking a broken one raises any of these.
        logger.warning("Picture %d cannot be shown: %s", image.pk, type(error).__name__)
        return None
    return ResponsiveImage(renditions, attributes)
