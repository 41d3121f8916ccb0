import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from camera_paths.rotation import (
    angles_from_matrix,
    conjugate,
    exp_quaternion,
    log_quaternion,
    matrix_from_angles,
    matrix_from_quaternion,
    multiply,
    quaternion_from_matrix,
)

angle = st.floats(-np.pi, np.pi)
angles = st.tuples(angle, angle, angle).map(np.array)


@settings(deadline=None)
@given(angles)
def test_matrix_quaternion_and_angles_describe_the_same_rotation(angles_rad):
    matrix = matrix_from_angles(angles_rad)
    np.testing.assert_allclose(matrix @ matrix.T, np.eye(3), atol=1e-12)
    np.testing.assert_allclose(matrix_from_quaternion(quaternion_from_matrix(matrix)), matrix, atol=1e-12)
    # Near straight up or down the angles lose digits, but no more than this.
    np.testing.assert_allclose(matrix_from_angles(angles_from_matrix(matrix)), matrix, atol=2e-7)


@settings(deadline=None)
@given(angles)
def test_log_undoes_exp(angles_rad):
    vector = angles_rad / max(1, np.linalg.norm(angles_rad) / 3)
    np.testing.assert_allclose(log_quaternion(exp_quaternion(vector)), vector, atol=1e-12)
    np.testing.assert_allclose(log_quaternion(-exp_quaternion(vector)), vector, atol=1e-12)


@settings(deadline=None)
@given(angles, angles)
def test_product_applies_the_second_rotation_first(first, second):
    a, b = exp_quaternion(first), exp_quaternion(second)
    product = matrix_from_quaternion(multiply(a, b))
    np.testing.assert_allclose(product, matrix_from_quaternion(a) @ matrix_from_quaternion(b), atol=1e-12)
    np.testing.assert_allclose(multiply(a, conjugate(a)), [1, 0, 0, 0], atol=1e-12)


def test_gimbal_lock_gives_the_turn_to_yaw():
    matrix = matrix_from_angles(np.array([0.4, np.pi / 2, 0.0]))
    np.testing.assert_allclose(angles_from_matrix(matrix), [0.4, np.pi / 2, 0], atol=1e-7)
