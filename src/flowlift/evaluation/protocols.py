"""Protocols: what is compared on which frames, and how a data set's numbers are averaged."""

from dataclasses import dataclass

from flowlift.datasets.labelled import DataSet
from flowlift.errors import InputError


@dataclass(frozen=True)
class Protocol:
    """What a data set's numbers mean.

    `group`: the label whose groups count alike in the second mean. `headline`: the figure that papers report.
    `away`: joints that PCK and AUC leave out, or None where the protocol has neither. `absolute`: whether the unit is
    metres; else only P-MPJPE means something, and it is told in thousandths of the unit.
    """

    name: str
    split: str
    group: str
    headline: str
    away: tuple[str, ...] | None = None
    absolute: bool = True


PROTOCOLS = {
    protocol.name: protocol
    for protocol in (
        Protocol("human36m-p1", "test", "action", "mpjpe_mm"),
        Protocol("human36m-p2", "test", "action", "p_mpjpe_mm"),
        Protocol("mpi-inf-3dhp", "test", "sequence", "pck_150", away=("hip", "spine", "head")),
        Protocol("3dpw", "test", "sequence", "p_mpjpe_mm"),
        Protocol("animal3d", "test", "species", "p_mpjpe_mm", absolute=False),
        Protocol("hdm05", "test", "action", "p_mpjpe_mm"),
        Protocol("mocap", "all", "folder", "p_mpjpe_mm"),
    )
}
"""Human3.6M's P1 and P2 are one measurement with two headlines. Every frame that the data set calls valid counts."""

_BEGINNINGS = {
    "Human3.6M": "human36m-p1",
    "MPI-INF-3DHP": "mpi-inf-3dhp",
    "3DPW": "3dpw",
    "Animal3D": "animal3d",
    "CtrlAni3D": "animal3d",
    "HDM05": "hdm05",
}


def protocol_for(dataset: DataSet, name: str | None = None) -> Protocol:
    """A protocol by name, or the data set's own. Raises InputError for an unknown one."""
    if name is not None:
        if name not in PROTOCOLS:
            raise InputError(f"no protocol {name!r}; known: {', '.join(PROTOCOLS)}")
        return PROTOCOLS[name]
    found = next((own for start, own in _BEGINNINGS.items() if dataset.name.startswith(start)), "mocap")
    return PROTOCOLS[found]
