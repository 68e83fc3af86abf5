"""The flags of `flowlift lift` in groups. Showing them imports nothing heavy."""

from dataclasses import dataclass
from typing import Annotated

from cyclopts import Parameter


@Parameter(name="*", group="Model")
@dataclass(frozen=True, kw_only=True)
class ModelOptions:
    """Which model lifts, and how it samples."""

    model: str | None = None
    """Packaged or imported model, or the folder of one; human when not given, human-fast with --live."""
    hypotheses: int = 20
    """3D hypotheses drawn for each person and frame."""
    keep_hypotheses: Annotated[bool, Parameter(name="--keep-hypotheses", negative="")] = False
    """Keep every hypothesis in the result: larger files, and a cloud in the viewer."""
    steps: int | None = None
    """Solver steps for each hypothesis; the model's own number when not given."""
    seed: int = 0
    """Seed of the noise: the same seed gives the same poses."""
    smooth: str = "auto"
    """Over time: auto, off, causal (from the past alone), or seconds (faster motion than that is smoothed away)."""
    height: float | None = None
    """The person's height, metres: fixes the scale, which one camera cannot see."""
    size: float | None = None
    """An animal's length along the joints that its model names, metres; body lengths are the unit when not given."""
    mend: bool = True
    """Exchange left and right back where the 2D has them exchanged for some frames."""
    ground: str = "off"
    """Find the ground and keep standing feet from sliding: off, auto (from the feet), or calibration (its world's)."""
    device: str | None = None
    """Where the network runs: cpu, openvino, openvino+bf16, cuda, cuda+bf16 (or +fp16, +compile), onnx-cuda, torch."""


@Parameter(name="*", group="Camera")
@dataclass(frozen=True, kw_only=True)
class CameraOptions:
    """What is known about the camera; a field of view, a focal length or a calibration, or nothing."""

    fov: float | None = None
    """Field of view across the longer image side, degrees."""
    focal: float | None = None
    """Focal length, pixels."""
    camera: str | None = None
    """Calibration file. Of several cameras in it, the one called like the input; or FILE::NAME."""
    camera_unit: Annotated[str | None, Parameter(name="--camera-unit")] = None
    """Unit of the calibration's translations, such as mm for most of anipose's; metres when not given."""


@Parameter(name="*", group="Input")
@dataclass(frozen=True, kw_only=True)
class InputOptions:
    """How the input is read."""

    start: float | None = None
    """Begin here, seconds."""
    end: float | None = None
    """Stop here, seconds."""
    detector: str | None = None
    """What finds the 2D keypoints in images: mediapipe (one person; when not given), rtmlib (several), superanimal
    (animals)."""
    skeleton: str | None = None
    """Whose joints a keypoint file holds, where the file does not say (body25 or body25b, ...)."""
    mapping: str | None = None
    """A TOML file: of which of a keypoint file's joints the model's are made, where their names do not tell."""
    fps: float | None = None
    """Frames per second of a keypoint file that does not say, of a folder of images, or of a video without times
    (.h264)."""
    image_size: Annotated[str | None, Parameter(name="--image-size")] = None
    """Size of the images behind a keypoint file that does not say, such as 1920x1080."""
    min_score: Annotated[float | None, Parameter(name="--min-score")] = None
    """Joints of a keypoint file with less confidence are missing; 0.1 in DeepLabCut's tables when not given, else 0."""
    people: str = "all"
    """How many people to keep, of those who fill the clip most: a number, all, or largest (one). With --live only in
    what -o records."""


@Parameter(name="*", group="Live")
@dataclass(frozen=True, kw_only=True)
class LiveOptions:
    """A camera lifted while it runs; shown in the browser, and streamed."""

    live: Annotated[bool, Parameter(negative="")] = False
    """Lift a camera, an address (rtsp://...) or a video at its own speed, as it runs; -o is not needed, and records."""
    host: str = "127.0.0.1"
    """The address to listen at: only this machine can connect, with another --host who has the token."""
    port: int = 8766
    """The port; 0 takes any that is free."""
    token: Annotated[bool, Parameter(negative="")] = False
    """Ask for a token on this machine, too: for a machine that others use."""
    show: Annotated[bool, Parameter(name="--open", negative="--no-open")] = True
    """Open the browser, when run in a terminal."""


@Parameter(name="*", group="Many clips")
@dataclass(frozen=True, kw_only=True)
class ManyOptions:
    """How several inputs are worked on."""

    jobs: int | None = None
    """Clips at the same time; as many as there are cores when not given."""
    timeout: float | None = None
    """Give a clip up after this many seconds; never when not given."""
    again: Annotated[bool, Parameter(name="--again", negative="")] = False
    """Lift also the clips that an earlier run has finished."""
    engine: str = "local"
    """Where clips are worked on: local (this machine), or ray (a Ray cluster)."""
