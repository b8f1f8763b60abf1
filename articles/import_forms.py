"""What a person sends to import an article: a file or pasted text, and how it is written."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from wagtail.admin.widgets import AdminAutoHeightTextInput

from articles.importing.imported import ImportedArticle
from articles.importing.pictures import with_known_pictures_only
from articles.importing.reading import read_article
from articles.importing.source import (
    LARGEST_SOURCE,
    ImportRefused,
    Source,
    SourceFormat,
    format_of,
    recognised_format,
    source_from_bytes,
    source_from_text,
)

RECOGNISE = "auto"


class _AnyText(forms.CharField):
    """Text as it came; what is wrong with it, the importer says with its line."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(strip=False, **kwargs)
        self.validators = []


class ImportForm(forms.Form):
    """Step one. Valid, it holds `article`, `raw_text` and `source_format`."""

    file = forms.FileField(
        required=False,
        label="File",
        help_text=f"A text or Markdown file in UTF-8, of at most {LARGEST_SOURCE // 1_000_000} MB.",
        widget=forms.ClearableFileInput(attrs={"accept": ".txt,.text,.md,.markdown,text/plain"}),
    )
    text = _AnyText(
        required=False,
        label="Or paste the text",
        help_text="The first line is the title. Blank lines part paragraphs; a short line between "
        "blank lines is a heading.",
        widget=AdminAutoHeightTextInput(attrs={"rows": 12}),
    )
    format = forms.ChoiceField(
        label="It is written as",
        choices=[
            (RECOGNISE, "Recognise it"),
            (SourceFormat.TEXT.value, "Plain text"),
            (SourceFormat.MARKDOWN.value, "Markdown"),
        ],
        initial=RECOGNISE,
        widget=forms.RadioSelect,
    )

    article: ImportedArticle
    raw_text: str
    source_format: SourceFormat

    def clean(self) -> dict[str, Any]:
        """Read the article; what the importer refuses is an error at the field that it came from."""
        cleaned: dict[str, Any] = super().clean() or {}
        if self.errors:
            return cleaned
        upload: UploadedFile[Any] | None = cleaned.get("file")
        text: str = cleaned.get("text") or ""
        if upload and text.strip():
            raise ValidationError(
                "There is a file and pasted text. Choose the file again without the text, or send the "
                "text alone."
            )
        if not upload and not text.strip():
            raise ValidationError("Choose a file, or paste a text.")
        try:
            source = self._upload(upload) if upload else self._pasted(text)
            name = upload.name or "" if upload else ""
            self.source_format = self._format(cleaned["format"], name, source)
            self.article = with_known_pictures_only(read_article(source, self.source_format))
        except ImportRefused as refusal:
            self.add_error("file" if upload else "text", str(refusal))
        return cleaned

    def _upload(self, upload: "UploadedFile[Any]") -> Source:
        # Its size is known before it is read.
        if (upload.size or 0) > LARGEST_SOURCE:
            raise ImportRefused(
                f"{upload.name} is over {LARGEST_SOURCE // 1_000_000} MB ({LARGEST_SOURCE:,} bytes)."
            )
        data = upload.read()
        source = source_from_bytes(data)
        self.raw_text = data.decode("utf-8-sig")
        return source

    def _pasted(self, text: str) -> Source:
        self.raw_text = text
        return source_from_text(text)

    def _format(self, chosen: str, name: str, source: Source) -> SourceFormat:
        if chosen != RECOGNISE:
            return SourceFormat(chosen)
        return format_of(name) or recognised_format(source.text)
