"""The picture that networks show beside a shared article or section: plain Python and Pillow, no Django."""

from sharing.cards.content import CardContent, Design, Face
from sharing.cards.drawing import SIZE, draw, shows_title, title_box

__all__ = ["SIZE", "CardContent", "Design", "Face", "draw", "shows_title", "title_box"]
