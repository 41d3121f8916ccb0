"""Cameras for a 3D photo: preset moves, easing, and the user's own path files.

Axes as OpenCV: x right, y down, z forward. The world is the source camera's frame, so the source camera is the
identity; the nearest surface has depth 1 and everything lies at depth 1..infinity. Every preset keeps its view's
parallax budget: no gap opens wider, and no frame looks farther past the photo's border, than the scene is built for.
"""

from camera_paths.budget import fit_to_budget
from camera_paths.camera import CameraPath, View, project, reach_px, relative_parallax_px
from camera_paths.easing import EASINGS, frame_phases
from camera_paths.errors import PathError
from camera_paths.pathfile import load_path_file, save_path_file
from camera_paths.presets import PRESETS, Preset, camera_path, find_preset

__all__ = [
    "EASINGS",
    "PRESETS",
    "CameraPath",
    "PathError",
    "Preset",
    "View",
    "camera_path",
    "find_preset",
    "fit_to_budget",
    "frame_phases",
    "load_path_file",
    "project",
    "reach_px",
    "relative_parallax_px",
    "save_path_file",
]
