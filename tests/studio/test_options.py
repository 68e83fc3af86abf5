import pytest

from flowlift.errors import InputError
from flowlift.studio.options import check_options, fields, in_the_form


def test_defaults_are_settings() -> None:
    assert check_options({}) == {field.name: field.default for field in fields()}


def test_words_of_the_command_line_become_those_of_the_form() -> None:
    assert in_the_form("give --fps, or --image-size") == (
        'give "Frames per second of a keypoint file", or "Image size of a keypoint file"'
    )
    assert in_the_form("a -- b, --no-such-option --sizes") == "a -- b, --no-such-option --sizes"


def test_settings_are_those_of_lift() -> None:
    from inspect import signature

    from flowlift.pipeline import lift

    assert {field.name for field in fields()} <= set(signature(lift).parameters)


@pytest.mark.parametrize(
    ("name", "value", "taken"),
    [
        ("height", 2, 2.0),
        ("hypotheses", 5.0, 5),
        ("model", "human", "human"),
        ("end", None, None),
        ("image_size", "640x480", "640x480"),
    ],
)
def test_values_that_can_be(name: str, value: object, taken: object) -> None:
    checked = check_options({name: value})[name]
    assert checked == taken
    assert type(checked) is type(taken)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("model", "../../etc"),
        ("model", None),
        ("height", "1.7"),
        ("height", -1),
        ("height", float("nan")),
        ("height", True),
        ("hypotheses", 10**9),
        ("hypotheses", 2.5),
        ("keep_hypotheses", 1),
        ("skeleton", ["body25"]),
        ("image_size", "large"),
        ("image_size", "0x480"),
        ("image_size", [640, 480]),
        ("min_score", 1.5),
        ("device", "cuda"),
        ("progress", "print"),
    ],
)
def test_values_that_cannot_be(name: str, value: object) -> None:
    with pytest.raises(InputError):
        check_options({name: value})
