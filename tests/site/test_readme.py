"""The README's commands, variables and files exist, and nothing is missing from its tables."""

import re
from pathlib import Path

import pytest

from healthsite.paths import PROJECT_ROOT

README = (PROJECT_ROOT / "README.md").read_text(encoding="utf-8")
MAKEFILE = (PROJECT_ROOT / "Makefile").read_text(encoding="utf-8")


def test_every_make_target_named_exists() -> None:
    named = set(re.findall(r"\bmake ([\w-]+)\b", README))
    assert {"run", "test", "check"} <= named
    targets = set(re.findall(r"^([a-z-]+):", MAKEFILE, re.MULTILINE))
    assert named <= targets


def test_every_file_linked_to_exists() -> None:
    for address in re.findall(r"\]\(([^)#]+)\)", README):
        if "://" not in address:
            assert (PROJECT_ROOT / address).exists(), address


def test_every_variable_that_the_settings_read_is_in_the_table() -> None:
    settings = (PROJECT_ROOT / "healthsite" / "settings.py").read_text(encoding="utf-8")
    read = set(re.findall(r"env\.\w+\(\s*\"([A-Z_]+)\"", settings)) | {"PORT", "HEALTHSITE_DATA"}
    table = set(re.findall(r"^\| `([A-Z_]+)` \|", README, re.MULTILINE))
    assert read <= table
    code = "\n".join(
        file.read_text(encoding="utf-8") for file in Path(PROJECT_ROOT, "healthsite").rglob("*.py")
    )
    assert all(name in code for name in table)


@pytest.mark.parametrize("folder", re.findall(r"^ {0,2}(\w+)/ ", README, re.MULTILINE))
def test_every_folder_of_the_tree_exists(folder: str) -> None:
    assert (PROJECT_ROOT / folder).is_dir() or (PROJECT_ROOT / "sharing" / folder).is_dir()
