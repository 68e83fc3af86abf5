"""The command line's frame: help, version, and how what goes wrong is told."""

import contextlib
import errno
import io
import subprocess
import sys
import warnings
from importlib.metadata import version
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from flowlift.cli import main
from flowlift.cli.report import complain, guarded
from flowlift.errors import InputError
from flowlift.io.video import open_frames


def test_help_lists_the_commands(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    shown = capsys.readouterr().out
    for command in ("lift", "demo", "doctor"):
        assert f" {command} " in shown


def test_help_imports_no_command() -> None:
    code = "import sys; from flowlift.cli import main; main(['--help']); print('numpy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.endswith("False\n")


@pytest.mark.parametrize("command", ["lift", "demo", "doctor"])
def test_every_command_explains_itself(capsys: pytest.CaptureFixture[str], command: str) -> None:
    assert main([command, "--help"]) == 0
    assert f"Usage: flowlift {command}" in capsys.readouterr().out


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.strip() == version("flowlift")


def _raises(error: BaseException):
    def command() -> None:
        raise error

    return command


@pytest.mark.parametrize(
    ("error", "status", "line"),
    [
        (InputError("a.mp4: broken\nin two lines"), 2, "flowlift: error: a.mp4: broken in two lines"),
        (OSError(errno.ENOSPC, "No space left", "a.npz"), 2, "flowlift: error: a.npz: No space left"),
        (OSError("odd"), 2, "flowlift: error: odd"),
        (MemoryError(), 2, "flowlift: error: out of memory"),
        (KeyboardInterrupt(), 130, "flowlift: interrupted: nothing was finished"),
    ],
    ids=repr,
)
def test_what_goes_wrong_is_one_line(
    capsys: pytest.CaptureFixture[str], error: BaseException, status: int, line: str
) -> None:
    assert guarded(_raises(error)) == status
    told = capsys.readouterr().err
    assert told.startswith(line)
    assert told.count("\n") == 1


def test_a_bug_is_not_hidden() -> None:
    with pytest.raises(ZeroDivisionError):
        guarded(_raises(ZeroDivisionError()))


@pytest.mark.parametrize(("result", "status"), [(None, 0), (3, 3), ("text", 0), (0, 0)])
def test_status_of_a_command(result: object, status: int) -> None:
    assert guarded(lambda: result) == status


def test_own_warnings_are_lines_and_others_are_silent(capsys: pytest.CaptureFixture[str]) -> None:
    def command() -> None:
        warnings.warn_explicit("two\nlines", UserWarning, "x.py", 1, module="flowlift.io.openpose")
        warnings.warn_explicit("deprecated", DeprecationWarning, "x.py", 1, module="flowlift.io.openpose")
        warnings.warn_explicit("protobuf says", UserWarning, "y.py", 1, module="google.protobuf")

    assert guarded(command) == 0
    assert capsys.readouterr().err == "flowlift: warning: two lines\n"


@given(st.text())
def test_a_complaint_is_one_line(message: str) -> None:
    told = io.StringIO()
    with contextlib.redirect_stderr(told):
        complain("error", message)
    assert len(told.getvalue().splitlines()) == 1


def test_a_warning_is_told_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An overlay reads again what was lifted."""
    Image.new("RGB", (8, 8)).save(tmp_path / "a.png")
    (tmp_path / "b.heic").touch()
    assert guarded(lambda: [list(open_frames(tmp_path)) for _ in range(3)]) == 0
    assert capsys.readouterr().err.count("b.heic and the like (1) are passed over") == 1
