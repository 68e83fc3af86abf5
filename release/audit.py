"""Whether any installed package has a known vulnerability (`pip-audit`, which asks PyPI's advisory service).

    python release/audit.py

Ends with 0: none known; 1: some are, listed; 3: nobody could be asked, so nothing is known. A package that the service
does not know counts as not audited, and is said.
"""

import json
import subprocess
import sys
from dataclasses import dataclass
from typing import Any

NONE_KNOWN, FOUND, NOT_ASKED = 0, 1, 3


@dataclass(frozen=True)
class Audit:
    """What came of it: an exit status, and lines to print."""

    status: int
    lines: list[str]


def judged(packages: list[dict[str, Any]]) -> Audit:
    """What pip-audit's answer means. A package has its `vulns`, or a `skip_reason`."""
    asked = [each for each in packages if "skip_reason" not in each]
    skipped = [each["name"] for each in packages if "skip_reason" in each and each["name"] != "flowlift"]
    bad = [(each, vulnerability) for each in asked for vulnerability in each["vulns"]]
    lines = [
        f"{each['name']} {each['version']}: {found['id']}, mended in {', '.join(found['fix_versions']) or 'no release'}"
        for each, found in bad
    ]
    if not asked:
        return Audit(NOT_ASKED, [*_offline(f"none of {len(packages)} packages is known to the service")])
    if skipped:
        lines.append(f"not audited, as the service does not know them: {', '.join(sorted(skipped))}")
    lines.append(f"{len(asked)} packages audited, {len(bad)} known vulnerabilities")
    return Audit(FOUND if bad else NONE_KNOWN, lines)


def _offline(why: str) -> list[str]:
    return [f"NOT AUDITED: {why}", "Is there a network, and does it lead to pypi.org? Nothing is known until it does."]


def audit() -> Audit:
    """Of the packages that are installed beside this Python."""
    command = [sys.executable, "-m", "pip_audit", "--format", "json", "--progress-spinner", "off", "--local"]
    done = subprocess.run(command, capture_output=True, text=True)
    try:
        return judged(json.loads(done.stdout)["dependencies"])
    except (ValueError, KeyError):
        said = done.stderr.strip().splitlines() or [f"pip-audit ended with status {done.returncode}"]
        return Audit(NOT_ASKED, _offline(said[-1]))


if __name__ == "__main__":
    found = audit()
    print("\n".join(found.lines))
    sys.exit(found.status)
