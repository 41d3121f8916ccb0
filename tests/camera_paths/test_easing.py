import numpy as np
import pytest

from camera_paths import EASINGS, PathError, frame_phases


@pytest.mark.parametrize("name", EASINGS)
def test_easings_rise_from_0_to_1(name):
    t = np.linspace(0, 1, 1001)
    eased = EASINGS[name](t)
    assert eased[0] == 0
    assert eased[-1] == 1
    assert (np.diff(eased) >= 0).all()
    assert (np.diff(eased) < 0.01).all()


@pytest.mark.parametrize("name", ["ease-in-out", "sine", "quint", "expo"])
def test_two_sided_easings_are_symmetric_and_start_slowly(name):
    t = np.linspace(0, 1, 101)
    eased = EASINGS[name](t)
    np.testing.assert_allclose(eased + eased[::-1], 1, atol=1e-12)
    assert eased[1] < 0.001


def test_one_way_path_includes_both_ends():
    np.testing.assert_array_equal(frame_phases(5, loops=False), [0, 0.25, 0.5, 0.75, 1])


def test_loop_leaves_out_the_doubled_frame():
    np.testing.assert_array_equal(frame_phases(4, loops=True), [0, 0.25, 0.5, 0.75])


@pytest.mark.parametrize("loops", [False, True])
def test_single_frame_is_the_start(loops):
    np.testing.assert_array_equal(frame_phases(1, loops=loops), [0])


def test_reverse_plays_the_same_frames_backwards():
    forward = frame_phases(9, loops=False, easing="ease-in")
    np.testing.assert_allclose(frame_phases(9, loops=False, easing="ease-in", reverse=True), forward[::-1])


def test_reversed_loop_still_starts_with_its_first_frame():
    np.testing.assert_array_equal(frame_phases(4, loops=True, reverse=True), [0, 0.75, 0.5, 0.25])


def test_boomerang_goes_and_returns_without_a_doubled_frame():
    phase = frame_phases(6, loops=False, boomerang=True)
    np.testing.assert_allclose(phase, np.array([0, 1, 2, 3, 2, 1]) / 3, atol=1e-12)


def test_reversed_boomerang_starts_at_the_end():
    phase = frame_phases(6, loops=False, boomerang=True, reverse=True)
    np.testing.assert_allclose(phase, np.array([3, 2, 1, 0, 1, 2]) / 3, atol=1e-12)


def test_still_frames_hold_the_first_phase_and_count_towards_the_clip():
    np.testing.assert_array_equal(frame_phases(5, loops=False, still_frames=2), [0, 0, 0, 0.5, 1])
    np.testing.assert_array_equal(frame_phases(4, loops=False, reverse=True, still_frames=2), [1, 1, 1, 0])


def test_unknown_easing_names_the_choices():
    with pytest.raises(PathError, match=r"unknown easing 'back'.*ease-in-out"):
        frame_phases(5, loops=False, easing="back")


@pytest.mark.parametrize(("n_frames", "still_frames"), [(0, 0), (3, 3), (3, -1)])
def test_counts_that_leave_no_frame_to_move_are_refused(n_frames, still_frames):
    with pytest.raises(PathError, match="frames"):
        frame_phases(n_frames, loops=False, still_frames=still_frames)
