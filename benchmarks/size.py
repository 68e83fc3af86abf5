"""How much disk a base installation takes, weights included. Writes docs/results/size.json and prints the table.

Run it with the Python of an environment that holds flowlift: what flowlift's extras add is not counted, nor is the
bytecode that Python writes beside the files.

    python benchmarks/size.py
"""

import re
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from pages import as_markdown, save_result

import flowlift
from flowlift.bench.machine import describe_machine


def closure(package: str) -> set[str]:
    """A package and all that it needs, without extras."""
    found, waiting = set[str](), [package]
    while waiting:
        name = re.split(r"[^\w.-]", waiting.pop())[0].lower().replace("_", "-")
        if name in found:
            continue
        try:
            needs = distribution(name).requires or []
        except PackageNotFoundError:  # for another system or Python
            continue
        found.add(name)
        waiting += [need for need in needs if "extra ==" not in need]
    return found


def mebibytes(package: str) -> float:
    """Size of a package's files."""
    if package == "flowlift":  # it may be installed in place, where its files are not listed
        files = [path for path in Path(flowlift.__file__).parent.rglob("*") if path.is_file()]
    else:
        files = [Path(str(file.locate())) for file in distribution(package).files or []]
    return sum(file.stat().st_size for file in files if file.suffix != ".pyc" and file.is_file()) / 2**20


def main() -> None:
    sizes = {name: mebibytes(name) for name in closure("flowlift")}
    largest = sorted(sizes, key=lambda name: -sizes[name])[:6]
    rows = [[name, distribution(name).version, f"{sizes[name]:.0f}"] for name in largest]
    rows.append(["all together", "", f"{sum(sizes.values()):.0f}"])
    machine = describe_machine()
    notes = [f"Python {machine['python']} on {machine['system']}, with the versions of `requirements/ci.txt`."]
    result = {"columns": ["package", "version", "MiB"], "rows": rows, "notes": notes, "machine": machine}
    save_result("size", {**result, "mebibytes": sizes})
    print(as_markdown(result))


if __name__ == "__main__":
    main()
