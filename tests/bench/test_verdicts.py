"""What wrk says is read right, and a bar that is missed is said to be missed."""

import json
import subprocess
import sys

import pytest

from bench import __main__ as bench
from bench.load import Load, medians, parse
from bench.missing import NotMeasured, program
from bench.report import Bar, finish
from healthsite.paths import PROJECT_ROOT

SAID = """Running 2s test @ http://127.0.0.1:8101/
  1 threads and 32 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     0.90ms  688.56us  21.98ms   87.46%
  Latency Distribution
     50%  812.00us
     99%    3.91ms
  114569 requests in 4.01s, 1.13GB read
  Socket errors: connect 0, read 2, write 0, timeout 1
  Non-2xx or 3xx responses: 4
Requests/sec:  28589.91
"""


def test_what_wrk_says_is_read() -> None:
    assert parse(SAID) == Load(requests=114569, rate=28589.91, p99=0.00391, errors=7)
    with pytest.raises(ValueError, match="unable to connect"):
        parse("unable to connect to 127.0.0.1:1 Connection refused")


def test_medians_are_of_each_figure_and_errors_add_up() -> None:
    loads = [Load(100, rate, p99, 1, cpu) for rate, p99, cpu in ((1, 9, 1), (5, 1, 2), (3, 4, 9))]
    found = medians(loads)
    assert (found.rate, found.p99, found.errors) == (3, 4, 3)
    assert found.cpu_per_request == pytest.approx(0.02)


@pytest.mark.parametrize(
    ("bar", "status", "word"),
    [
        (Bar("ratio", 0.5, 0.5), 0, "met"),
        (Bar("ratio", 0.49, 0.5), 1, "MISSED"),
        (Bar("p99", 2.1, 2.0, at_most=True), 1, "MISSED"),
        (Bar("ratio", 0.4, 0.7, is_target=True), 0, "target missed"),
    ],
)
def test_the_last_line_is_json_and_the_status_says_whether_a_bar_was_missed(
    bar: Bar, status: int, word: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert finish("some", ratio=bar.value, against="a peer", bars=[bar], lost=0) == status
    *_, line = capsys.readouterr().out.splitlines()
    said = json.loads(line)
    assert (said["bench"], said["against"], said["passed"]) == ("some", "a peer", not status)
    assert said["lost"] == 0
    assert finish("some", ratio=1, against="", bars=[bar]) == status
    assert f"{word}  {bar.what}" in capsys.readouterr().out


def test_a_missing_program_is_named_with_the_way_to_install_it() -> None:
    with pytest.raises(NotMeasured, match="apt install wrk"):
        program("no-such-program", "wrk")


def test_one_that_fails_does_not_hide_the_others(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def breaks() -> int:
        raise ZeroDivisionError

    def is_missing() -> int:
        raise NotMeasured("There is no wrk.")

    monkeypatch.setattr(
        bench, "BENCHES", {"a": breaks, "b": is_missing, "c": lambda: 0, "d": lambda: 1}
    )
    assert bench.main([]) == 1
    assert bench.main(["c"]) == 0
    assert bench.main(["c", "b"]) == 2
    assert bench.main(["c", "b", "d"]) == 1
    assert bench.main(["none"]) == 2
    assert "There are: a, b, c, d." in capsys.readouterr().out


def test_without_wrk_the_command_says_so_with_status_2() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "bench", "cold"],
        cwd=PROJECT_ROOT,
        env={"PATH": "", "HOME": "/"},
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (2, "")
    assert "not measured" in done.stdout


def test_make_bench_installs_and_hands_the_name_over() -> None:
    done = subprocess.run(
        ["make", "--no-print-directory", "bench", "BENCH=no-such"],
        cwd=PROJECT_ROOT,
        capture_output=True,
        text=True,
    )
    # make's own status for a command that failed.
    assert done.returncode == 2
    assert "There is no bench 'no-such'" in done.stdout, done.stderr
