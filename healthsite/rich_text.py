"""The editor for rich text, which answers a form that no editor sent with 400 rather than 500."""

from typing import Any

from django.core.exceptions import BadRequest
from draftjs_exporter.error import ExporterException
from wagtail.admin.rich_text.editors.draftail import DraftailRichTextArea

_NOT_THE_EDITORS = (
    ExporterException,
    AttributeError,
    IndexError,
    KeyError,
    RecursionError,
    TypeError,
    ValueError,
)


class RichTextArea(DraftailRichTextArea):
    """Wagtail's editor. Wagtail itself fails on JSON that is not the editor's."""

    def value_from_datadict(self, data: Any, files: Any, name: str) -> Any:
        """Return the text as HTML; raises BadRequest for what the editor cannot have sent."""
        try:
            return super().value_from_datadict(data, files, name)
        except _NOT_THE_EDITORS as error:
            raise BadRequest("The form's text is not as the editor sends it.") from error
