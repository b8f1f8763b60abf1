"""Pictures that code saves, without a form: they are cleaned as well."""

from typing import Any

from django.core.exceptions import ValidationError
from django.core.files.base import ContentFile
from django.db.models.signals import pre_save
from wagtail.images import get_image_model

from healthsite.uploads import pictures
from healthsite.uploads.marking import is_clean


def connect() -> None:
    """Listen to the image model."""
    pre_save.connect(
        clean_picture, sender=get_image_model(), dispatch_uid="healthsite.uploads.clean_picture"
    )


def clean_picture(sender: type, instance: Any, raw: bool = False, **kwargs: Any) -> None:
    """Clean a picture that is about to be stored; one that is none to be used raises ValidationError."""
    stored = instance.file
    # A file that lies in the storage already is left alone: whoever put it there went around this.
    if raw or not stored or stored._committed or is_clean(stored.file):
        return
    stored.file.seek(0)
    try:
        content = pictures.cleaned(stored.file.read())
    except pictures.Unusable as reason:
        raise ValidationError({"file": ValidationError(str(reason), code="unusable")}) from reason
    stored.file = ContentFile(content, name=stored.name)
    if instance.file_hash:
        instance._set_image_file_metadata()
