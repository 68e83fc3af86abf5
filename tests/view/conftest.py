"""What the tests of the views share: a result with everything in it, and the page's own functions run by node."""

import json
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from importlib.resources import files

import numpy as np
import pytest

from flowlift.containers import Poses3D
from flowlift.demo import synthesize

Evaluate = Callable[[str], object]


@pytest.fixture(scope="session")
def walker() -> Poses3D:
    """Two seconds of the demo's truth as a lifter would give it: covariances, hypotheses, nobody where nobody is."""
    truth = synthesize(seconds=2.0).truth
    random = np.random.default_rng(5)
    nobody = np.isnan(truth.keypoints.xy).all(axis=(2, 3))
    factor = 0.05 * random.standard_normal((*truth.xyz.shape, 3))
    factor[:, :, truth.skeleton.root] = 0
    xyz, root = truth.xyz.copy(), truth.root.copy()
    xyz[nobody], root[nobody], factor[nobody] = np.nan, np.nan, np.nan
    drawn = np.einsum("fpjab,hjb->fphja", factor, random.standard_normal((6, *truth.xyz.shape[2:])))
    return replace(
        truth,
        xyz=xyz,
        root=root,
        cov=(factor @ np.swapaxes(factor, -1, -2)).astype(np.float32),
        hypotheses=(xyz[:, :, None] + drawn).astype(np.float32),
        provenance={"model": "human", "hypotheses": 6, "height_m": 1.7, "calibrated": True, "steps": None},
    )


@pytest.fixture(scope="session")
def javascript() -> Evaluate:
    """Evaluate an expression among the page's functions; its value (or what it promises) must be plain JSON.

    NaN becomes null.
    """
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed: the page's functions cannot be run")
    folder = files("flowlift.view") / "page"
    names = ("data.js", "paint.js", "timeline.js", "image.js", "orbit.js", "scene.js", "strip.js", "angles.js")
    functions = "\n".join((folder / name).read_text(encoding="utf-8") for name in names)

    def evaluate(expression: str) -> object:
        program = f"{functions}\n(async () => process.stdout.write(JSON.stringify(await ({expression}))))();"
        done = subprocess.run([node, "-"], input=program, capture_output=True, text=True, check=False, timeout=60)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return evaluate
