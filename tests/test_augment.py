"""Augmentation: nothing unless asked for, and as far as asked for."""

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mnist_sum.data import load
from mnist_sum.learning import augment as augment_module
from mnist_sum.learning.augment import centred_pixels, interpolate
from mnist_sum.recipe import Recipe

COUNT = 64
KEYS = jax.random.split(jax.random.key(1), COUNT)
augment = jax.jit(augment_module.augment, static_argnums=0)


@pytest.fixture(scope="module")
def images():
    return jnp.asarray(load("sample").train.image[:COUNT])


def dot_at(row, column):
    square = (slice(None), slice(row - 2, row + 3), slice(column - 2, column + 3))
    return jnp.zeros((COUNT, 28, 28)).at[square].set(100.0)


def centres(images):
    """Compute the centre of brightness of each image: row and column."""
    weights = images / images.sum((1, 2), keepdims=True)
    grid = jnp.stack(jnp.meshgrid(jnp.arange(28.0), jnp.arange(28.0), indexing="ij"))
    return np.asarray(jnp.einsum("bhw,ihw->bi", weights, grid))


@pytest.mark.parametrize(
    "fields", [{"shift": 2.0}, {"rotation": 10.0}, {"scale": 0.1}, {"shear": 0.2}]
)
def test_images_are_distorted_each_in_its_own_way_but_stay_themselves(fields, images):
    chex.assert_trees_all_equal(augment(Recipe(), KEYS, images), images)
    images = images.at[1].set(images[0])
    distorted = augment(Recipe(**fields), KEYS, images)
    chex.assert_shape(distorted, images.shape)
    assert (distorted[0] != distorted[1]).any()
    assert distorted.min() >= 0
    assert distorted.max() <= 255.001  # but for rounding
    for before, after in zip(images, distorted, strict=True):
        assert 0.2 < np.corrcoef(before.ravel(), after.ravel())[0, 1] < 1
    other = augment(Recipe(**fields), KEYS[::-1], images)
    assert (other != distorted).any(axis=(1, 2)).all()


def test_a_shift_goes_as_far_as_asked_for_along_both_axes():
    moved = centres(augment(Recipe(shift=3.0), KEYS, dot_at(14, 10))) - [14, 10]
    assert np.abs(moved).max() <= 3.0 + 1e-4
    assert (np.abs(moved).max(0) > 2.5).all()
    np.testing.assert_allclose(moved[0], [-2.34142, -1.61578], atol=1e-4)  # as in the records
    np.testing.assert_allclose(moved.mean(0), 0, atol=4 * 3 / 3**0.5 / COUNT**0.5)


def test_a_rotation_turns_around_the_middle_as_far_as_asked_for():
    turned = centres(augment(Recipe(rotation=30.0), KEYS, dot_at(4, 14))) - 13.5
    angles = np.rad2deg(np.arctan2(turned[:, 1], -turned[:, 0]))
    radii = np.linalg.norm(turned, axis=1)
    np.testing.assert_allclose(radii, np.hypot(9.5, 0.5), rtol=0.03)
    assert 25 < np.abs(angles).max() < 33.5
    assert angles.min() < 0 < angles.max()


def test_a_stretch_moves_away_from_or_towards_the_middle():
    stretched = centres(augment(Recipe(scale=0.2), KEYS, dot_at(4, 8))) - 13.5
    ratio = np.array([-9.5, -5.5]) / stretched
    assert 0.79 < ratio.min() < 0.85
    assert 1.15 < ratio.max() < 1.21


def test_a_shear_moves_columns_by_their_row():
    sheared = centres(augment(Recipe(shear=0.3), KEYS, dot_at(4, 14))) - [4, 14]
    np.testing.assert_allclose(sheared[:, 0], 0, atol=0.05)
    assert 2.5 < np.abs(sheared[:, 1]).max() < 0.3 * 9.5 + 0.1


def test_outside_of_an_image_is_zero_and_between_four_pixels_is_their_weighted_mean():
    places = jnp.repeat(centred_pixels(28, 28)[None] + 28.0, COUNT, 0)
    assert (interpolate(jnp.ones((COUNT, 28, 28)), places) == 0).all()
    image = jnp.zeros((1, 28, 28)).at[0, 10:12, 20:22].set(jnp.array([[1.0, 2.0], [4.0, 8.0]]))
    place = jnp.full((1, 2, 28, 28), jnp.array([10.25 - 13.5, 20.5 - 13.5])[None, :, None, None])
    np.testing.assert_allclose(interpolate(image, place), 0.75 * 1.5 + 0.25 * 6, rtol=1e-6)
