"""Importing is quick and does nothing, and dependencies inside the package point one way."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import flowlift
from flowlift.demo import synthesize

PACKAGE = Path(flowlift.__file__).parent
MODULES = sorted(PACKAGE.rglob("*.py"))

# A module imports from its own layer and those above it in this table, never from below.
LAYERS = (
    (
        "errors",
        "quiet",
        "read_ahead",
        "one_thread",
        "temporary",
        "parent",
        "damage",
        "checksums",
        "format_version",
        "units",
        "plain_numbers",
        "kept_memory",
    ),
    (
        *("skeleton", "skeleton_tree", "animal_skeletons", "skeletons", "camera", "calibration", "clip_camera"),
        *("containers", "concatenate", "joint_words", "joint_names", "animal_rules", "conversion", "joint_report"),
        *("limb_alignment", "skeleton_words", "gaps", "limbs", "swap_search", "swaps", "contacts", "ground", "footing"),
        "balance",
        *("movement_dataset", "angles", "person_by_person", "pick_people"),
    ),
    (
        "adjacency",
        "flow",
        "sampling",
        "aggregate",
        "conditioning",
        "network",
        "lift_network",
        "simple_network",
        "normalizing_flow",
        "networks",
        "cuda",
        "screen",
        "published",
        "weights_only",
        "kalman",
        "temporal",
        "causal",
        "bone_lengths",
    ),
    ("runtime", "models", "cores", "graph_engine", "openvino_engine", "torch_engine"),
    ("lifter", "lifting"),
    (
        *("io", "detect", "datasets", "view", "demo", "demo_video", "demo_animal", "demo_animal_files"),
        *("track", "matching", "people"),
    ),
    ("clips", "pipeline", "batch", "verify", "training", "evaluation", "studio", "live", "bench"),
    ("cli", "__main__", "__init__"),
)
RANK = {name: rank for rank, names in enumerate(LAYERS) for name in names}


def _name(path: Path) -> str:
    """The part of the package that a file belongs to: its folder or, at the top, its own name."""
    return path.relative_to(PACKAGE).with_suffix("").parts[0]


def _imported(tree: ast.AST) -> Iterator[str]:
    """Parts of flowlift that a module imports, anywhere in it."""
    for node in ast.walk(tree):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module == "flowlift":
            names = [f"flowlift.{alias.name}" for alias in node.names if alias.name != "__version__"]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module]
        for name in names:
            parts = name.split(".")
            if parts[0] == "flowlift":
                known = len(parts) > 1 and ((PACKAGE / parts[1]).is_dir() or (PACKAGE / f"{parts[1]}.py").is_file())
                yield parts[1] if known else "__init__"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_dependencies_point_one_way(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    here = _name(path)
    assert here in RANK, f"{here} has no place in the table of layers yet"
    upward = {name for name in _imported(tree) if RANK[name] > RANK[here]}
    assert not upward, f"{here} must not import {upward}: dependencies point from the command line to the containers"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_annotations_exist_at_run_time(path: Path) -> None:
    """Shape checks read the annotations, so they must not be strings, nor name what only a type checker imports."""
    source = path.read_text(encoding="utf-8")
    assert "from __future__ import annotations" not in source
    assert "TYPE_CHECKING" not in source or path == PACKAGE / "__init__.py"  # it annotates nothing with them


def _python(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def _cpu_seconds(code: str) -> float:
    """CPU time that some lines take in a fresh interpreter: the best of three, so that a busy machine passes too."""
    timed = f"import time; start = time.process_time()\n{code}\nprint(time.process_time() - start)"
    return min(float(_python(timed).splitlines()[-1]) for _ in range(3))


def test_import_is_quick() -> None:
    assert _cpu_seconds("import flowlift") < 0.3


def test_help_is_quick() -> None:
    assert _cpu_seconds("from flowlift.cli import main\nmain(['--help'])") < 0.6


@pytest.mark.parametrize("module", ["flowlift", "flowlift.cli", "flowlift.pipeline"])
def test_import_loads_no_engine(module: str) -> None:
    heavy = ("torch", "mediapipe", "rtmlib", "onnxruntime", "av", "pandas", "cv2", "PIL.Image", "matplotlib")
    loaded = _python(f"import sys, {module}; print(*sorted(set({heavy!r}) & set(sys.modules)))")
    assert loaded == ""


def test_public_names_arrive() -> None:
    names = ("lift", "load", "save", "Lifter", "Keypoints2D", "Poses3D", "Camera", "Skeleton")
    missing = [name for name in names if not hasattr(flowlift, name)]
    assert not missing
    assert set(names) <= set(dir(flowlift))


def test_what_the_docs_name_is_there_after_importing_flowlift_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    root = PACKAGE.parents[1]
    pages = [path.read_text(encoding="utf-8") for path in (root / "README.md", *(root / "docs").glob("*.md"))]
    named = sorted(set(re.findall(r"`(flowlift\.[a-z_]+(?:\.[a-z_]+)?)\b", "\n".join(pages))))
    assert "flowlift.track.track" in named
    for name in {*(name.removeprefix("flowlift.") for name in named), *dir(flowlift)} - {"__version__"}:
        first, _, rest = name.partition(".")
        if first in vars(flowlift):
            monkeypatch.delattr(flowlift, first)  # as if nothing had imported it yet
        found = getattr(flowlift, first)
        assert not rest or hasattr(found, rest), name


def test_what_is_given_wrongly_is_told_in_a_line(tmp_path: Path) -> None:
    """Without the types that tests check."""
    flowlift.save(synthesize(seconds=0.1).keypoints, tmp_path / "clip.npz")
    code = f"""
clip_file = {str(tmp_path / "clip.npz")!r}
import flowlift, flowlift.demo
from contextlib import suppress
clip = flowlift.demo.synthesize(seconds=0.1)
keypoints, lifter = clip.keypoints, flowlift.Lifter.load("human-fast")
for wrong in (
    lambda: flowlift.lift(keypoints),
    lambda: flowlift.lift(None),
    lambda: lifter(clip.truth),
    lambda: lifter(keypoints, camera="x.toml"),
    lambda: lifter(keypoints, smooth=None),
    lambda: lifter(keypoints, smooth=True),
    lambda: lifter(keypoints, height=[1.7, 1.8]),
    lambda: lifter(keypoints, height="1.7"),
    lambda: flowlift.load(clip_file, image_size="1280x720"),
    lambda: flowlift.load(clip_file, image_size=(1280.5, 720)),
    lambda: flowlift.load(clip_file, fps="30"),
    lambda: flowlift.load(clip_file, min_score="0.5"),
    lambda: flowlift.load(clip_file, skeleton=flowlift.Skeleton.named("coco17")),
    lambda: flowlift.lift(clip_file, start="0.05"),
    lambda: flowlift.lift(clip_file, end="9"),
    lambda: flowlift.lift(clip_file, fov="65"),
    lambda: flowlift.lift(clip_file, focal=[1400, 1400]),
    lambda: flowlift.save(keypoints, clip_file, format=3),
    lambda: flowlift.save(None, "x.npz"),
):
    with suppress(flowlift.FlowliftError):
        wrong()
        print("it was taken")
"""
    assert _python(code) == ""


def test_what_is_not_there_is_no_attribute() -> None:
    assert not any(hasattr(flowlift, name) for name in ("unicorn", "_parent", "lift2", "unicorn.horn"))
