"""How near one velocity evaluation comes to its matrix products alone. Writes docs/results/velocity.json.

python benchmarks/velocity.py [--device cuda] [--batches 1 40 256] [--seconds 20]

The network of the published human size with random weights, float32, inference mode. Products: every linear layer, the
graph convolution's 1x1 convolution and its products with the adjacency, q k^T and attention x v, as plain torch
products of the same shapes into outputs that are there already, on as many threads. The contestants take turns.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from pages import as_markdown, save_result
from torch import Tensor, nn

from flowlift.bench.machine import describe_machine
from flowlift.bench.published_size import published_network, write_published_size
from flowlift.cores import available_cores
from flowlift.network import GraphConvolution, VelocityNetwork
from flowlift.runtime import OnnxEngine

Work = Callable[[], object]
WANTED = 1.3
"""The ratio to the products that is aimed at."""


class Products:
    """The matrix products of one evaluation, one after another. Each layer has its own weights, as in the network."""

    def __init__(self, network: VelocityNetwork, batch: int, device: torch.device) -> None:
        self.device, self.batch, self.config = device, batch, network.config
        self.buffers: dict[tuple[object, ...], Tensor] = {}
        self.steps: list[tuple[Callable[..., Tensor], Tensor, Tensor, Tensor]] = []
        for name, part in network.named_modules():
            rows = batch if name.startswith("time_embed") else batch * self.config.joints
            if isinstance(part, nn.Linear):
                self._add(torch.mm, self._buffer(rows, part.in_features), part.weight.detach().t())
            elif isinstance(part, GraphConvolution):
                self._add_graph_convolution(part, rows)
            if name.endswith(".attn"):
                self._add_attention()

    def _add_graph_convolution(self, part: GraphConvolution, rows: int) -> None:
        joints, width, parts = self.config.joints, self.config.width, len(part.adj)
        self._add(torch.mm, self._buffer(rows, width), part.conv1d.weight.detach()[..., 0].t())
        gathered = part.adj.permute(2, 1, 0).reshape(joints, -1)  # to, (from, part): all four in one product
        self._add(torch.bmm, gathered.expand(self.batch, -1, -1), self._buffer(self.batch, joints * parts, width))

    def _add_attention(self) -> None:
        joints, each = self.config.joints, self.config.width // self.config.heads
        heads = self.batch * self.config.heads
        self._add(torch.bmm, self._buffer(heads, joints, each), self._buffer(heads, joints, each).transpose(1, 2))
        self._add(torch.bmm, self._buffer(heads, joints, joints), self._buffer(heads, joints, each))

    def _add(self, product: Callable[..., Tensor], left: Tensor, right: Tensor) -> None:
        self.steps.append((product, left, right, self._buffer(*left.shape[:-1], right.shape[-1], out=True)))

    def _buffer(self, *shape: int, out: bool = False) -> Tensor:
        """One for each shape, and another for outputs, as blocks that follow one another would share them."""
        if (shape, out) not in self.buffers:
            self.buffers[shape, out] = torch.randn(shape, device=self.device)
        return self.buffers[shape, out]

    def __call__(self) -> None:
        for product, left, right, out in self.steps:
            product(left, right, out=out)

    def operations(self) -> int:
        """Multiplications and additions."""
        return sum(2 * out.numel() * left.shape[-1] for _, left, _, out in self.steps)


def torch_evaluation(network: VelocityNetwork, batch: int, device: torch.device) -> Work:
    joints = network.config.joints
    seen, x = (torch.randn(batch, joints, axes, device=device) for axes in (2, 3))
    t = torch.rand(batch, device=device)
    return lambda: network(seen, x, t)


def onnx_evaluation(engine: OnnxEngine, batch: int, joints: int) -> Work:
    draw = np.random.default_rng(0)
    seen = draw.standard_normal((batch, joints, 2)).astype(np.float32)
    x = draw.standard_normal((batch, 1, joints, 3)).astype(np.float32)
    return lambda: engine.velocity(seen, x, 0.5)


def take_turns(contestants: Mapping[str, Work], finished: Work, seconds: float) -> dict[str, float]:
    """The median time of each, in seconds. `finished` waits until all that was asked for is done."""
    for work in contestants.values():
        for _ in range(3):
            work()
    finished()
    times: dict[str, list[float]] = {name: [] for name in contestants}
    stop = time.perf_counter() + seconds
    while time.perf_counter() < stop or min(map(len, times.values())) < 5:
        for name, work in contestants.items():
            start = time.perf_counter()
            work()
            finished()
            times[name].append(time.perf_counter() - start)
    return {name: statistics.median(each) for name, each in times.items()}


def measure(batches: Sequence[int], device: torch.device, seconds: float) -> list[dict[str, object]]:
    """For each batch: operations, and the median time of the products and of every engine in milliseconds."""
    network = published_network()
    measured: list[dict[str, object]] = []
    finished = torch.cuda.synchronize if device.type == "cuda" else lambda: None
    with tempfile.TemporaryDirectory() as folder, torch.inference_mode():
        engine = OnnxEngine(write_published_size(Path(folder))) if device.type == "cpu" else None
        network = network.to(device)
        for batch in batches:
            products = Products(network, batch, device)
            work: dict[str, Work] = {"products": products, "torch": torch_evaluation(network, batch, device)}
            if engine is not None:
                work["onnxruntime"] = onnx_evaluation(engine, batch, network.config.joints)
            times = take_turns(work, finished, seconds)
            milliseconds = {name: 1000 * each for name, each in times.items()}
            measured.append({"batch": batch, "operations": products.operations(), "milliseconds": milliseconds})
    return measured


def table(measured: Sequence[Mapping[str, object]], device: str) -> dict[str, object]:
    machine = describe_machine()
    rows = []
    for each in measured:
        times = each["milliseconds"]
        assert isinstance(times, dict)
        alone = times["products"]
        engines = (f"{times[name]:.2f} ({times[name] / alone:.2f})" for name in times if name != "products")
        rows.append([each["batch"], f"{alone:.2f}", *engines])
    where = f"{torch.get_num_threads()} cores of {machine['cpu']}"
    where = torch.cuda.get_device_name(device) if device.startswith("cuda") else where
    engines = ["torch", "onnxruntime"][: len(rows[0]) - 2]
    return {
        "columns": ["poses at once", "products alone, ms", *(f"{name}, ms (ratio)" for name in engines)],
        "rows": rows,
        "notes": [
            f"Measured by `benchmarks/velocity.py` on {where}; medians; aimed at is a ratio of at most {WANTED}.",
        ],
        "measured": measured,
        "machine": {**machine, "torch": torch.__version__, "device": device},
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--batches", type=int, nargs="+", default=[1, 40, 256], help="poses evaluated at once")
    parser.add_argument("--device", default="cpu", help="cpu, or cuda where there is one")
    parser.add_argument("--seconds", type=float, default=20.0, help="time spent on each batch")
    options = parser.parse_args()
    torch.set_num_threads(available_cores())
    result = table(measure(options.batches, torch.device(options.device), options.seconds), options.device)
    save_result("velocity" if options.device == "cpu" else f"velocity-{options.device.replace(':', '-')}", result)
    print(as_markdown(result))


if __name__ == "__main__":
    main()
