"""Long work says how far it is: on a terminal in one line, elsewhere a line a step."""

import io

from healthsite.backup.progress import Progress, size


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def work(output: io.StringIO) -> str:
    progress = Progress(output)
    progress.start("media", 2000)
    progress._drawn_at = 0.0
    progress.advance(1000)
    progress.finish("2 files")
    return output.getvalue()


def test_a_terminal_sees_a_percentage_in_a_line_that_is_written_over() -> None:
    said = work(Terminal())
    assert "media: 50 % (1.0 kB of 2.0 kB)" in said
    assert said.count("\n") == 1
    assert said.endswith("media: 2 files\n")


def test_elsewhere_each_step_is_one_plain_line() -> None:
    assert work(io.StringIO()) == "media: 2 files\n"


def test_sizes_are_told_in_powers_of_a_thousand() -> None:
    assert [size(count) for count in (0, 999, 1000, 1_500_000, 2 * 10**12)] == [
        "0 bytes", "999 bytes", "1.0 kB", "1.5 MB", "2.0 TB",
    ]  # fmt: skip
