"""What every kind of image becomes."""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image
from vetgate_data.pixels import decode

from vetgate.api import UnreadableImage

Encode = Callable[..., bytes]


def saved(image: Image.Image, kind: str, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


@pytest.mark.parametrize(("mode", "kind"), [("L", "PNG"), ("1", "PNG"), ("L", "JPEG")])
def test_grey_stays_grey(mode: str, kind: str) -> None:
    pixels = decode(saved(Image.new(mode, (5, 4), 255), kind))
    assert pixels.shape == (4, 5)
    assert pixels.dtype == np.uint8
    assert (pixels == 255).all()


@pytest.mark.parametrize(
    ("mode", "kind"), [("RGB", "PNG"), ("P", "GIF"), ("P", "PNG"), ("RGBA", "PNG"), ("CMYK", "JPEG"), ("CMYK", "TIFF")]
)
def test_colours_become_rgb(mode: str, kind: str) -> None:
    pixels = decode(saved(Image.new("RGB", (16, 8), (204, 51, 102)).convert(mode), kind))
    assert pixels.shape == (8, 16, 3)
    assert np.abs(pixels.astype(int) - (204, 51, 102)).max() <= 12


def test_alpha_is_dropped_and_not_blended() -> None:
    assert decode(saved(Image.new("RGBA", (2, 2), (9, 8, 7, 0)), "PNG"))[0, 0].tolist() == [9, 8, 7]
    assert decode(saved(Image.new("LA", (2, 2), (50, 0)), "PNG"))[0, 0].tolist() == [50, 50, 50]


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "PPM"])
def test_of_sixteen_bits_the_upper_eight_stay(kind: str) -> None:
    values = np.array([[0, 255, 256, 0x7FFF, 0x8000, 65535]], dtype=np.uint16)
    assert decode(saved(Image.fromarray(values), kind)).tolist() == [[0, 0, 1, 0x7F, 0x80, 0xFF]]


@pytest.mark.parametrize("mode", ["I", "F"])
def test_pixels_without_a_range_are_unreadable(mode: str) -> None:
    with pytest.raises(UnreadableImage, match="no defined range"):
        decode(saved(Image.new(mode, (2, 2)), "TIFF"))


def test_the_orientation_in_exif_is_not_applied() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # rotate by 90 degrees
    assert decode(saved(Image.new("RGB", (16, 8)), "JPEG", exif=exif)).shape == (8, 16, 3)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "BMP", "WEBP", "TIFF"])
def test_a_truncated_image_is_unreadable(kind: str) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    whole = saved(Image.fromarray(noise), kind)
    assert decode(whole).shape == (64, 64, 3)
    with pytest.raises(UnreadableImage):
        decode(whole[: len(whole) // 2])


@pytest.mark.parametrize("factor", [1, 3])
def test_a_decompression_bomb_is_unreadable(factor: int, monkeypatch: pytest.MonkeyPatch) -> None:
    bomb = saved(Image.new("L", (100, 100)), "PNG")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 9999 // factor)
    with pytest.raises(UnreadableImage, match="bomb"):
        decode(bomb)


@pytest.mark.parametrize("content", [b"", b"no image at all", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", bytes(5000)])
def test_garbage_is_unreadable_with_a_reason_that_does_not_change(content: bytes) -> None:
    reasons = set()
    for _ in range(2):
        with pytest.raises(UnreadableImage) as caught:
            decode(content)
        reasons.add(str(caught.value))
    assert len(reasons) == 1
    assert "0x" not in reasons.pop()


def test_postscript_is_never_interpreted() -> None:
    script = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n%%EndComments\nshowpage\n%%EOF\n"
    with pytest.raises(UnreadableImage, match="no image of a known format"):
        decode(script)
