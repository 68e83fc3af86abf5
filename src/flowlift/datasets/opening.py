"""Any data set from where it lies: by its kind, or recognised by the names of its files."""

from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from types import MappingProxyType
from typing import Any

from flowlift.datasets.labelled import DataSet
from flowlift.errors import InputError

KINDS = MappingProxyType(
    {
        "human36m": "human36m",
        "mpi_inf_3dhp": "mpi_inf_3dhp",
        "threedpw": "threedpw",
        "animal3d": "animal3d",
        "ctrlani3d": "animal3d",
        "mocap": "mocap_views",
        "hdm05": "hdm05",
    }
)
"""Each kind's module in `flowlift.datasets`; it has `matches(path) -> bool`, `opened(path, options) -> DataSet`, and
`TAKES`, the names of the options that it reads."""
_TOLD = ("keypoints", "cameras", "annotation")
"""What a user tells of a data set."""


@dataclass(frozen=True)
class DataSetOptions:
    """What opening a data set may need to know; each data set takes what concerns it.

    `keypoints`: which 2D keypoints (Human3.6M: the ending of its file; Animal3D: reprojected or annotated).
    `cameras`: a file of cameras. `annotation`: univ_annot3 or annot3 (MPI-INF-3DHP). `seed`: of virtual cameras.
    `kind`: set by `open_dataset` to the kind that was asked for, for modules that read two.
    """

    keypoints: str | None = None
    cameras: Path | None = None
    annotation: str | None = None
    seed: int = 0
    kind: str | None = None


def open_dataset(source: Path, *, kind: str | None = None, options: DataSetOptions = DataSetOptions()) -> DataSet:
    """The data set at a path: a folder or file, as its kind has it.

    Raises InputError for an unknown kind, a path that is not there, options that this data set has no use for, and,
    without a kind, for files that no data set or several are known by.
    """
    if kind is not None and kind not in KINDS:
        raise InputError(f"no kind of data set is called {kind!r}; there are {', '.join(KINDS)}, sessions")
    if not source.exists():
        raise InputError(f"{source}: there is no such folder or file")
    module = _recognised(source) if kind is None else KINDS[kind]
    _check_told(source, module, options)
    return _imported(module).opened(source, replace(options, kind=kind))


def _check_told(source: Path, module: str, options: DataSetOptions) -> None:
    takes = _imported(module).TAKES
    for name in _TOLD:
        if getattr(options, name) is not None and name not in takes:
            kind = next(kind for kind, its in KINDS.items() if its == module)
            raise InputError(f"{source}: {name} is not for {kind}, which takes {' and '.join(takes)}")


def _recognised(source: Path) -> str:
    """The one module that knows the path."""
    found = [module for module in dict.fromkeys(KINDS.values()) if _imported(module).matches(source)]
    if len(found) != 1:
        kinds = ", ".join(kind for kind, module in KINDS.items() if module in found)
        what = f"several data sets lie there ({kinds})" if found else "no data set that is known lies there"
        raise InputError(f"{source}: {what}; say which kind it is: {', '.join(KINDS)}")
    return found[0]


def _imported(module: str) -> Any:
    return import_module(f"flowlift.datasets.{module}")
