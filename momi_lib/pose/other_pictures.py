"""A warning for pictures of which the committed teacher knows nothing: it learned mannequins."""

from __future__ import annotations

import logging
from functools import cache
from pathlib import Path

from momi_lib.data.records import EMBEDDED

log = logging.getLogger(__name__)

#: What a command that takes a teacher is given instead.
OFFICIAL = "pass an official Simple Baselines checkpoint (COCO), --teacher pose_resnet_50_256x192.pth.tar"


def warn_of_other_pictures(folder: Path, teacher: Path | None, instead: str = OFFICIAL) -> None:
    """Log one line, once a folder, if the mannequins' teacher is to find the joints of other pictures than theirs.

    Args:
        folder: of the pictures.
        teacher: the file that was asked for; ``None`` is the committed teacher, which learned mannequins.
        instead: what to do for photographs.

    >>> warn_of_other_pictures(EMBEDDED, None)
    """
    if teacher is None and folder.resolve() != EMBEDDED.resolve():
        _say(folder.resolve(), instead)


@cache  # a study trains and scores many times on one folder
def _say(folder: Path, instead: str) -> None:
    log.warning(
        "%s: the teacher that finds joints learned rendered mannequins and never saw a photograph; for photographs %s",
        *(folder, instead),
    )
