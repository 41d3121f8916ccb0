"""Rotations as unit quaternions (w, x, y, z), rotation vectors and yaw/pitch/roll angles, on stacked arrays."""

from __future__ import annotations

import numpy as np

from camera_paths.arrays import FloatArray

# Below this cosine of the pitch, yaw and roll turn about the same axis; the whole turn is then given to yaw.
_GIMBAL_LOCK_COS = 1e-7


def exp_quaternion(vector: FloatArray) -> FloatArray:
    """Unit quaternions (..., 4) that turn by the length of `vector` (..., 3), radians, about its direction."""
    half = np.linalg.norm(vector, axis=-1, keepdims=True) / 2
    return np.concatenate([np.cos(half), vector / 2 * np.sinc(half / np.pi)], axis=-1)


def log_quaternion(quaternion: FloatArray) -> FloatArray:
    """Rotation vectors (..., 3), radians, length <= pi, of unit quaternions (..., 4)."""
    # q and -q are the same rotation; the one with w >= 0 is the short way round.
    quaternion = np.where(quaternion[..., :1] < 0, -quaternion, quaternion)
    sine = np.linalg.norm(quaternion[..., 1:], axis=-1, keepdims=True)
    angle = 2 * np.arctan2(sine, quaternion[..., :1])
    # angle / sine tends to 2 for small angles.
    return quaternion[..., 1:] * np.where(sine > 0, angle / np.where(sine > 0, sine, 1), 2)


def multiply(first: FloatArray, second: FloatArray) -> FloatArray:
    """Quaternion product (..., 4): as rotations, `second` is applied first."""
    w1, x1, y1, z1 = np.moveaxis(first, -1, 0)
    w2, x2, y2, z2 = np.moveaxis(second, -1, 0)
    return np.stack(
        [
            w1 * w2 - x1 * x2 - y1 * y2 - z1 * z2,
            w1 * x2 + x1 * w2 + y1 * z2 - z1 * y2,
            w1 * y2 - x1 * z2 + y1 * w2 + z1 * x2,
            w1 * z2 + x1 * y2 - y1 * x2 + z1 * w2,
        ],
        axis=-1,
    )


def conjugate(quaternion: FloatArray) -> FloatArray:
    """Inverse rotations (..., 4) of unit quaternions (..., 4)."""
    inverse: FloatArray = quaternion * np.array([1.0, -1.0, -1.0, -1.0])
    return inverse


def matrix_from_quaternion(quaternion: FloatArray) -> FloatArray:
    """Rotation matrices (..., 3, 3) of unit quaternions (..., 4)."""
    w, x, y, z = np.moveaxis(quaternion, -1, 0)
    rows = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
        [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
        [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
    ]
    return np.stack([np.stack(row, axis=-1) for row in rows], axis=-2)


def quaternion_from_matrix(matrix: FloatArray) -> FloatArray:
    """Unit quaternions (..., 4) of rotation matrices (..., 3, 3)."""
    m = matrix
    # Each row is the quaternion times four times one of its components; that of the largest is the accurate one.
    w, x, y, z = (
        1 + m[..., 0, 0] + m[..., 1, 1] + m[..., 2, 2],
        1 + m[..., 0, 0] - m[..., 1, 1] - m[..., 2, 2],
        1 - m[..., 0, 0] + m[..., 1, 1] - m[..., 2, 2],
        1 - m[..., 0, 0] - m[..., 1, 1] + m[..., 2, 2],
    )
    wx, wy, wz = m[..., 2, 1] - m[..., 1, 2], m[..., 0, 2] - m[..., 2, 0], m[..., 1, 0] - m[..., 0, 1]
    xy, xz, yz = m[..., 0, 1] + m[..., 1, 0], m[..., 0, 2] + m[..., 2, 0], m[..., 1, 2] + m[..., 2, 1]
    rows = [[w, wx, wy, wz], [wx, x, xy, xz], [wy, xy, y, yz], [wz, xz, yz, z]]
    candidates = np.stack([np.stack(row, axis=-1) for row in rows], axis=-2)
    largest = np.stack([w, x, y, z], axis=-1).argmax(axis=-1)
    quaternion: FloatArray = np.take_along_axis(candidates, largest[..., None, None], axis=-2)[..., 0, :]
    quaternion /= np.linalg.norm(quaternion, axis=-1, keepdims=True)
    return quaternion


def matrix_from_angles(angles_rad: FloatArray) -> FloatArray:
    """Camera-to-world matrices (..., 3, 3) of yaw, pitch and roll (..., 3), radians.

    Positive yaw looks to the right, positive pitch looks up, positive roll turns the camera clockwise.
    """
    yaw, pitch, roll = (
        exp_quaternion(angles_rad[..., i : i + 1] * np.array(axis))
        for i, axis in enumerate([(0.0, 1.0, 0.0), (1.0, 0.0, 0.0), (0.0, 0.0, 1.0)])
    )
    return matrix_from_quaternion(multiply(yaw, multiply(pitch, roll)))


def angles_from_matrix(matrix: FloatArray) -> FloatArray:
    """Yaw, pitch and roll (..., 3), radians, of camera-to-world matrices (..., 3, 3): see `matrix_from_angles`."""
    cos_pitch = np.hypot(matrix[..., 1, 0], matrix[..., 1, 1])
    locked = cos_pitch < _GIMBAL_LOCK_COS
    yaw = np.where(
        locked,
        np.arctan2(-matrix[..., 2, 0], matrix[..., 0, 0]),
        np.arctan2(matrix[..., 0, 2], matrix[..., 2, 2]),
    )
    pitch = np.arctan2(-matrix[..., 1, 2], cos_pitch)
    roll = np.where(locked, 0.0, np.arctan2(matrix[..., 1, 0], matrix[..., 1, 1]))
    return np.stack([yaw, pitch, roll], axis=-1)
