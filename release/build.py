"""A release as files: sdist, wheel, what they are made of (CycloneDX), and the SHA-256 of each.

    python release/build.py [OUT]

The same commit gives the same bytes: times are those of the last commit. Needs the `dev` extra.
"""

import json
import os
import re
import subprocess
import sys
import tomllib
from hashlib import file_digest
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[1]
SUMS = "SHA256SUMS"


def last_commit(root: Path) -> str:
    """Seconds of its time. Raises SystemExit where there is no repository to ask."""
    asked = subprocess.run(["git", "log", "-1", "--format=%ct"], cwd=root, capture_output=True, text=True)
    if asked.returncode or not asked.stdout.strip():
        sys.exit(f"{root}: no commit to take the time from: a release is built in a repository")
    return asked.stdout.strip()


def build(root: Path, out: Path) -> list[Path]:
    """Sdist and wheel, as hatchling makes them."""
    from hatchling.builders.sdist import SdistBuilder
    from hatchling.builders.wheel import WheelBuilder

    out.mkdir(parents=True, exist_ok=True)
    os.environ["SOURCE_DATE_EPOCH"] = last_commit(root)
    builders = (SdistBuilder(str(root)), WheelBuilder(str(root)))
    return [Path(path) for builder in builders for path in builder.build(directory=str(out), versions=["standard"])]


def bill_of_materials(root: Path, path: Path, *, version: str) -> Path:
    """What flowlift and its extras need, as it is installed here (`cyclonedx-py`), without the tools of development;
    and the models that the wheel holds."""
    command = [sys.executable, "-m", "cyclonedx_py", "environment", "--pyproject", str(root / "pyproject.toml")]
    command += ["--mc-type", "library", "--output-reproducible", "--of", "JSON", "-o", str(path)]
    subprocess.run(command, check=True)
    bill = json.loads(path.read_text(encoding="utf-8"))
    named = _needed(_names(root))
    needed = {each["bom-ref"] for each in bill["components"] if _plain(each["name"]) in named}
    bill["components"] = [each for each in bill["components"] if each["bom-ref"] in needed] + _models(root)
    main = bill["metadata"]["component"]["bom-ref"]
    bill["dependencies"] = [
        {**each, "dependsOn": [ref for ref in each.get("dependsOn", ()) if ref in needed]}
        for each in bill["dependencies"]
        if each["ref"] in needed or each["ref"] == main
    ]
    bill["metadata"]["component"]["version"] = version
    path.write_text(json.dumps(bill, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    return path


def _names(root: Path) -> set[str]:
    """Packages that flowlift names: always needed, or by an extra for users."""
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = (lines for extra, lines in project["optional-dependencies"].items() if extra != "dev")
    lines = [*project["dependencies"], *(line for extra in extras for line in extra)]
    return {_plain(re.split(r"[^\w.-]", line)[0]) for line in lines} - {"flowlift"}


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _needed(names: set[str]) -> set[str]:
    """Those packages, and all that they need where they are installed here: not what their extras would."""
    waiting = [(name, "") for name in names]
    seen: set[tuple[str, str]] = set()
    while waiting:
        name, extra = each = waiting.pop()
        if each in seen:
            continue
        seen.add(each)
        try:
            lines = distribution(name).requires or []
        except PackageNotFoundError:  # for another system, or an extra that is not installed
            continue
        for needed in map(Requirement, lines):
            if needed.marker is None or needed.marker.evaluate({"extra": extra}):
                waiting += [(_plain(needed.name), own) for own in ("", *needed.extras)]
    return {name for name, _ in seen}


def _models(root: Path) -> list[dict[str, Any]]:
    found = []
    for card in sorted((root / "src" / "flowlift" / "models").glob("*/model.json")):
        told = json.loads(card.read_text(encoding="utf-8"))
        weights = card.parent / "weights.safetensors"
        found.append(
            {
                "bom-ref": f"model {told['name']}",
                "type": "machine-learning-model",
                "name": told["name"],
                "version": told["version"],
                "hashes": [{"alg": "SHA-256", "content": _sum(weights)}],
            }
        )
    return found


def _sum(path: Path) -> str:
    with path.open("rb") as stream:
        return file_digest(stream, "sha256").hexdigest()


def write_sums(files: list[Path], path: Path) -> Path:
    """As `sha256sum --check` reads them."""
    lines = [f"{_sum(file)}  {file.name}\n" for file in sorted(files, key=lambda file: file.name)]
    path.write_text("".join(lines), encoding="utf-8")
    return path


def main() -> None:
    out = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "dist"
    made = build(ROOT, out)
    wheel = next(path for path in made if path.suffix == ".whl")
    name, version = wheel.name.split("-")[:2]
    made.append(bill_of_materials(ROOT, out / f"{name}-{version}.cdx.json", version=version))
    made.append(write_sums(made, out / SUMS))
    for path in made:
        print(path)


if __name__ == "__main__":
    main()
