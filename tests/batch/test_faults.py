"""The benchmark of kills, with few of them; and that it sees what it looks for."""

import os
import sys
from pathlib import Path

import pytest

from flowlift.demo import synthesize
from flowlift.io import save

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


@pytest.fixture(autouse=True)
def _benchmarks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(BENCHMARKS)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
@pytest.mark.parametrize("name", ["lift", "batch", "train", "studio"])
def test_what_is_killed_loses_nothing(tmp_path: Path, name: str) -> None:
    if name == "train":
        pytest.importorskip("lightning_fabric")
    if name == "studio":
        pytest.importorskip("uvicorn")
    from faults import Tally, torment
    from kills import VICTIMS

    *_, tally = torment(VICTIMS[name](tmp_path), Tally(), 3, seed=1)
    assert tally.kills == 3
    assert tally.ends >= 2
    assert tally.complaints == []


def test_damage_is_seen(tmp_path: Path) -> None:
    from kills import Lift

    from flowlift.lifter import Lifter
    from flowlift.temporary import temporary_name

    victim = Lift(tmp_path, frames=6)
    poses = Lifter.load("human-fast")(synthesize(seconds=0.2).keypoints, hypotheses=1)
    out = tmp_path / "out"
    for suffix in ("npz", "csv", "html", "bvh"):
        save(poses, out / f"walk.{suffix}")
    assert list(victim.after_kill()) == []
    for path in out.glob("walk.*"):
        whole = path.read_bytes()
        path.write_bytes(whole[: 2 * len(whole) // 3])
        (complaint,) = victim.after_kill()
        assert complaint.startswith(f"damaged: {path.name}")
        path.write_bytes(whole)
    (out / temporary_name(".npz")).touch()
    (tmp_path / "tmp").mkdir()
    (tmp_path / "tmp" / "forgotten").touch()
    (out / "walk.csv").unlink()
    complaints = list(victim.after_end())
    assert sorted(complaint.partition(":")[0] for complaint in complaints) == ["left over", "left over", "lost"]


@pytest.mark.parametrize("what", ["files cannot grow: lift", "a detector that crashes"])
def test_places_where_nothing_can_be_written(tmp_path: Path, what: str) -> None:
    from places import PLACES, try_place

    (place,) = (place for place in PLACES if place.what == what)
    row = try_place(place, tmp_path)
    assert row is not None
    assert row[1] == 2
    assert str(row[2]).count("error: ") == 1
    assert row[3] == 0


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="mounts small disks, which takes root")
def test_full_and_read_only_disks(tmp_path: Path) -> None:
    from places import PLACES, try_place

    for place in (place for place in PLACES if place.mount):
        row = try_place(place, tmp_path)
        if row is None:
            pytest.skip("cannot mount a file system here, or a package is missing")
        assert row[1] == 2, row
        assert str(row[2]).startswith("`error: "), row
        assert row[3] == 0, row
