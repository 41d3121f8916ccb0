"""What trains the shipped depth: which sources, which targets, which samples."""

import numpy as np
import pytest

from training.depth_data import SUBJECT_UNKNOWN, Sample, crop, degrade, paste
from training.labels import contact_level, make_target, remove_halo
from training.sources import training_photos


def test_non_commercial_sources_do_not_train(tmp_path) -> None:
    (tmp_path / "SOURCES.tsv").write_text(
        "folder\tlicence\nphotos/free\tCC0-1.0\nphotos/nc\tCC BY-NC-SA 4.0\n"
        "photos/plain\tunstated\nphotos/net\tunstated (ImageNet: non-commercial research)\n"
    )
    (tmp_path / "photos.csv").write_text(
        "photo,width,height,log_disparity_lo,log_disparity_hi\n"
        + "".join(f"{folder}/a,8,8,-1,1\n" for folder in ("free", "nc", "plain", "net"))
    )
    assert [photo.folder for photo in training_photos(tmp_path)] == ["free", "plain"]


@pytest.fixture
def standing():
    """A grey person-like block on a ground that comes nearer downward; the teacher does not see the block at all."""
    h, w = 96, 128
    rgb = np.full((h, w, 3), 200, np.uint8)
    rgb[20:80, 50:78] = 60
    ground = np.tile(np.linspace(0.1, 1.0, h, dtype=np.float32)[:, None], (1, w))
    classes = np.zeros((h // 2, w // 2), np.uint8)
    classes[10:40, 25:39] = 15
    return rgb, ground, classes


def test_subjects_pop_out_as_one_piece_at_their_feet(standing) -> None:
    rgb, ground, classes = standing
    target, alpha = make_target(rgb, ground, classes)
    body = target[24:76, 54:74]
    feet = target[79, 64]
    assert (alpha[24:76, 54:74] > 0.9).all() and alpha[:, :40].max() < 0.1
    assert np.ptp(body) < 0.25 < np.ptp(target[24:76, 20])
    assert np.median(body) > 0.8 * feet and np.median(body) > target[30, 20] + 0.3
    assert abs(target[50, 20] - make_target(rgb, ground, None)[0][50, 20]) < 0.05


def test_contact_level_is_before_the_surroundings(standing) -> None:
    _, ground, _ = standing
    subject = np.zeros(ground.shape, bool)
    subject[20:60, 50:78] = True
    assert contact_level(ground, subject) > np.median(ground[15:65, 40:88]) + 0.1


def test_halo_takes_the_background_beyond_it() -> None:
    disparity = np.full((64, 64), 0.2, np.float32)
    inside = np.zeros((64, 64), bool)
    inside[24:40, 24:40] = True
    disparity[20:44, 20:44] = 0.5  # blur of the teacher around the subject
    disparity[inside] = 0.9
    clean = remove_halo(disparity, inside)
    assert np.array_equal(clean[inside], disparity[inside])
    assert abs(clean[21, 21] - 0.2) < 0.02


def sample(seed: int, subject: bool) -> Sample:
    rng = np.random.default_rng(seed)
    mask = np.zeros((80, 100), np.uint8)
    if subject:
        mask[20:70, 40:60] = 254
    return Sample(rng.integers(0, 256, (80, 100, 3), np.uint8), rng.random((80, 100), np.float32), mask)


def test_pasted_subjects_stand_before_what_they_hide() -> None:
    scene, donor = sample(1, subject=False), sample(2, subject=True)
    out = paste(scene, donor, np.random.default_rng(3))
    new = out.subject > 0
    assert new.any() and np.array_equal(out.disparity[~new], scene.disparity[~new])
    assert np.median(out.disparity[new]) > np.percentile(scene.disparity[new], 85)
    assert scene.subject.max() == 0  # the scene itself is not touched


def test_crops_keep_what_is_unknown() -> None:
    base = sample(4, subject=False)
    holes = Sample(base.rgb, base.disparity.copy(), np.full((80, 100), SUBJECT_UNKNOWN, np.uint8))
    holes.disparity[:40] = np.nan
    out = crop(holes, (64, 96), np.random.default_rng(5))
    assert out.rgb.shape == (64, 96, 3) and out.disparity.shape == out.subject.shape == (64, 96)
    assert np.isnan(out.disparity).any() and (out.subject == SUBJECT_UNKNOWN).all()


def test_degrading_is_repeatable_and_keeps_the_form() -> None:
    rgb = sample(6, subject=False).rgb
    first, second = (degrade(rgb, np.random.default_rng(7)) for _ in range(2))
    assert np.array_equal(first, second) and first.shape == rgb.shape and first.dtype == np.uint8
