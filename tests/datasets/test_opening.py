"""One function opens any data set, by its kind or by its files' names."""

import contextlib
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from flowlift.datasets.human36m import Human36M
from flowlift.datasets.labelled import DataSet
from flowlift.datasets.mpi_inf_3dhp import MpiInf3dhp
from flowlift.datasets.opening import KINDS, DataSetOptions, open_dataset
from flowlift.errors import InputError

UNIVERSAL = DataSetOptions(annotation="univ_annot3")


def touched(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).touch()
    return folder


@pytest.mark.parametrize("name", sorted(set(KINDS.values())))
def test_every_module_keeps_the_contract(tmp_path: Path, name: str) -> None:
    module = import_module(f"flowlift.datasets.{name}")
    assert callable(module.opened)
    assert module.matches(tmp_path) is False, "an empty folder is nobody's"
    assert module.matches(touched(tmp_path, "readme.txt") / "readme.txt") is False


@pytest.mark.parametrize("name", ["data_3d_h36m.npz", "data_2d_h36m_gt.npz", "data_2d_h36m_cpn_ft_h36m_dbb.npz"])
def test_human36m_by_its_files(tmp_path: Path, name: str) -> None:
    options = DataSetOptions(keypoints="gt", cameras=tmp_path / "cameras.json")
    expected = Human36M(tmp_path, keypoints="gt", cameras=tmp_path / "cameras.json")
    assert open_dataset(touched(tmp_path, name), options=options) == expected
    assert open_dataset(tmp_path / name, options=options) == expected


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["keypoints", "cameras", "annotation"])
def test_what_a_data_set_has_no_use_for_is_refused(tmp_path: Path, kind: str, name: str) -> None:
    """Taken or refused, never ignored: a data set that takes a value either keeps it or finds fault with it."""
    takes = import_module(f"flowlift.datasets.{KINDS[kind]}").TAKES
    told = DataSetOptions(**{name: tmp_path if name == "cameras" else "something"})
    if name in takes:
        with contextlib.suppress(InputError):
            assert str(getattr(open_dataset(tmp_path, kind=kind, options=told), name)) in (str(tmp_path), "something")
        return
    with pytest.raises(InputError, match=f"{name} is not for .*, which takes {' and '.join(takes)}"):
        open_dataset(tmp_path, kind=kind, options=told)


def test_human36m_takes_cpn_unless_told_otherwise(tmp_path: Path) -> None:
    assert open_dataset(tmp_path, kind="human36m").keypoints == "cpn_ft_h36m_dbb"


@pytest.mark.parametrize("name", ["data_train_3dhp.npz", "data_test_3dhp.npz"])
def test_mpi_inf_3dhp_by_its_files(tmp_path: Path, name: str) -> None:
    expected = MpiInf3dhp(tmp_path, annotation="univ_annot3")
    assert open_dataset(touched(tmp_path, name), options=UNIVERSAL) == expected
    assert open_dataset(tmp_path / name, options=UNIVERSAL) == expected
    with pytest.raises(InputError, match="annotation"):
        open_dataset(tmp_path)


def test_a_folder_with_two_data_sets(tmp_path: Path) -> None:
    touched(tmp_path, "data_3d_h36m.npz", "data_test_3dhp.npz")
    with pytest.raises(InputError, match=r"several data sets lie there \(human36m, mpi_inf_3dhp\)"):
        open_dataset(tmp_path, options=UNIVERSAL)
    assert isinstance(open_dataset(tmp_path, kind="human36m"), Human36M)
    assert isinstance(open_dataset(tmp_path, kind="mpi_inf_3dhp", options=UNIVERSAL), MpiInf3dhp)


def test_what_is_opened_is_a_data_set(tmp_path: Path) -> None:
    assert isinstance(open_dataset(tmp_path, kind="human36m"), DataSet)


def test_refusals_list_the_kinds(tmp_path: Path) -> None:
    kinds = ", ".join(KINDS)
    with pytest.raises(InputError, match=f"'coco'; there are {kinds}"):
        open_dataset(tmp_path, kind="coco")
    with pytest.raises(InputError, match=f"no data set that is known.*{kinds}"):
        open_dataset(tmp_path)
    for kind in ("human36m", None):
        with pytest.raises(InputError, match="nowhere: there is no such"):
            open_dataset(tmp_path / "nowhere", kind=kind)


def test_only_the_module_that_is_asked_for_is_imported(tmp_path: Path) -> None:
    code = (
        "import sys, pathlib; from flowlift.datasets.opening import open_dataset\n"
        f"open_dataset(pathlib.Path({str(tmp_path)!r}), kind='human36m')\n"
        "print('flowlift.datasets.human36m' in sys.modules, 'flowlift.datasets.mpi_inf_3dhp' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True", "False"]
