"""The pose branch: teacher ψ, student F_p, landmarks and Gaussian pose maps (Section II-A, Eq. 1)."""

from momi_lib.pose.cache import TeacherMaps, teacher_maps
from momi_lib.pose.heatmaps import decode, default_sigma, gaussian_maps, pose_maps
from momi_lib.pose.keypoint_rcnn import KeypointRCNNTeacher, detections_to_heatmaps
from momi_lib.pose.simple_baseline import SimpleBaseline
from momi_lib.pose.student import Student
from momi_lib.pose.teacher import Teacher
from momi_lib.pose.weights import load_teacher

__all__ = [
    "KeypointRCNNTeacher",
    "SimpleBaseline",
    "Student",
    "Teacher",
    "TeacherMaps",
    "decode",
    "default_sigma",
    "detections_to_heatmaps",
    "gaussian_maps",
    "load_teacher",
    "pose_maps",
    "teacher_maps",
]
