"""The SHA-256 of a model: of the files that decide what it answers, wherever they lie, packed or not."""

from flowlift.checksums import of_files
from flowlift.models.card import CARD, SKELETON, Model

DECIDING = (CARD, SKELETON, "weights.safetensors", "encoder.onnx", "velocity.onnx")


def checksum(model: Model) -> str:
    """Of its description, its weights and its graphs; what people read about it (card.md) does not count."""
    return of_files(path for name in DECIDING if (path := model.folder / name).is_file())
