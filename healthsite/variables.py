"""Environment variables that may name a file: `NAME`, or `NAME_FILE` for a secret kept in one.

Standard library only: the supervisor reads the same variables as the settings and knows no Django.
"""

import os

_LONGEST = 64 * 1024


class VariableError(ValueError):
    """A variable cannot be read; the sentence names it and says what to do."""


def read(name: str) -> str:
    """Return the value of `NAME`, or the one line in the file that `NAME_FILE` names, or "".

    Raises VariableError where both are set, or the file cannot be read, is empty or holds more than a
    line.
    """
    value = os.environ.get(name, "")
    variable = f"{name}_FILE"
    file = os.environ.get(variable, "").strip()
    if not file:
        return value
    if value.strip():
        raise VariableError(f"Set {name} or {variable}, not both.")
    try:
        # Not all of it: the path may be that of a device by mistake.
        with open(file, "rb") as stream:
            content = stream.read(_LONGEST + 1).decode()
    except UnicodeDecodeError:
        raise VariableError(f"{variable} is {file}, which is not text in UTF-8.") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise VariableError(f"{variable} is {file}, which cannot be read: {reason}.") from error
    # As a shell's $(< file), by which the PostgreSQL image reads its own: both must see one password.
    content = content.rstrip("\n")
    if not content.strip():
        raise VariableError(f"{variable} is {file}, which is empty.")
    if len(content) > _LONGEST or "\n" in content or "\0" in content:
        raise VariableError(f"{variable} is {file}, which holds more than one line of text.")
    return content
