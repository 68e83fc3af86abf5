"""What a killed process leaves is removed; what anybody may still be writing is not."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from flowlift.io.atomic import written_whole
from flowlift.models.folders import made_whole
from flowlift.temporary import remove_stale, temporary_name

_WRITING = """
import sys, time
from pathlib import Path
from flowlift.io.atomic import written_whole
with written_whole(Path(sys.argv[1])) as beside:
    beside.write_text("half")
    print("writing", flush=True)
    time.sleep(60)
"""


def of_process(name: str, process: int) -> str:
    return re.sub(r"-\d+-", f"-{process}-", name)


@pytest.mark.skipif(sys.platform == "win32", reason="which processes live is not asked there")
def test_what_a_killed_process_was_writing_goes_and_what_it_had_written_stays(tmp_path: Path) -> None:
    (tmp_path / "poses.npz").write_text("whole")
    with subprocess.Popen([sys.executable, "-c", _WRITING, tmp_path / "poses.npz"], stdout=subprocess.PIPE) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == b"writing\n"
        remove_stale(tmp_path)
        assert len(list(tmp_path.iterdir())) == 2  # it is still at it
        writer.send_signal(signal.SIGKILL)
        writer.wait()
        remove_stale(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["poses.npz"]
    assert (tmp_path / "poses.npz").read_text() == "whole"


def test_other_machines_have_a_day(tmp_path: Path) -> None:
    elsewhere = re.sub(r"flowlift-\w{8}", "flowlift-0badcafe", of_process(temporary_name(), 1))
    (tmp_path / elsewhere).mkdir()
    (tmp_path / ".flowlift-notes").touch()
    remove_stale(tmp_path)
    assert (tmp_path / elsewhere).exists()
    os.utime(tmp_path / elsewhere, (0, time.time() - 90_000))
    os.utime(tmp_path / ".flowlift-notes", (0, 0))
    remove_stale(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [".flowlift-notes"]


def test_a_folder_that_is_not_there_is_clean(tmp_path: Path) -> None:
    remove_stale(tmp_path / "nowhere")


@pytest.mark.parametrize("length", [1, 250])
def test_temporary_names_fit_beside_any_name(tmp_path: Path, length: int) -> None:
    path = tmp_path / ("n" * length + ".npz")
    with written_whole(path) as beside:
        beside.write_text("whole")
    assert path.read_text() == "whole"


def test_a_folder_whose_exchange_broke_off_comes_back(tmp_path: Path) -> None:
    """Between two renames the name is free: whoever writes next finds the old folder set aside."""
    (tmp_path / ".model.old").mkdir()
    (tmp_path / ".model.old" / "card").write_text("old")
    with made_whole(tmp_path / "model") as folder:
        assert (tmp_path / "model" / "card").read_text() == "old"
        (folder / "card").write_text("new")
    assert [path.name for path in tmp_path.iterdir()] == ["model"]
    assert (tmp_path / "model" / "card").read_text() == "new"
