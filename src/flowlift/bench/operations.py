"""How many floating-point operations a model takes: multiplications and additions of its matrix products."""

from dataclasses import dataclass

from flowlift.errors import MissingExtraError
from flowlift.models import Model


@dataclass(frozen=True)
class Operations:
    """Of encoding one view, and of evaluating one hypothesis once, as the network's own layers say."""

    encode: int
    evaluate: int

    def of_frame(self, hypotheses: int, steps: int) -> int:
        """Operations for one person in one frame; with several hypotheses the mirrored view is encoded, too."""
        return self.encode * min(2, hypotheses) + self.evaluate * hypotheses * steps


def count_operations(model: Model) -> Operations:
    """Counted by torch on the model's weights. Raises MissingExtraError without torch."""
    try:
        import torch
        from torch.nn.attention import SDPBackend, sdpa_kernel
        from torch.utils.flop_counter import FlopCounterMode

        from flowlift.models.weights import load_network
        from flowlift.networks import encode, evaluate
    except ImportError as error:
        raise MissingExtraError("counting operations", "train") from error
    network, joints = load_network(model), len(model.skeleton)
    inputs = (1, 4 * joints + 1) if model.network == "two-part" else (1, joints, 2)
    with torch.inference_mode(), sdpa_kernel(SDPBackend.MATH):  # as products, which are counted; fused ones are not
        with FlopCounterMode(display=False) as encoding:
            context = encode(network, torch.zeros(inputs))
        with FlopCounterMode(display=False) as evaluating:
            evaluate(network, context, torch.zeros(1, 1, joints, 3), torch.zeros(1, 1))
    return Operations(encoding.get_total_flops(), evaluating.get_total_flops())
