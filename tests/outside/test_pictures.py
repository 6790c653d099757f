"""Picture files as people hand them in: each is read as a viewer shows it, or refused in one sentence; none is lost."""

from __future__ import annotations

import io
import os
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms

from momi_lib.__main__ import main
from momi_lib.data import PictureError, load
from momi_lib.data.pictures import decode_pictures
from momi_lib.data.reading import read_picture
from momi_lib.train import preset
from momi_lib.translate import CarryNet, MomiNet, save_network
from momi_lib.widgets.upload import open_picture

Read = Callable[[Path], np.ndarray]
RED, GREEN, BLUE, WHITE, GREY = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255), (128, 128, 128)
UPRIGHT = [RED, GREEN, BLUE, WHITE]  # top left, top right, bottom left, bottom right
TURNS = Image.Transpose
STORED = {
    1: None, 2: TURNS.FLIP_LEFT_RIGHT, 3: TURNS.ROTATE_180, 4: TURNS.FLIP_TOP_BOTTOM, 5: TURNS.TRANSPOSE,
    6: TURNS.ROTATE_90, 7: TURNS.TRANSVERSE, 8: TURNS.ROTATE_270,
}  # fmt: skip


def by_swap(path: Path) -> np.ndarray:
    return decode_pictures(path.parent, [path.name])[0][0]


def by_load(path: Path) -> np.ndarray:
    folder = path.parent / "data" / "query"
    folder.mkdir(parents=True)
    (folder / f"0002_c1s1_000451_03{path.suffix}").write_bytes(path.read_bytes())
    return load(folder.parent, "query", cache=False).pictures[0].numpy()


def by_upload(path: Path) -> np.ndarray:
    return np.asarray(open_picture(path.name, path.read_bytes())).transpose(2, 0, 1)


ways = pytest.mark.parametrize("read", [by_swap, by_load, by_upload])


def corners(picture: np.ndarray) -> list[tuple[int, ...]]:
    """The colours in the middle of each quarter of a picture (3, H, W)."""
    ys, xs = ((length // 4, 3 * length // 4) for length in picture.shape[-2:])
    return [tuple(int(v) for v in picture[:, y, x]) for y in ys for x in xs]


def near(found: list[tuple[int, ...]], expected: list[tuple[int, ...]], within: int = 3) -> bool:
    return bool((np.abs(np.array(found) - np.array(expected)) <= within).all())


def quarters() -> Image.Image:
    image = Image.new("RGB", (64, 128), RED)
    for colour, box in ((GREEN, (32, 0, 64, 64)), (BLUE, (0, 64, 32, 128)), (WHITE, (32, 64, 64, 128))):
        image.paste(colour, box)
    return image


def png(depth: int, kind: int, row: bytes, size: tuple[int, int] = (64, 128)) -> bytes:
    """A PNG of equal rows, of kinds that PIL does not write."""

    def chunk(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    header = struct.pack(">IIBBBBB", *size, depth, kind, 0, 0, 0)
    rows = zlib.compress((b"\0" + row) * size[1])
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


@ways
@pytest.mark.parametrize("orientation", STORED)
@pytest.mark.parametrize("ending", [".jpg", ".png", ".webp"])
def test_a_picture_that_was_stored_on_its_side_stands_upright(
    tmp_path: Path, read: Read, orientation: int, ending: str
) -> None:
    exif, how = Image.Exif(), STORED[orientation]
    exif[0x0112] = orientation
    image = quarters() if how is None else quarters().transpose(how)
    options = {".jpg": {"quality": 95, "subsampling": 0}, ".webp": {"lossless": True}}.get(ending, {})
    image.save(tmp_path / f"phone{ending}", exif=exif, **options)
    assert near(corners(read(tmp_path / f"phone{ending}")), UPRIGHT)


@ways
@pytest.mark.filterwarnings("ignore:Corrupt EXIF")
@pytest.mark.parametrize("exif", [b"Exif\0\0MM\0*\0\0\0\x08\0\x09garbage", b"Exif\0\0nothing", b"\0" * 40])
def test_damaged_exif_says_nothing(tmp_path: Path, read: Read, exif: bytes) -> None:
    quarters().save(tmp_path / "phone.jpg", exif=exif, quality=95, subsampling=0)
    assert near(corners(read(tmp_path / "phone.jpg")), UPRIGHT)


def test_labels_and_sizes_are_those_of_the_upright_picture(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (200, 100)).save(tmp_path / "phone.jpg", exif=exif)
    assert decode_pictures(tmp_path, ["phone.jpg"])[1].tolist() == [[200, 100]]


def grey16(value: int) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(np.full((128, 64), value, np.uint16)).save(buffer, "PNG")
    return buffer.getvalue()


DEPTHS = {
    "16-bit grey": (grey16(30000), (117,) * 3),
    "16-bit grey, dark": (grey16(200), (1,) * 3),
    "16-bit grey, white": (grey16(65535), (255,) * 3),
    "16-bit RGB": (png(16, 2, struct.pack(">HHH", 50000, 30000, 1000) * 64), (195, 117, 4)),
    "16-bit RGBA": (png(16, 6, struct.pack(">HHHH", 50000, 30000, 1000, 65535) * 64), (195, 117, 4)),
    "16-bit grey, half transparent": (png(16, 4, struct.pack(">HH", 65535, 32768) * 64), (192,) * 3),
    "1-bit": (png(1, 0, b"\xff" * 8), (255,) * 3),
    "2-bit": (png(2, 0, b"\xaa" * 16), (170,) * 3),
    "4-bit": (png(4, 0, b"\x88" * 32), (136,) * 3),
}


@ways
@pytest.mark.parametrize("depth", DEPTHS)
def test_other_depths_are_scaled_to_eight_bits(tmp_path: Path, read: Read, depth: str) -> None:
    content, colour = DEPTHS[depth]
    (tmp_path / "scan.png").write_bytes(content)
    assert near(corners(read(tmp_path / "scan.png")), [colour] * 4, within=1)


def test_black_and_white_becomes_shades_when_it_is_made_smaller(tmp_path: Path) -> None:
    Image.fromarray(np.indices((512, 256)).sum(0) % 2 == 0).save(tmp_path / "scan.png")
    assert near(corners(by_swap(tmp_path / "scan.png")), [GREY] * 4)


def clear(mode: str, colour: tuple[int, ...] | int, **options: object) -> bytes:
    buffer = io.BytesIO()
    Image.new(mode, (64, 128), colour).save(buffer, "PNG", **options)
    return buffer.getvalue()


def palette(transparency: int | bytes) -> bytes:
    image, buffer = Image.new("P", (64, 128), 0), io.BytesIO()
    image.putpalette([*RED, *GREEN])
    image.save(buffer, "PNG", transparency=transparency)
    return buffer.getvalue()


HALF = (192, 64, 64)  # of red and of the ground
ALPHAS = {
    "RGBA": (clear("RGBA", (*RED, 0)), GREY),
    "RGBA, half": (clear("RGBA", (*RED, 128)), HALF),
    "RGBA, opaque": (clear("RGBA", (*RED, 255)), RED),
    "grey": (clear("LA", (255, 0)), GREY),
    "a palette's colour": (palette(0), GREY),
    "a palette's colour, half": (palette(bytes([128, 255])), HALF),
    "a key colour": (clear("RGB", RED, transparency=RED), GREY),
    "another key colour": (clear("RGB", RED, transparency=BLUE), RED),
    "a key grey": (clear("L", 255, transparency=255), GREY),
    "a key of black and white": (clear("1", 1, transparency=1), GREY),
}


@ways
@pytest.mark.filterwarnings("ignore:Palette images with Transparency")
@pytest.mark.parametrize("alpha", ALPHAS)
def test_what_is_transparent_is_grey_and_not_the_colour_that_it_hides(tmp_path: Path, read: Read, alpha: str) -> None:
    content, colour = ALPHAS[alpha]
    (tmp_path / "cut.png").write_bytes(content)
    assert near(corners(read(tmp_path / "cut.png")), [colour] * 4)


def test_hidden_colours_do_not_bleed_into_the_visible_when_a_picture_is_made_smaller(tmp_path: Path) -> None:
    pixels = np.zeros((512, 256, 4), np.uint8)
    pixels[:, ::2] = (*RED, 255)
    pixels[:, 1::2] = (*GREEN, 0)
    Image.fromarray(pixels).save(tmp_path / "cut.png")
    assert near(corners(by_swap(tmp_path / "cut.png")), [HALF] * 4, within=8)


@ways
def test_cmyk_and_other_jpegs_as_before(tmp_path: Path, read: Read) -> None:
    Image.new("CMYK", (64, 128), (0, 255, 255, 0)).save(tmp_path / "print.jpg", quality=95)
    assert near(corners(read(tmp_path / "print.jpg")), [RED] * 4)


def test_other_colour_spaces_are_brought_to_srgb_and_srgb_stays(tmp_path: Path) -> None:
    image = Image.new("RGB", (64, 128), (200, 100, 50))
    image.save(tmp_path / "srgb.png", icc_profile=ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    assert corners(by_swap(tmp_path / "srgb.png")) == [(200, 100, 50)] * 4
    image.save(tmp_path / "broken.png", icc_profile=b"not a profile")
    assert corners(by_swap(tmp_path / "broken.png")) == [(200, 100, 50)] * 4
    # Of another space: sRGB with red and blue exchanged in the profile, so that a viewer shows them exchanged.
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    red, blue = profile.index(b"rXYZ"), profile.index(b"bXYZ")
    profile[red : red + 4], profile[blue : blue + 4] = b"bXYZ", b"rXYZ"
    for place in range(len(profile) - 7):  # its description is what says "sRGB"
        if profile[place : place + 8] in (b"s\0R\0G\0B\0", b"\0s\0R\0G\0B"):
            profile[place : place + 8] = profile[place : place + 8].replace(b"s", b"x").replace(b"R", b"x")
    image.save(tmp_path / "exchanged.png", icc_profile=bytes(profile))
    assert corners(by_swap(tmp_path / "exchanged.png")) != [(200, 100, 50)] * 4


@pytest.mark.parametrize(("ending", "options"), [(".png", {}), (".webp", {"lossless": True})])
@pytest.mark.parametrize("read", [by_swap, by_load])
def test_of_an_animated_picture_the_first_frame_is_read_and_that_is_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, read: Read, ending: str, options: dict
) -> None:
    frames = [Image.new("RGB", (64, 128), colour) for colour in (RED, GREEN, BLUE)]
    frames[0].save(tmp_path / f"wave{ending}", save_all=True, append_images=frames[1:], **options)
    assert near(corners(read(tmp_path / f"wave{ending}")), [RED] * 4)
    assert "1 of 1 pictures are animated; of these the first frame is read" in caplog.text
    assert open_picture("wave", (tmp_path / f"wave{ending}").read_bytes()).info["animated"]


@pytest.mark.parametrize(("ending", "options"), [(".png", {}), (".webp", {"lossless": True})])
def test_swap_says_it_of_each_animated_picture(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, ending: str, options: dict
) -> None:
    frames = [Image.new("RGB", (64, 128), colour) for colour in (RED, GREEN, BLUE)]
    path = tmp_path / f"wave{ending}"
    frames[0].save(path, save_all=True, append_images=frames[1:], **options)
    assert read_picture(path).getpixel((5, 5)) == pytest.approx(RED, abs=3)
    assert f"{path} is animated; the first frame is read." in caplog.messages


@ways
def test_of_exif_the_orientation_alone_counts(tmp_path: Path, read: Read) -> None:
    """A description that is stored as a fraction: PIL could not write it again."""
    block = b"Exif\0\0MM\0*" + struct.pack(">IH", 8, 2)
    block += struct.pack(">HHII", 0x010E, 5, 1, 38) + struct.pack(">HHIHH", 0x0112, 3, 1, 6, 0)
    block += struct.pack(">III", 0, 1, 2)
    quarters().transpose(Image.Transpose.ROTATE_90).save(tmp_path / "phone.jpg", exif=block, quality=95, subsampling=0)
    assert near(corners(read(tmp_path / "phone.jpg")), UPRIGHT)


def test_a_bitmap_whose_fourth_byte_is_empty_is_opaque(tmp_path: Path) -> None:
    """A header of version 4 says where alpha would be, and every alpha is 0."""
    header = struct.pack("<IiiHHIIiiII", 108, 2, 1, 1, 32, 3, 8, 0, 0, 0, 0)
    header += struct.pack("<IIII", 0xFF0000, 0xFF00, 0xFF, 0xFF000000) + b"BGRs" + bytes(48)
    content = struct.pack("<2sIHHI", b"BM", 14 + 108 + 8, 0, 0, 14 + 108) + header + bytes((0, 0, 200, 0)) * 2
    (tmp_path / "red.bmp").write_bytes(content)
    assert read_picture(tmp_path / "red.bmp").getpixel((0, 0)) == (200, 0, 0)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jpg")
    with pytest.raises(PictureError, match=r"pipe\.jpg is a pipe or a device; save the picture to a file first"):
        read_picture(tmp_path / "pipe.jpg")


def test_the_size_of_a_large_photograph_is_that_of_its_file(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (4200, 4100), RED).save(tmp_path / "phone.jpg", exif=exif)
    assert decode_pictures(tmp_path, ["phone.jpg"])[1].tolist() == [[4200, 4100]]


def test_two_views_in_a_phones_jpeg_are_no_animation(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    views = [Image.new("RGB", (64, 128), colour) for colour in (RED, GREEN)]
    views[0].save(tmp_path / "phone.jpg", format="MPO", save_all=True, append_images=views[1:])
    assert near(corners(by_swap(tmp_path / "phone.jpg")), [RED] * 4) and "animated" not in caplog.text


@ways
@pytest.mark.parametrize(
    "ending", [".jpg", ".jpeg", ".png", ".webp", ".bmp", ".jfif", ".JPG", ".Jpeg", ".PNG", ".WEBP", ".BMP"]
)
def test_every_ending_in_any_case(tmp_path: Path, read: Read, ending: str) -> None:
    kind = "JPEG" if ending == ".jfif" else None  # as browsers save them
    quarters().resize((64, 128)).save(tmp_path / f"é [1]{ending}", format=kind)
    assert near(corners(read(tmp_path / f"é [1]{ending}")), UPRIGHT, within=40)  # JPEG mixes colours


@ways
def test_the_content_counts_and_not_the_name(tmp_path: Path, read: Read) -> None:
    quarters().save(tmp_path / "phone.jpg", format="PNG")
    assert corners(read(tmp_path / "phone.jpg")) == UPRIGHT


def test_an_ordinary_picture_stays_bit_for_bit(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (128, 64, 3), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "noise.png")
    Image.fromarray(noise).save(tmp_path / "noise.jpg", quality=90)
    for name in ("noise.png", "noise.jpg"):
        with Image.open(tmp_path / name) as image:
            assert (by_swap(tmp_path / name).transpose(1, 2, 0) == np.asarray(image)).all()


def test_a_phones_photograph_with_many_pixels_is_decoded_smaller(tmp_path: Path) -> None:
    Image.new("RGB", (4100, 4200), RED).save(tmp_path / "phone.jpg")
    assert near(corners(by_swap(tmp_path / "phone.jpg")), [RED] * 4)


UNREAD = {
    "nothing": (b"", "it is empty"),
    "text": (b"milk", "but text"),
    "page": (b"<!DOCTYPE html><html>", "but an HTML page"),
    "pointer": (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 3\n", "Git LFS pointer"),
    "HEIC": (b"\0\0\0\x24ftypheic\0\0\0\0mif1heic" + bytes(99), "HEIC"),
    "AVIF": (b"\0\0\0\x1cftypavif\0\0\0\0" + bytes(99), "AVIF"),
    "GIF": (b"GIF89a\1\0\1\0\0\0\0;", "but a GIF"),
    "TIFF": (b"II*\0" + bytes(99), "but a TIFF"),
    "PDF": (b"%PDF-1.4", "but a PDF"),
    "SVG": (b'<?xml version="1.0"?><svg xmlns="x"></svg>', "SVG"),
    "video": (b"\0\0\0\x20ftypisom" + bytes(99), "video"),
    "ZIP": (b"PK\3\4" + bytes(99), "ZIP"),
    "bytes": (bytes(range(200, 256)), "BMP picture"),
}


@pytest.mark.parametrize("kind", UNREAD)
def test_what_is_no_picture_is_called_what_it_is(tmp_path: Path, kind: str) -> None:
    content, told = UNREAD[kind]
    (tmp_path / "a.jpg").write_bytes(content)
    with pytest.raises(PictureError, match=rf"a\.jpg is not a .*{told}"):
        decode_pictures(tmp_path, ["a.jpg"])


# --- what `swap` writes


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(save_network(MomiNet(preset("tiny").network), tmp_path_factory.mktemp("w") / "w.safetensors"))


@pytest.fixture
def person(tmp_path: Path) -> Path:
    Image.effect_noise((64, 128), 60).convert("RGB").save(tmp_path / "person.jpg")
    return tmp_path / "person.jpg"


def swap(*arguments: object) -> int:
    return main(["swap", *map(str, arguments)])


def same(folder: Path, how: str) -> Path:
    """Another name for the person's picture."""
    if how == "link":
        (folder / "link.jpg").symlink_to(folder / "person.jpg")
        return folder / "link.jpg"
    if how == "hard link":
        os.link(folder / "person.jpg", folder / "hard.jpg")
        return folder / "hard.jpg"
    return {"itself": folder / "person.jpg", "detour": folder / "not there" / ".." / "person.jpg"}[how]


@pytest.mark.parametrize("how", ["itself", "link", "hard link", "detour"])
@pytest.mark.parametrize("which", ["source", "target", "background"])
def test_an_input_is_never_overwritten(
    tmp_path: Path, person: Path, weights: str, capsys: pytest.CaptureFixture[str], how: str, which: str
) -> None:
    other, before = tmp_path / "other.png", person.read_bytes()
    Image.new("RGB", (64, 128)).save(other)
    inputs = {"source": other, "target": other, "background": other, which: person}
    if which == "background":
        weights = str(save_network(CarryNet(preset("tiny-carry").network), tmp_path / "carry.safetensors"))
    out = same(tmp_path, how)
    asked = ["--background", inputs["background"]] if which == "background" else []
    assert swap(inputs["source"], inputs["target"], "--out", out, "--weights", weights, *asked) == 1
    error = capsys.readouterr().err
    assert error.startswith(f"error: --out {out} is the {which} itself") and error.count("\n") == 1
    assert person.read_bytes() == before and not (tmp_path / "not there").exists()


BAD_OUTS = {
    "a folder": (lambda folder: folder, "is a folder; expected the name of a file ending in .png, .jpg, .jpeg"),
    "below a file": (lambda folder: folder / "person.jpg" / "x.png", "is a file and no folder"),
    "another ending": (lambda folder: folder / "new" / "x.gif", "expected a name ending in .png, .jpg, .jpeg"),
    "no ending": (lambda folder: folder / "new" / "x", "expected a name ending in .png, .jpg, .jpeg"),
    "a long name": (lambda folder: folder / f"{'x' * 300}.png", "cannot be written: File name too long"),
    "a long folder": (lambda folder: folder / ("x" * 300) / "x.png", "cannot be written: File name too long"),
}


@pytest.mark.parametrize("case", BAD_OUTS)
def test_what_cannot_be_written_is_said_before_any_work(
    tmp_path: Path, person: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], case: str
) -> None:
    make, told = BAD_OUTS[case]
    monkeypatch.setattr("momi_lib.translate.from_files.load_network", lambda *_: pytest.fail("work was done"))
    assert swap(person, person, "--out", make(tmp_path)) == 1
    error = capsys.readouterr().err
    assert error.startswith("error: ") and error.count("\n") == 1 and told in error
    assert sorted(tmp_path.iterdir()) == [person]


def test_a_place_without_permission(
    tmp_path: Path, person: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refused(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("momi_lib.data.pictures.tempfile.mkstemp", refused)
    assert swap(person, person, "--out", tmp_path / "x.png") == 1
    assert f"--out {tmp_path / 'x.png'} cannot be written: Permission denied" in capsys.readouterr().err


def test_nothing_is_made_for_a_source_that_is_not_there(
    tmp_path: Path, person: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert swap(tmp_path / "none.jpg", person, "--out", tmp_path / "new" / "x.png") == 1
    assert "none.jpg does not exist" in capsys.readouterr().err and not (tmp_path / "new").exists()
    assert swap("https://example.org/a.jpg", person, "--out", tmp_path / "x.png") == 1
    assert "is an address; download the picture" in capsys.readouterr().err


@pytest.mark.parametrize("place", [0.1, 0.25, 0.5, 0.9])
def test_a_png_that_was_damaged_on_its_way_is_refused_and_not_read_in_part(tmp_path: Path, place: float) -> None:
    picture = np.random.default_rng(0).integers(0, 256, (64, 32, 3), dtype=np.uint8)
    Image.fromarray(picture).save(tmp_path / "a.png")
    content = bytearray((tmp_path / "a.png").read_bytes())
    content[int(place * len(content))] ^= 4  # one bit, as a bad disk or cable leaves it
    (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(PictureError, match=r"a\.png cannot be decoded"):
        read_picture(tmp_path / "a.png")
