"""The examples in the mannequins' tool run as tests, where its extra is installed."""

from __future__ import annotations

from importlib.util import find_spec

collect_ignore_glob = []
if any(find_spec(package) is None for package in ("anny", "moderngl", "scipy", "cv2")):
    collect_ignore_glob = ["mannequins/*"]
