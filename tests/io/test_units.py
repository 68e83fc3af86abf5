"""Poses that are not in metres say so in every format that has a unit, and come back in it."""

from dataclasses import replace

import numpy as np
import pytest

from flowlift import Poses3D, load, save
from flowlift.demo_animal import MOUSE, roam


def poses(unit: str) -> Poses3D:
    xyz = roam(seed=1, seconds=0.2).xyz[:, None] / 97.0
    root = xyz[:, :, MOUSE.root]
    cov = np.broadcast_to(np.eye(3) * 1e-4, (*xyz.shape, 3))
    return Poses3D(xyz - root[:, :, None], root + np.array([0, 0, 5]), cov, MOUSE, fps=30.0, provenance={"unit": unit})


@pytest.mark.parametrize("unit", ["m", "body lengths", "model units"])
@pytest.mark.parametrize("suffix", [".npz", ".json", ".trc"])
def test_what_is_written_comes_back_in_its_unit(tmp_path, suffix, unit):
    given = poses(unit)
    found = load(save(given, tmp_path / f"a{suffix}"))
    assert found.unit == unit
    np.testing.assert_allclose(found.absolute, given.absolute, atol=2e-5)


@pytest.mark.parametrize(("unit", "told"), [("m", "mm"), ("body lengths", "body lengths")])
def test_c3d_says_its_unit(tmp_path, unit, told):
    pytest.importorskip("ezc3d")
    from flowlift.io.c3d_markers import read, read_points
    from flowlift.io.hints import Hints

    given = poses(unit)
    path = save(given, tmp_path / "a.c3d")
    assert read_points(path).unit == told
    found = read(path, Hints())
    assert found.unit == unit
    np.testing.assert_allclose(np.ptp(found.absolute, axis=(0, 2)), np.ptp(given.absolute, axis=(0, 2)), rtol=1e-3)


def test_datasets_and_scenes_say_their_unit(tmp_path):
    pytest.importorskip("xarray")
    assert poses("body lengths").to_xarray().attrs["space_unit"] == "body lengths"
    assert replace(poses("m"), provenance={}).to_xarray().attrs["space_unit"] == "m"
    path = save(poses("body lengths"), tmp_path / "a.glb")
    assert b'"unit":"body lengths"' in path.read_bytes().replace(b'": "', b'":"')
