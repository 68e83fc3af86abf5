"""What is written to file descriptor 2 in the block is gone; before, after and elsewhere it is not."""

import os
import subprocess
import sys

import pytest

from flowlift.quiet import quiet_stderr


def test_native_writes_are_silenced_only_inside(capfd: pytest.CaptureFixture[str]) -> None:
    os.write(2, b"before\n")
    print("python before", file=sys.stderr)
    with quiet_stderr():
        os.write(2, b"inside\n")
        os.write(1, b"out\n")
    os.write(2, b"after\n")
    shown = capfd.readouterr()
    assert shown.err == "before\npython before\nafter\n"
    assert shown.out == "out\n"


def test_an_error_restores_it(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(KeyboardInterrupt), quiet_stderr():
        raise KeyboardInterrupt
    os.write(2, b"after\n")
    assert capfd.readouterr().err == "after\n"


def test_it_nests_and_leaks_no_descriptor(capfd: pytest.CaptureFixture[str]) -> None:
    before = os.dup(0)
    os.close(before)
    for _ in range(50):
        with quiet_stderr(), quiet_stderr():
            os.write(2, b"inside\n")
    after = os.dup(0)
    os.close(after)
    assert after == before
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("prepare", ["os.close(2)", "sys.stderr.close()", "sys.stderr = None; os.close(2)"])
def test_a_program_without_stderr_runs_on(prepare: str) -> None:
    code = f"import os, sys; {prepare}\nfrom flowlift.quiet import quiet_stderr\nwith quiet_stderr(): print(7)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "7\n")
