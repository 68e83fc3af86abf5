"""netCDF of the dataset that `movement` opens."""

from pathlib import Path

from flowlift.containers import Keypoints2D, Poses3D
from flowlift.detect.optional import import_optional
from flowlift.io.atomic import written_whole
from flowlift.movement_dataset import movement_dataset


def write(obj: Keypoints2D | Poses3D, path: Path) -> None:
    """`movement_dataset` as netCDF 4. Raises OutputError, and MissingExtraError without xarray or h5netcdf."""
    import_optional("h5netcdf", "writing netCDF", "movement")
    content = movement_dataset(obj).to_netcdf(engine="h5netcdf")  # in memory, as HDF5 is at a loss on a full disk
    with written_whole(path) as beside:
        beside.write_bytes(content)
