"""Images: in the order people count, upright, of one size; anything else is named in one line."""

import io

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, features

from flowlift.errors import InputError
from flowlift.io.images import read_image
from flowlift.io.video import FrameSource, open_frames


def picture(value=100, size=(32, 24)):
    return Image.fromarray(np.full((size[1], size[0], 3), value, dtype=np.uint8))


def test_numbers_in_names_count_as_numbers(tmp_path):
    names = ["img10.png", "img2.png", "img1.PNG", "img2b.jpg", "a.bmp"]
    for value, name in enumerate(names):
        picture(value * 20).save(tmp_path / name)
    source = open_frames(tmp_path)
    assert isinstance(source, FrameSource)
    assert (source.image_size, source.fps, source.frame_count, source.name) == ((32, 24), None, 5, tmp_path.name)
    frames = list(source)
    order = [round(frame.image.mean() / 20) for frame in frames]
    assert [names[value] for value in order] == ["a.bmp", "img1.PNG", "img2.png", "img2b.jpg", "img10.png"]
    assert [frame.index for frame in frames] == [0, 1, 2, 3, 4]
    assert [frame.time for frame in frames] == [0, 1, 2, 3, 4]


def test_a_frame_rate_gives_images_their_times(tmp_path):
    for number in range(3):
        picture().save(tmp_path / f"{number}.png")
    source = open_frames(tmp_path, fps=50)
    assert source.fps == 50
    np.testing.assert_allclose([frame.time for frame in source], [0, 0.02, 0.04])
    with pytest.raises(InputError, match="frame rate"):
        open_frames(tmp_path, fps=0)
    with pytest.raises(InputError, match="no times"):
        open_frames(tmp_path, start=1)


@pytest.mark.parametrize(
    ("numbers", "told"),
    [
        ([1, 2, 3, 7, 8], "img3.png and img7.png"),
        ([0, 5, 10, 20, 25, 40], "img10.png and img20.png"),
        ([1, 2, 3, 4], None),
        ([0, 5, 10, 15], None),  # every fifth picture of something
        ([100, 133, 167, 200], None),  # times
        ([9], None),
    ],
)
def test_numbers_that_are_left_out_are_told_where_images_are_a_clip(tmp_path, recwarn, numbers, told):
    for number in numbers:
        picture().save(tmp_path / f"img{number}.png")
    open_frames(tmp_path)
    assert not recwarn.list, "images that lie beside one another may be any"
    open_frames(tmp_path, fps=10)
    assert [told in str(warning.message) for warning in recwarn.list] == ([] if told is None else [True])


def test_photos_that_are_not_read_are_told(tmp_path):
    picture().save(tmp_path / "a.jpg")
    (tmp_path / "IMG_2.HEIC").write_bytes(b"x")
    with pytest.warns(UserWarning, match=r"IMG_2\.HEIC and the like \(1\) are passed over"):
        assert open_frames(tmp_path).frame_count == 1


def test_a_cut_of_images_is_a_part_of_the_whole(tmp_path):
    for number in range(4):
        picture(number * 20).save(tmp_path / f"{number}.png")
    pages = [picture(value) for value in (80, 100, 120)]
    pages[0].save(tmp_path / "4.tiff", save_all=True, append_images=pages[1:])
    whole = [(round(frame.time, 6), int(frame.image[0, 0, 0])) for frame in open_frames(tmp_path, fps=10)]
    assert len(whole) == 7
    for start, end in ((0.1, 0.3), (0.5, None), (None, 0.2), (0.35, 0.65)):
        source = open_frames(tmp_path, start=start, end=end, fps=10)
        found = [(round(frame.time, 6), int(frame.image[0, 0, 0])) for frame in source]
        assert found == [one for one in whole if (start or 0) <= one[0] < (end or 9)]
        assert source.frame_count == len(found)
    with pytest.raises(InputError, match="no image lies between"):
        open_frames(tmp_path, start=0.7, fps=10)
    with pytest.raises(InputError, match="give fps"):
        open_frames(tmp_path, start=0.1)


def test_what_systems_leave_in_folders_is_passed_over(tmp_path):
    picture().save(tmp_path / "a.png")
    (tmp_path / "._a.png").write_bytes(b"\0\5\26\7")
    (tmp_path / "Thumbs.db").write_bytes(b"junk")
    (tmp_path / "folder.png").mkdir()
    assert len(list(open_frames(tmp_path))) == 1


UPRIGHT = {1: "top left", 2: "top right", 3: "bottom right", 4: "bottom left"} | {
    5: "left top",
    6: "right top",
    7: "right bottom",
    8: "left bottom",
}
"""Orientation as the standard defines it: where the first row, and the first column, stand."""


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".tif", ".webp"])
@pytest.mark.parametrize("orientation", UPRIGHT)
def test_photos_are_turned_as_the_camera_noted(tmp_path, orientation, suffix):
    stored = np.zeros((24, 32, 3), dtype=np.uint8)
    stored[:12, :16] = 255  # its first rows and columns
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(stored).save(tmp_path / f"photo{suffix}", exif=exif)
    source = open_frames(tmp_path / f"photo{suffix}")
    assert source.image_size == ((32, 24) if orientation < 5 else (24, 32))
    (frame,) = source
    height, width = frame.image.shape[:2]
    assert (width, height) == source.image_size
    where = UPRIGHT[orientation]
    bright = frame.image[(5 if "top" in where else height - 6), (5 if "left" in where else width - 6)]
    assert bright.mean() > 200
    assert frame.image.mean() == pytest.approx(255 / 4, abs=12)


def grey16(path):
    Image.fromarray(np.full((24, 32), 100 * 257, dtype=np.uint16)).save(path)


def cmyk(path):
    Image.new("CMYK", (32, 24), (0, 0, 0, 155)).save(path)


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("a.png", lambda path: picture().save(path)),
        ("a.jpg", lambda path: picture().convert("L").save(path)),
        ("alpha.png", lambda path: picture().convert("RGBA").save(path)),
        ("palette.png", lambda path: picture().convert("P").save(path)),
        ("grey.webp", lambda path: picture().save(path, lossless=True)),
        ("grey16.png", grey16),
        ("grey16.tif", grey16),
        ("cmyk.tif", cmyk),
        ("cmyk.jpg", cmyk),
        ("a.ppm", lambda path: picture().save(path)),
    ],
)
def test_every_kind_becomes_rgb(tmp_path, name, make):
    make(tmp_path / name)
    image = read_image(tmp_path / name)
    assert image.shape == (24, 32, 3)
    assert image.dtype == np.uint8
    assert np.median(image) == pytest.approx(100, abs=2)
    assert image.mean() == pytest.approx(100, abs=2)


def test_pages_of_one_file_are_frames(tmp_path):
    pages = [picture(value) for value in (20, 60, 100)]
    for name in ("stack.tif", "moving.png", *(["moving.avif"] if features.check("avif") else [])):
        pages[0].save(tmp_path / name, save_all=True, append_images=pages[1:])
        source = open_frames(tmp_path / name)
        assert source.frame_count == 3
        assert [frame.image.mean() for frame in source] == pytest.approx([20, 60, 100], abs=1)


def test_a_photo_with_another_behind_it_is_one_photo(tmp_path):
    picture(20).save(tmp_path / "photo.jpg", format="MPO", save_all=True, append_images=[picture(90, (16, 12))])
    (frame,) = open_frames(tmp_path / "photo.jpg")
    assert frame.image.mean() == pytest.approx(20, abs=2)


def test_another_size_is_named_before_the_work_begins(tmp_path):
    for number in range(3):
        picture(size=(32, 24) if number < 2 else (30, 24)).save(tmp_path / f"img{number}.png")
    with pytest.raises(InputError, match=r"img2\.png: 30 x 24 .* 32 x 24"):
        open_frames(tmp_path)


def test_one_photo_on_its_side_is_named(tmp_path):
    exif = Image.Exif()
    picture().save(tmp_path / "1.jpg", exif=exif)
    exif[0x0112] = 6
    picture().save(tmp_path / "2.jpg", exif=exif)
    with pytest.raises(InputError, match=r"2\.jpg: 24 x 32"):
        list(open_frames(tmp_path))


@pytest.mark.parametrize("content", [b"", b"no image", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0" + bytes(50)])
def test_what_is_no_image_is_named(tmp_path, content):
    file = tmp_path / "a.png"
    file.write_bytes(content)
    with pytest.raises(InputError, match=r"a\.png: ") as caught:
        open_frames(file)
    assert "\n" not in str(caught.value)
    picture().save(tmp_path / "0.png")
    with pytest.raises(InputError, match=r"a\.png: "):
        open_frames(tmp_path)


def test_half_an_image_is_named(tmp_path):
    noise = np.random.default_rng(0).integers(0, 255, (24, 32, 3), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "a.jpg")
    data = (tmp_path / "a.jpg").read_bytes()
    (tmp_path / "a.jpg").write_bytes(data[: len(data) // 2])
    with pytest.raises(InputError, match=r"a\.jpg: .*[Tt]runcated"):
        open_frames(tmp_path / "a.jpg")


def test_an_empty_folder_says_what_is_looked_for(tmp_path):
    with pytest.raises(InputError, match=r"\.png .*keypoint"):
        open_frames(tmp_path)


def test_a_folder_of_videos_says_how_they_are_given(tmp_path):
    (tmp_path / "walk.MP4").write_bytes(b"x")
    with pytest.raises(InputError, match=r"holds no images .* as a pattern in quotes"):
        open_frames(tmp_path)


def test_large_photos_are_read_and_bombs_are_not(tmp_path, monkeypatch, recwarn):
    picture().save(tmp_path / "a.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 32 * 24 - 100)
    assert len(list(open_frames(tmp_path / "a.png"))) == 1
    assert not recwarn.list
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    with pytest.raises(InputError, match=r"a\.png: too large"):
        open_frames(tmp_path / "a.png")


def complaint(file):
    """What is said of a file, None where it is read."""
    try:
        image = read_image(file)
    except InputError as error:
        return str(error)
    assert image.ndim == 3
    assert image.shape[2] == 3
    return None


def encoded():
    exif = Image.Exif()
    exif[0x0112], exif[0x010E] = 6, "a photo"
    noise = np.random.default_rng(0).integers(0, 255, (6, 8, 3), dtype=np.uint8)
    for kind in ("JPEG", "PNG", "TIFF", "WEBP"):
        buffer = io.BytesIO()
        Image.fromarray(noise).resize((32, 24)).save(buffer, kind, exif=exif)
        yield buffer.getvalue()


ENCODED = tuple(encoded())


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    which=st.integers(0, 3),
    changes=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), max_size=8),
    kept=st.floats(0.02, 1),
)
def test_no_damage_gets_through_as_anything_but_our_error(tmp_path, which, changes, kept):
    data = bytearray(ENCODED[which])
    for place, value in changes:
        data[int(place * len(data))] = value
    file = tmp_path / "bad.png"
    file.write_bytes(data[: max(1, int(kept * len(data)))])
    told = complaint(file)
    assert told is None or (told.startswith(f"{file}: ") and "\n" not in told)
