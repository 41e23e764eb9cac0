"""Augmentation: images distorted at random, afresh for every batch, where the training runs."""

from typing import Any

import jax
import jax.numpy as jnp
from jax.scipy.ndimage import map_coordinates
from jaxtyping import Array, Float, Key, Real

from mnist_sum.config import Config

GRID = 5  # random displacements along a side, between which an elastic one is smooth

Images = Float[Array, "batch height width"]


def augment(
    config: Config, key: Key[Array, ""], image: Real[Array, "batch height width"]
) -> Real[Array, "batch height width"]:
    """Distort each image as the config asks for; outside of an image is zero.

    Elastic distortions follow Simard, Steinkraus and Platt, "Best practices for convolutional
    neural networks applied to visual document analysis" (2003); erasing follows DeVries and
    Taylor, arXiv:1708.04552.
    """
    affine_key, elastic_key, erase_key = jax.random.split(key, 3)
    count, height, width = image.shape
    affine = any((config.shift, config.rotation, config.scale, config.shear))
    if affine or config.elastic:
        pixels = centred_pixels(height, width)
        places = pixels[None]
        if affine:
            places = affine_places(config, affine_key, count, pixels)
        if config.elastic:
            places += config.elastic * smooth_noise(elastic_key, (count, 2, height, width))
        image = sample(image.astype(jnp.float32), places)
    if config.erase:
        image = erase(erase_key, image, config.erase)
    return image


def centred_pixels(height: int, width: int) -> Float[Array, "2 height width"]:
    """Give each pixel its row and column, counted from the middle of the image."""
    rows, columns = (jnp.arange(side) - (side - 1) / 2 for side in (height, width))
    return jnp.stack(jnp.meshgrid(rows, columns, indexing="ij"))


def affine_places(
    config: Config, key: Key[Array, ""], count: int, pixels: Float[Array, "2 height width"]
) -> Float[Array, "batch 2 height width"]:
    """Draw for each image where its pixels are taken from: turned, sheared, stretched, moved."""
    turn_key, scale_key, shear_key, shift_key = jax.random.split(key, 4)

    def draw(key: Key[Array, ""], bound: float, *shape: int) -> Float[Array, "batch ..."]:
        return jax.random.uniform(key, (count, *shape), minval=-bound, maxval=bound)

    angle = jnp.deg2rad(draw(turn_key, config.rotation))
    shear = draw(shear_key, config.shear)
    row_scale, column_scale = (1 + draw(scale_key, config.scale, 2)).T
    turn = matrices([[jnp.cos(angle), -jnp.sin(angle)], [jnp.sin(angle), jnp.cos(angle)]])
    skew = matrices([[row_scale, 0 * shear], [shear, column_scale]])
    moved = jnp.einsum("bij,bjk,khw->bihw", turn, skew, pixels)
    return moved + draw(shift_key, config.shift, 2, 1, 1)


def matrices(rows: list[list[Any]]) -> Float[Array, "batch 2 2"]:
    """Make a matrix for each image, of its elements for all of them."""
    return jnp.stack([jnp.stack(row, -1) for row in rows], -2)


def smooth_noise(
    key: Key[Array, ""], shape: tuple[int, int, int, int]
) -> Float[Array, "batch 2 height width"]:
    """Draw from the normal distribution at the points of a coarse grid, smooth in between."""
    coarse = jax.random.normal(key, (*shape[:2], GRID, GRID))
    return jax.image.resize(coarse, shape, "cubic")


def sample(image: Images, places: Float[Array, "batch 2 height width"]) -> Images:
    """Read each image at places between its pixels, linearly; rows and columns from the middle."""
    middle = (jnp.array(image.shape[1:]) - 1) / 2
    places += middle[None, :, None, None]
    return jax.vmap(lambda image, place: map_coordinates(image, list(place), order=1))(
        image, places
    )


def erase(
    key: Key[Array, ""], image: Real[Array, "batch height width"], side: int
) -> Real[Array, "batch height width"]:
    """Set a square of each image to zero, anywhere within it."""
    inside = []
    for axis, axis_key in zip((1, 2), jax.random.split(key), strict=True):
        length = image.shape[axis]
        start = jax.random.randint(axis_key, (len(image), 1), 0, length - side + 1)
        place = jnp.arange(length)[None]
        inside.append((place >= start) & (place < start + side))
    rows, columns = inside
    return jnp.where(rows[:, :, None] & columns[:, None, :], 0, image)
