"""The study engine: one network trained again and again with one thing changed, and what the runs say together."""

from momi_lib.study.run import Study, run_study

__all__ = [
    "Study",
    "run_study",
]
