"""Put the weights of a run into ``data/weights`` with their card: ``python tools/publish.py runs/small small``.

``python tools/publish.py runs/teacher mannequin-teacher`` does the same for a teacher, and ``python tools/publish.py
runs/pg2 pg2`` for a rival, whose files begin with ``rival-``.

It draws the true swaps, scores them, the student and the body maps on people never seen in training, and writes
``momi-NAME.safetensors``, its card ``momi-NAME.json``, the run's log ``momi-NAME.log.jsonl``, its swaps during training
``momi-NAME.progress.jpg`` and the folder's README.
"""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import tyro
from PIL import Image

from momi_lib.data import load
from momi_lib.data.body_maps import load_body_labels
from momi_lib.evaluate.body_maps import score_body_maps
from momi_lib.evaluate.truth_table import truth_table
from momi_lib.files import sha256, weights_folder, write_atomically, write_json
from momi_lib.metrics.pose import score_landmarks
from momi_lib.pose import Teacher
from momi_lib.provenance import begun_with, command_line
from momi_lib.rivals.weights import FORMAT, load_rival
from momi_lib.train.log import read_log
from momi_lib.train.run import LOG, PROGRESS_PICTURE, WEIGHTS
from momi_lib.train.teacher import score_teacher
from momi_lib.translate import load_network
from momi_lib.translate.weights import described

LIMIT = 15_000_000  # bytes per file
RIVAL_LIMIT = 6_000_000
PICTURE_LIMIT = 400_000  # bytes


def publish(
    run: tyro.conf.Positional[Path],
    name: tyro.conf.Positional[str],
    /,
    points: int = 600,
    flip: bool = False,
    scores: Path | None = None,
    note: str = "",
) -> None:
    """Copy, score and describe the weights of a run.

    Args:
        run: folder of the run.
        name: what `load_network` or, for a rival, `load_rival` will call them.
        points: about how many lines of the log are kept.
        flip: publish a teacher that takes the flip test from now on, and score it again.
        scores: JSON of ``python -m momi_lib truth`` with these weights, instead of scoring them here.
        note: what else a reader of the card should know.
    """
    if (run / "teacher.safetensors").is_file():
        publish_teacher(run, name, flip)
        return
    source = run / WEIGHTS
    rival = described(source).get("format") == FORMAT
    network: Any = load_rival(source) if rival else load_network(source)
    limit = RIVAL_LIMIT if rival else LIMIT
    if source.stat().st_size > limit:
        raise ValueError(f"{source}: {source.stat().st_size} bytes, expected at most {limit}")
    card = json.loads(source.with_suffix(".json").read_text(encoding="utf-8"))
    card["published_by"] = command_line()
    if note:
        card["note"] = note
    events = [line for line in read_log(run / LOG) if "event" in line]
    card["history"] = [{key: line.get(key) for key in ("step", "event", "command", "date")} for line in events]
    card["scores"] = {"truth": rows_of(source, scores)}
    if not rival:
        card["parameters"] = sum(p.numel() for p in network.parameters())
        card["scores"] |= scores_of_parts(network)
    store(run, f"{'rival' if rival else 'momi'}-{name}", card, points)


def scores_of_parts(network: Any) -> dict[str, Any]:
    """Of the student and the body maps, on people never seen in training."""
    test = load(None, "test")
    options = {"upsample": network.config.decode_at == "full"}
    scores: dict[str, Any] = {
        "student": score_landmarks(network.student, test, decoder=network.config.decoder, **options),
        "student_argmax": score_landmarks(network.student, test, decoder="argmax", **options),
    }
    if network.config.carry:
        labels = load_body_labels(None, "test", test.files)
        scores["body_maps"] = score_body_maps(network, test, labels)
    return scores


def store(run: Path, stem: str, card: dict[str, Any], points: int) -> None:
    """Write a run's weights, card, log and progress into the folder of weights, and the folder's README."""
    source, folder = run / WEIGHTS, weights_folder()
    target, picture = (folder / f"{stem}.{ending}" for ending in ("safetensors", "progress.jpg"))
    picture.unlink(missing_ok=True)  # that of earlier weights
    if (run / PROGRESS_PICTURE).is_file():
        content = small_jpeg(run / PROGRESS_PICTURE)
        write_atomically(picture, lambda file: file.write(content))
        card["progress"] = picture.name
    write_atomically(target, lambda file: file.write(source.read_bytes()))
    write_json(target.with_suffix(".json"), {**card, "sha256": sha256(target)})
    lines = read_log(run / LOG)
    steps = [line for line in lines if "event" not in line]
    thin = max(1, len(steps) // points)
    kept = [line for line in lines if "event" in line] + [s for i, s in enumerate(steps) if i % thin == thin - 1]
    kept.sort(key=lambda line: (line["step"], "event" not in line))
    text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in kept)
    write_atomically(folder / f"{stem}.log.jsonl", lambda file: file.write(text.encode()))
    describe(folder)


def small_jpeg(path: Path, limit: int = PICTURE_LIMIT) -> bytes:
    """A JPEG as it is, or written again with lower quality until it has at most ``limit`` bytes.

    Raises:
        ValueError: if it is larger even at the lowest quality.
    """
    content = path.read_bytes()
    for quality in range(85, 20, -5):
        if len(content) > limit:
            buffer = io.BytesIO()
            with Image.open(path) as image:
                image.save(buffer, "JPEG", quality=quality)
            content = buffer.getvalue()
    if len(content) <= limit:
        return content
    raise ValueError(f"{path}: {len(content)} bytes with the lowest quality, expected at most {limit}")


def rows_of(weights: Path, scores: Path | None) -> list[dict[str, Any]]:
    """The rows of the table of true swaps for these weights, from ``scores`` or computed.

    Raises:
        ValueError: if ``scores`` were computed with other weights.
    """
    table = truth_table([str(weights)]) if scores is None else json.loads(scores.read_text(encoding="utf-8"))
    rows = table["rows"]
    own = [row for row in rows if row.get("weights_sha256") == sha256(weights)]
    if len(own) != 1:
        raise ValueError(f"{scores}: expected one row with the SHA-256 of {weights}, got {len(own)}")
    others = [row for row in rows if "weights_sha256" not in row]
    return [*others[:-1], {**own[0], "answer": "weights"}, others[-1]]


def publish_teacher(run: Path, name: str, flip: bool = False) -> None:
    """Copy a teacher and its card, which already contains its scores, unless the flip test changes them."""
    source, target = run / "teacher.safetensors", weights_folder() / f"{name}.safetensors"
    teacher = Teacher.load(source)  # refuse anything that is not a teacher
    card = json.loads(source.with_suffix(".json").read_text(encoding="utf-8"))
    if card["sha256"] != sha256(source):
        raise ValueError(f"{source}: does not match the SHA-256 in its card; the run did not finish, or wrote it again")
    start = card["config"].get("start")
    if start is not None and "begun_with" not in card:
        card["begun_with"] = begun_with(Path(start))
    if flip and not teacher.flip:
        teacher.flip = True
        teacher.save(target, half=card["config"].get("half", False))
        card |= {
            "sha256": sha256(target),
            "flip": "the flip test was switched on after training; the weights are the same",
            "scores": score_teacher(Teacher.load(target), load(None, "test")),
            "scores_without_flip": card["scores"],
        }
    else:
        write_atomically(target, lambda file: file.write(source.read_bytes()))
    write_json(target.with_suffix(".json"), {**card, "name": name, "published_by": command_line()})
    describe(weights_folder())


def describe(folder: Path) -> None:
    """Write the folder's README from the cards in it."""
    parts = [
        "# Weights\n",
        "Safetensors in half precision, each with a JSON card: command, config, seed, steps, device, time, scores, "
        "SHA-256. This page is made from the cards by `tools/publish.py`. Licence: MIT, like the code; all were "
        "trained only on the mannequins.\n",
        "Commands are quoted as they were typed. Some options have other names now: see "
        "[CHANGELOG](../../CHANGELOG.md).\n",
        "`pck_height` is PCK@0.1: the share of visible joints that the network finds within a tenth of the person's "
        "height; `pck_6px` counts those within 6 pixels. `rank1` is rank-1: the share of queries whose nearest gallery "
        "picture, by the network's descriptors, shows the same person. `confusion` is the share of joints found at "
        "the place of their mirror joint; `found` and `imagined` are the shares of visible and of absent joints with a "
        "confidence of at least 0.2; `same`, `different` and `copy` are the mean affinities of two pictures of one "
        "person, of two people, and of a picture with itself. Unless `people` says otherwise, the people were never "
        "seen in training.\n",
    ]
    for path in sorted(folder.glob("*.json")):
        parts.append(section(path.stem, json.loads(path.read_text(encoding="utf-8"))))
    write_atomically(folder / "README.md", lambda file: file.write("\n".join(parts).encode()))


def section(name: str, card: dict[str, Any]) -> str:
    """A card as Markdown."""
    config = card.get("config", {})
    minutes = card.get("minutes") or card.get("seconds", 0) / 60 or card.get("hours", 0) * 60
    lines = [
        f"## {name}\n",
        f"- made by `{card['command']}`",
        f"- {lengths(card)}, seed {config.get('seed')}, {minutes:.0f} minutes on {card['device']}, {card['date'][:10]}",
    ]
    if "averaged" in card:
        made = card["averaged"]
        lines.append(
            f"- then averaged: {made['share']:.0%} of these weights (`{made['second']['sha256'][:8]}…`) and the rest "
            f"from the run before (`{made['first']['sha256'][:8]}…`), by `{made['by']}`"
        )
    if "student_begun_with" in card:
        lines += [f"- its student started from {line}" for line in beginnings(card["student_begun_with"])]
    if "begun_with" in card:
        lines += [f"- started from {line}" for line in beginnings(card["begun_with"])]
    for event in card.get("history", [])[:-1]:
        lines.append(f"- before that, from step {event['step']}: `{event['command']}`")
    if "perceptual" in card:
        precision = card.get("precision", config.get("precision"))
        lines.append(f"- perceptual network: {card['perceptual']}; precision {precision}")
    if "flip" in card:
        lines.append(f"- {card['flip']}: PCK {card['scores_without_flip']['pck_height']} without it")
    if "note" in card:
        lines.append(f"- {card['note']}")
    for key, value in card.get("scores", {}).items():
        if key == "truth":
            lines += [f"- {row['answer'] if row['answer'] != 'weights' else name}: masked L1 {row['l1']}, "
                      f"masked SSIM {row['ssim']} ({row['count']} true swaps)" for row in value]  # fmt: skip
        elif key == "body_maps":
            lines += [f"- {which}: {found['median_cm']} cm off (median), {found['error_cm']} cm (mean), IoU of "
                      f"silhouettes {found['iou']} ({found['pictures']} test pictures)"
                      for which, found in (("B_s", value["source"]), ("B_t", value["answer"]))]  # fmt: skip
        elif not isinstance(value, dict) or "pck_height" in value:
            lines.append(f"- {key}: {json.dumps(value)}")
    if "progress" in card:
        lines.append(f"- the same eight swaps during training: [{card['progress']}]({card['progress']})")
    lines.append(f"- SHA-256 `{card['sha256']}`\n")
    return "\n".join(lines)


def lengths(card: dict[str, Any]) -> str:
    """How many steps, and of which batch size, stage by stage if there is more than one.

    >>> config = {"batch": 8, "distil_batch": 32, "body_batch": 16}
    >>> lengths({"steps": 9, "config": config, "stages": {"student": 2, "body maps": 3, "whole": 4}})
    '9 steps: student 2 of 32, body maps 3 of 16, whole network 4 of 8'
    >>> lengths({"steps": 4, "config": config, "stages": {"student": 0, "body maps": 0, "whole": 4}})
    '4 steps of 8'
    >>> lengths({"steps": 5, "config": {"batch": None}, "rival": {"batch": 8}})
    '5 steps of 8'
    """
    config = {**card.get("config", {}), **card.get("rival", {})}
    steps = card.get("steps", config.get("steps"))
    if "stages" not in card:  # older cards, and those of other networks
        first = f" (the first {config['distil_steps']} of {config['distil_batch']})" if "distil_steps" in config else ""
        return f"{steps} steps of {config.get('batch')}{first}"
    sizes = {"student": "distil_batch", "body maps": "body_batch", "whole": "batch"}
    names = {"whole": "whole network"}
    stages = [(stage, count, config.get(sizes[stage])) for stage, count in card["stages"].items() if count]
    if [stage for stage, *_ in stages] == ["whole"]:
        return f"{steps} steps of {config.get('batch')}"
    told = (f"{names.get(stage, stage)} {count} of {batch}" for stage, count, batch in stages)
    return f"{steps} steps: {', '.join(told)}"


def beginnings(first: dict[str, Any]) -> list[str]:
    """What weights a run started from, and what those started from, newest first.

    >>> beginnings({"command": "c", "seconds": 120, "sha256": "0123456789", "date": "2026-01-01"})
    ['the weights `01234567…` of 2026-01-01, 2 minutes of `c`']
    """
    lines = []
    while first:
        minutes = first.get("minutes") or first.get("seconds", 0) / 60 or first.get("hours", 0) * 60
        made = f"{minutes:.0f} minutes of `{first['command']}`" if "command" in first else "of unknown origin"
        note = f": {first['note']}" if "note" in first else ""
        which = f"the weights `{first['sha256'][:8]}…` of {first['date'][:10]}, " if "sha256" in first else ""
        lines.append(f"{which}{made}{note}")
        first = first.get("begun_with", {})
    return lines


if __name__ == "__main__":
    tyro.cli(publish, description=__doc__)
