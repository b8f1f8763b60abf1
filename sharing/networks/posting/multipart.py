"""Write a form with one file in it (RFC 7578)."""

from collections.abc import Mapping
from uuid import uuid4

from sharing.networks.posting.contract import Media


def form(fields: Mapping[str, str], media: Media) -> tuple[str, bytes]:
    """Return the content type, with its boundary, and the body; empty fields are left out."""
    boundary = f"healthsite-{uuid4().hex}"
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in fields.items()
        if value
    ]
    # A name of our own: an editor's file name may hold quotes, line breaks, or somebody's name.
    extension = media.type.rpartition("/")[2]
    parts += [
        f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="image.{extension}"'
        f"\r\nContent-Type: {media.type}\r\n\r\n".encode(),
        media.data,
        f"\r\n--{boundary}--\r\n".encode(),
    ]
    return f"multipart/form-data; boundary={boundary}", b"".join(parts)
