"""The pose branch: teacher ψ, student F_p, landmarks and Gaussian pose maps (Section II-A, Eq. 1)."""

from momi_lib.pose.cache import TeacherMaps, teacher_maps
from momi_lib.pose.heatmaps import decode, default_sigma, gaussian_maps, pose_maps
from momi_lib.pose.keypoint_rcnn import KeypointRCNNTeacher, detections_to_heatmaps
from momi_lib.pose.scores import Score, left_right_confusion, pck, person_heights
from momi_lib.pose.simple_baseline import SimpleBaseline
from momi_lib.pose.student import Student
from momi_lib.pose.teacher import Teacher

__all__ = [
    "KeypointRCNNTeacher",
    "Score",
    "SimpleBaseline",
    "Student",
    "Teacher",
    "TeacherMaps",
    "decode",
    "default_sigma",
    "detections_to_heatmaps",
    "gaussian_maps",
    "left_right_confusion",
    "pck",
    "person_heights",
    "pose_maps",
    "teacher_maps",
]
