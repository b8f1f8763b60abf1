"""Wagtail's forms for pictures and documents, which every way to upload goes through.

`WAGTAILIMAGES_IMAGE_FORM_BASE` and `WAGTAILDOCS_DOCUMENT_FORM_BASE` name them: the single and the
multiple upload, the chooser's, and the form that replaces a file.
"""

from typing import Any, BinaryIO, cast

from django import forms
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from wagtail.documents.forms import BaseDocumentForm
from wagtail.images.fields import WagtailImageField
from wagtail.images.forms import BaseImageForm

from healthsite.uploads import documents, pictures
from healthsite.uploads.marking import is_clean, mark_clean


class PictureField(WagtailImageField):
    """Wagtail's field, which sees a picture only once it was checked and cleaned."""

    def to_python(self, data: Any) -> Any:
        """Return the picture; a file that is none to be used raises ValidationError."""
        file = forms.FileField.to_python(self, data)
        if file is None:
            return None
        self.check_image_file_size(file)
        if isinstance(file, UploadedFile) and not is_clean(file):
            try:
                content = pictures.cleaned(file.read())
            except pictures.Unusable as reason:
                raise ValidationError(str(reason), code="unusable") from reason
            # In place: where a form fails for another field, Wagtail keeps the upload itself.
            file.seek(0)
            file.truncate()
            file.write(content)
            file.seek(0)
            file.size = len(content)
            mark_clean(file)
        return super().to_python(data)


class PictureForm(BaseImageForm):
    """Wagtail's form with our field in the place of its own."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if field := self.fields.get("file"):
            self.fields["file"] = PictureField(
                label=field.label,
                required=field.required,
                max_length=field.max_length,
                widget=field.widget,
            )


class DocumentForm(BaseDocumentForm):
    """Wagtail's form, which also looks at what a document is."""

    def clean_file(self) -> Any:
        """Return the document; one that is not what it says raises ValidationError."""
        file = self.cleaned_data["file"]
        if isinstance(file, UploadedFile):
            try:
                documents.check(file.name or "", cast(BinaryIO, file.file))
            except documents.Unusable as reason:
                raise ValidationError(str(reason), code="unusable") from reason
        return file

    def _post_clean(self) -> None:
        """Keep to what was said of the file: Wagtail's model adds that no file has no extension."""
        said = list(self.errors.get("file", self.error_class()).as_data())
        super()._post_clean()
        if said:
            self.errors["file"] = self.error_class(said, renderer=self.renderer)
