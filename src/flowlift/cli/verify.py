"""`flowlift verify`: whether a result is what it claims."""

from typing import Annotated

from cyclopts import Parameter


def verify(
    result: str,
    /,
    *,
    source: str | None = None,
    model: str | None = None,
    tolerance: float = 1.0,
    quiet: Annotated[bool, Parameter(negative="")] = False,
) -> int:
    """Whether a result is unchanged, which model and source made it, and whether lifting its 2D again gives the same.

    Ends with status 0 where everything that could be compared is the same, 1 where something differs or the poses could
    not be lifted again. The 2D is taken from the result: what found it in a video does not run again.

    Parameters
    ----------
    result
        What `flowlift lift` wrote, as npz or JSON.
    source
        The video, images or keypoint file that it was made from, to be compared by its checksum.
    model
        The model that was used, where it is not found by its name: a folder or a .flowlift file.
    tolerance
        How far positions may be apart, mm (thousandths of the result's unit, where that is no metre).
    quiet
        Tell what differs only.
    """
    from flowlift.verify import verified
    from flowlift.verify import verify as findings_of

    findings = findings_of(result, source=source, model=model, tolerance=tolerance / 1000)
    for finding in findings:
        if not quiet or finding.state == "differs":
            print(f"{finding.what + ':':<9}{finding.state:<12}{finding.said}")
    passed = verified(findings)
    if not quiet:
        print("same" if passed else "differs" if any(f.state == "differs" for f in findings) else "not verified")
    return 0 if passed else 1
