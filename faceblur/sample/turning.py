"""Geometry: where a point of the portrait lands in the frame, and the way back.

A head turns like a relief: the ellipse of the head is a dome, and turning moves each point by its height times the
sine of the angle. It tilts about the neck, fading out down to the shoulders. The bust leans and scales as a whole. The
same functions place the pixels and the true face boxes.
"""

from __future__ import annotations

import math

import numpy as np

from .motion import Pose
from .portraits import Portrait

DOME_HEIGHT = 0.62
"""Height of the dome over the head, as a part of the ellipse's horizontal radius."""


def to_frame(portrait: Portrait, pose: Pose, points: np.ndarray) -> np.ndarray:
    """Frame positions (Nx2) of picture positions (Nx2)."""
    moved = points + _head_shift(portrait, pose, points)
    return (moved - _pivot(portrait)) @ _bust(pose).T + _stand(pose)


def to_picture(portrait: Portrait, pose: Pose, points: np.ndarray) -> np.ndarray:
    """Picture positions (Nx2) of frame positions (Nx2): `to_frame` undone by fixed-point iteration."""
    moved = (points - _stand(pose)) @ np.linalg.inv(_bust(pose)).T + _pivot(portrait)
    found = moved.copy()
    for _ in range(5):
        found = moved - _head_shift(portrait, pose, found)
    return found


def face_box(portrait: Portrait, pose: Pose) -> tuple[float, float, float, float]:
    """Left, top, right, bottom in frame pixels of the face: the bounds of the ellipse in its box, moved."""
    left, top, width, height = portrait.face
    angles = np.linspace(0, 2 * math.pi, 72, endpoint=False)
    rim = np.stack([left + (1 + np.cos(angles)) * width / 2, top + (1 + np.sin(angles)) * height / 2], axis=1)
    placed = to_frame(portrait, pose, rim)
    return (*placed.min(axis=0).tolist(), *placed.max(axis=0).tolist())


def bust_corners(portrait: Portrait, pose: Pose) -> np.ndarray:
    """Frame positions (4x2) of the canvas corners, the head held still, clockwise from the top left."""
    width, height = portrait.canvas
    corners = np.array([(0, 0), (width, 0), (width, height), (0, height)], np.float64)
    return (corners - _pivot(portrait)) @ _bust(pose).T + _stand(pose)


def _pivot(portrait: Portrait) -> np.ndarray:
    return np.array([portrait.neck[0], portrait.canvas[1]], np.float64)


def _stand(pose: Pose) -> np.ndarray:
    return np.array([pose.x, pose.bottom], np.float64)


def _bust(pose: Pose) -> np.ndarray:
    return pose.scale * _rotation(pose.lean)


def _rotation(degrees: float) -> np.ndarray:
    cosine, sine = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    return np.array([[cosine, -sine], [sine, cosine]])


def _head_shift(portrait: Portrait, pose: Pose, points: np.ndarray) -> np.ndarray:
    """How far (Nx2 picture pixels) turning and tilting moves each point."""
    centre_x, centre_y, radius_x, radius_y = portrait.head
    across = (points[:, 0] - centre_x) / radius_x
    along = (points[:, 1] - centre_y) / radius_y
    dome = np.clip(1 - across**2 - along**2, 0, None) ** 1.25 * (DOME_HEIGHT * radius_x)
    turn = math.radians(pose.yaw)
    weight = _follows_head(portrait, points[:, 1])
    shift = points - portrait.neck
    shift = (shift @ _rotation(pose.tilt).T - shift) * weight[:, None]
    # The outline of a turning head narrows a little, and the head swings forward over the neck.
    shift[:, 0] += dome * math.sin(turn) + weight * (
        (math.cos(turn) - 1) * 0.5 * (points[:, 0] - portrait.neck[0]) + 0.06 * radius_x * math.sin(turn)
    )
    shift[:, 1] += dome * math.sin(math.radians(pose.nod))
    return shift


def _follows_head(portrait: Portrait, rows: np.ndarray) -> np.ndarray:
    """1 above the chin, 0 at the shoulders, smooth between."""
    chin = portrait.face[1] + portrait.face[3]
    part = np.clip((portrait.still_below - rows) / (portrait.still_below - chin), 0, 1)
    return part * part * (3 - 2 * part)
