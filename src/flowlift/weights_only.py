"""Files of torch, read as weights only: tensors and plain containers; nothing in them is run."""

from pathlib import Path
from typing import Any

import torch

from flowlift.errors import ModelError


def read_weights_only(path: Path, *, device: torch.device | str = "cpu") -> Any:
    """What `torch.save` put there. Raises ModelError for a file that is missing, damaged, or holds anything else."""
    try:
        return torch.load(path, map_location=device, weights_only=True)
    except (FileNotFoundError, PermissionError, IsADirectoryError) as error:
        raise ModelError(f"{path}: cannot read the checkpoint: {error.strerror}") from error
    except Exception as error:  # a damaged pickle can raise nearly anything
        reason = "it holds more than weights, and is not read because it could run code"
        damaged = "damaged, cut off, or no checkpoint"
        why = reason if "weights_only" in str(error).lower() else damaged
        raise ModelError(f"{path}: cannot read the checkpoint: {why}") from error
