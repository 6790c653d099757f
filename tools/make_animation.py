"""Draw the README's animation: ``python tools/make_animation.py``. Several people, in the same pose at every moment.

A path leads through poses that the student found in test pictures, in the space of joints: between two of them stand
joints that nobody had, drawn as Gaussian maps and decoded for each person. Who is shown is drawn at random among test
people, and which poses by a rule (`spread_out`); nothing is chosen by looking.

Writes OUT, a loop, and beside it OUT's name with ``.jpg``: the poses of the path under one another, for readers who
prefer what does not move. Both say from which weights they were made, as `description` reads it. WebP keeps all colours
in a tenth of a GIF's bytes; ``--out swap.gif --limit 9000000`` is for slides that know no WebP.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from itertools import permutations
from pathlib import Path
from typing import Any

import torch
import tyro
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from momi_lib.data import People, load, to_float, to_uint8
from momi_lib.files import sha256, write_atomically
from momi_lib.skeleton import JOINTS
from momi_lib.translate import MomiNet, load_network, weights_file
from momi_lib.widgets.png import skeleton_png

HEAD, HIPS, ANKLES = (0, 1, 2, 3, 4), (11, 12), (15, 16)
GAP, GROUND = 4, (255, 255, 255)
TITLE = "one picture\nof each person  →\n\n\n\n↓  one pose for all"
FRAME_MS, HOLD_MS = 90, 500
IMAGE_DESCRIPTION = 0x010E  # EXIF


@dataclass(frozen=True)
class Animation:
    """What to draw.

    Attributes:
        out: WebP or GIF to write; the still lies beside it.
        weights: name of committed weights, or a file.
        data: folder of people; ``None`` is ``$MOMI_DATA`` or the embedded set.
        people: how many, each a column.
        poses: how many the path leads through before it closes.
        steps: frames from one pose to the next.
        candidates: test pictures, drawn at random, in which people and poses are looked for.
        scale: how much larger than the network's pictures the drawn ones are.
        seed: of the candidates.
        limit: bytes of a page that still loads at once; nothing larger is written.
    """

    out: Path = Path("docs/images/one-pose-for-all.webp")
    weights: str = "small"
    data: Path | None = None
    people: int = 5
    poses: int = 5
    steps: int = 9
    candidates: int = 256
    scale: int = 2
    seed: int = 0
    limit: int = 2_000_000

    def __post_init__(self) -> None:
        if self.out.suffix.lower() not in (".webp", ".gif"):
            raise ValueError(f"out: expected a file that ends in .webp or .gif, got {self.out}")
        for name, least, most in (
            ("people", 1, 8), ("poses", 2, 7), ("steps", 1, 60), ("candidates", 2, 10**6), ("scale", 1, 4)
        ):  # fmt: skip
            if not least <= getattr(self, name) <= most:
                raise ValueError(f"{name}: expected {least} to {most}, got {getattr(self, name)}")


@torch.inference_mode()
def find_joints(network: MomiNet, people: People, some: Tensor) -> tuple[Tensor, Tensor]:
    """What the student finds in the pictures ``some``: landmarks (N, 17, 2), and the confidence (N,) in the worst."""
    found = [network.pose(to_float(people.pictures[part])) for part in some.split(32)]
    worst = torch.cat([pose.heatmaps.flatten(2).amax(2).amin(1) for pose in found])
    return torch.cat([pose.landmarks for pose in found]), worst


def upright(landmarks: Tensor, size: tuple[int, int]) -> Tensor:
    """The same poses (N, 17, 2) at one height and place, or a path between two crops would be a zoom.

    The middle of the head's joints comes to an eighth of the picture's height, the ankles' to seven eighths, the hips
    to the middle.

    >>> pose = torch.rand(1, 17, 2) * 20
    >>> pose[:, ANKLES, 1] += 50
    >>> moved = upright(pose, (128, 64))
    >>> round(float(moved[0, HEAD, 1].mean())), round(float(moved[0, HIPS, 0].mean()))
    (16, 32)
    """
    height, width = size
    top, bottom = (landmarks[:, part, 1].mean(1) for part in (HEAD, ANKLES))
    scale = (0.75 * height / (bottom - top).clamp_min(1))[:, None]
    x = (landmarks[..., 0] - landmarks[:, HIPS, 0].mean(1, keepdim=True)) * scale + width / 2
    y = (landmarks[..., 1] - top[:, None]) * scale + height / 8
    return torch.stack([x, y], dim=-1)


def spread_out(poses: Tensor, count: int) -> list[int]:
    """``count`` of the poses (N, 17, 2): from the first on, always the one farthest from all that were taken.

    >>> spread_out(torch.tensor([0.0, 1, 9, 5])[:, None, None].expand(4, 17, 2), 3)
    [0, 2, 3]
    """
    taken = [0]
    nearest = (poses - poses[0]).norm(dim=-1).mean(1)
    while len(taken) < count:
        taken.append(int(nearest.argmax()))
        nearest = torch.minimum(nearest, (poses - poses[taken[-1]]).norm(dim=-1).mean(1))
    return taken


def shortest_round(poses: Tensor) -> Tensor:
    """The poses (K, 17, 2) in the order in which a closed path through them is shortest."""
    apart = (poses[:, None] - poses[None]).norm(dim=-1).mean(-1).tolist()

    def length(order: tuple[int, ...]) -> float:
        return sum(apart[a][b] for a, b in zip((0, *order), (*order, 0), strict=True))

    return poses[[0, *min(permutations(range(1, len(poses))), key=length)]]


def path(poses: Tensor, steps: int) -> Tensor:
    """From each pose (K, 17, 2) to the next and back to the first, slower near them: (K · steps, 17, 2).

    >>> path(torch.tensor([0.0, 4])[:, None, None].expand(2, 17, 2), 2)[:, 0, 0].tolist()
    [0.0, 2.0, 4.0, 2.0]
    """
    share = torch.arange(steps) / steps
    share = (share * share * (3 - 2 * share))[:, None, None]  # smooth start and end
    return torch.cat([torch.lerp(a, b, share) for a, b in zip(poses, poses.roll(-1, 0), strict=True)])


def choose(network: MomiNet, people: People, wanted: Animation) -> tuple[Tensor, Tensor]:
    """Indices of the people's pictures, and the poses of the path (K, 17, 2).

    Among the candidates count those of whom the student is surest: the half with the highest confidence in their worst
    joint, where it is above the network's threshold. A half-hidden person says little of clothes, or of a pose.
    """
    generator = torch.Generator().manual_seed(wanted.seed)
    some = torch.randperm(len(people), generator=generator)[: wanted.candidates]
    landmarks, worst = find_joints(network, people, some)
    sure = (worst >= worst.median()) & (worst >= network.config.threshold)
    first: dict[int, int] = {}
    for index in some[sure].tolist():
        first.setdefault(int(people.persons[index]), index)
    if len(first) < wanted.people or int(sure.sum()) < wanted.poses:
        raise ValueError(
            f"candidates: all {len(JOINTS)} joints were found in {int(sure.sum())} pictures of {len(first)} people, "
            f"expected {wanted.poses} pictures and {wanted.people} people; ask for fewer, or for more candidates"
        )
    poses = upright(landmarks[sure], network.config.size)
    return torch.tensor(list(first.values())[: wanted.people]), shortest_round(poses[spread_out(poses, wanted.poses)])


@torch.inference_mode()
def draw(network: MomiNet, sources: Tensor, poses: Tensor) -> Tensor:
    """Each person of ``sources`` (P, 3, H, W) in each of the ``poses`` (T, 17, 2): (T, P, 3, H, W) uint8.

    Behind each stands the person's own street, or what the network draws where it draws the street itself.
    """
    pose = network.pose(sources)
    looks = network.meet(sources, pose)
    streets = network.backdrop(sources, pose, looks.body) if "source" in network.backgrounds else None
    maps = network.reproject(poses, torch.ones(poses.shape[:2], dtype=torch.bool))
    return torch.stack([to_uint8(network.draw(looks, one, streets)) for one in maps.split(1)])


def enlarge(picture: Tensor, scale: float) -> Image.Image:
    """A picture (3, H, W) uint8, smoothly resampled."""
    image = Image.fromarray(picture.permute(1, 2, 0).contiguous().numpy())
    return image.resize((round(image.width * scale), round(image.height * scale)), Image.Resampling.BICUBIC)


def row(first: Image.Image, pictures: Tensor, scale: float) -> Image.Image:
    """``first``, then the pictures (P, 3, H, W), in cells as wide as ``first`` with a gap between them."""
    cells = [first, *(enlarge(picture, scale) for picture in pictures)]
    width, height = first.width, max(cell.height for cell in cells)
    sheet = Image.new("RGB", (len(cells) * (width + GAP) - GAP, height), GROUND)
    for index, cell in enumerate(cells):
        sheet.paste(cell, (index * (width + GAP) + (width - cell.width) // 2, height - cell.height))
    return sheet


def under_one_another(rows: list[Image.Image]) -> Image.Image:
    """Rows of the same width as one sheet."""
    sheet = Image.new("RGB", (rows[0].width, sum(part.height + GAP for part in rows) - GAP), GROUND)
    top = 0
    for part in rows:
        sheet.paste(part, (0, top))
        top += part.height + GAP
    return sheet


def title(width: int, height: int) -> Image.Image:
    """The words in the corner: what stands to the right, and what below."""
    from matplotlib.font_manager import findfont  # a font that is there wherever the library is

    cell = Image.new("RGB", (width, height), GROUND)
    font = ImageFont.truetype(findfont("DejaVu Sans"), max(6, width // 10))
    pen = ImageDraw.Draw(cell)
    pen.multiline_text((width / 2, height), TITLE, fill=(40, 40, 40), font=font, anchor="md", align="center", spacing=4)
    return cell


def pose_picture(pose: Tensor, size: tuple[int, int], scale: int) -> Image.Image:
    """A pose (17, 2) alone, on light grey."""
    ground = torch.full((3, *size), 240, dtype=torch.uint8)
    png = skeleton_png(ground, pose, torch.ones(len(pose), dtype=torch.bool), scale=scale)
    return Image.open(io.BytesIO(png)).convert("RGB")


def save_loop(wanted: Animation, frames: list[Image.Image], about: str) -> Path:
    """Write the frames as an endless loop that holds still at each pose of the path.

    Raises:
        ValueError: where it would be larger than ``wanted.limit``; nothing is written.
    """
    durations = [HOLD_MS if index % wanted.steps == 0 else FRAME_MS for index in range(len(frames))]
    options: dict[str, Any] = {"save_all": True, "append_images": frames[1:], "duration": durations, "loop": 0}
    if wanted.out.suffix.lower() == ".gif":
        options |= {"format": "GIF", "comment": about}
    else:
        options |= {"format": "WEBP", "quality": 80, "method": 4, "exif": exif(about)}
    buffer = io.BytesIO()
    frames[0].save(buffer, **options)
    size = buffer.getbuffer().nbytes
    if size > wanted.limit:
        what = "ask for fewer people, poses or steps, or set another limit"
        raise ValueError(f"{wanted.out}: {size:,} bytes, expected at most {wanted.limit:,}; {what}")
    return write_atomically(wanted.out, lambda file: file.write(buffer.getvalue()))


def exif(about: str) -> Image.Exif:
    """``about`` as a picture's description."""
    tags = Image.Exif()
    tags[IMAGE_DESCRIPTION] = about
    return tags


def description(file: Path) -> str:
    """What a picture that this tool wrote says of itself: weights and seed."""
    with Image.open(file) as image:
        comment = image.info.get("comment", b"")
        return image.getexif().get(IMAGE_DESCRIPTION) or (comment.decode() if isinstance(comment, bytes) else comment)


def make(wanted: Animation) -> tuple[Path, Path]:
    """Draw it; the paths of the loop and of the still.

    Raises:
        FileNotFoundError: without weights or people.
        ValueError: with too few people or poses to choose from, or where the result is too large.
    """
    network, people = load_network(wanted.weights), load(wanted.data, "test")
    about = f"weights {sha256(weights_file(wanted.weights))}, seed {wanted.seed}, tools/make_animation.py"
    shown, poses = choose(network, people, wanted)
    sources, size, scale = people.pictures[shown], network.config.size, wanted.scale
    joints = path(poses, wanted.steps)
    drawn = draw(network, to_float(sources), joints)
    above = row(title(size[1] * scale, round(size[0] * 0.75 * scale)), sources, 0.75 * scale)
    rows = [
        row(pose_picture(pose, size, scale), pictures, scale) for pose, pictures in zip(joints, drawn, strict=True)
    ]
    save_loop(wanted, [under_one_another([above, part]) for part in rows], about)
    still = under_one_another([above, *rows[:: wanted.steps]])
    target = wanted.out.with_suffix(".jpg")
    write_atomically(target, lambda file: still.save(file, "JPEG", quality=85, exif=exif(about)))
    return wanted.out, target


def main(wanted: Animation) -> None:
    """Draw the animation and say what was written."""
    for file in make(wanted):
        print(f"{file}: {file.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main(tyro.cli(Animation, description=__doc__))
