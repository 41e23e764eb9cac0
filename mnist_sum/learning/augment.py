"""Augmentation: images distorted at random, afresh for every batch, where the training runs."""

from functools import partial

import jax
import jax.numpy as jnp
from jax.scipy.ndimage import map_coordinates
from jaxtyping import Array, Float, Key, Real

from mnist_sum.recipe import Recipe

Images = Float[Array, "batch height width"]


def augment(
    recipe: Recipe, key: Key[Array, " batch"], image: Real[Array, "batch height width"]
) -> Real[Array, "batch height width"]:
    """Distort each image by its own key, as the recipe asks for; outside of an image is zero."""
    if not any((recipe.shift, recipe.rotation, recipe.scale, recipe.shear)):
        return image
    key = jax.vmap(jax.random.split, out_axes=1)(key)[0]  # of two, as the records were drawn
    pixels = centred_pixels(*image.shape[1:])
    places = jax.vmap(partial(draw_places, recipe, pixels))(key)
    return interpolate(image.astype(jnp.float32), places)


def centred_pixels(height: int, width: int) -> Float[Array, "2 height width"]:
    """Give each pixel its row and column, counted from the middle of the image."""
    rows, columns = (
        jnp.arange(side, dtype=jnp.float32) - (side - 1) / 2 for side in (height, width)
    )
    return jnp.stack(jnp.meshgrid(rows, columns, indexing="ij"))


def draw_places(
    recipe: Recipe, pixels: Float[Array, "2 height width"], key: Key[Array, ""]
) -> Float[Array, "2 height width"]:
    """Draw where the pixels of an image are taken from: turned, sheared, stretched, moved."""
    turn_key, scale_key, shear_key, shift_key = jax.random.split(key, 4)

    def draw(key: Key[Array, ""], bound: float, *shape: int) -> Float[Array, "..."]:
        return jax.random.uniform(key, shape, jnp.float32, -bound, bound)

    angle = jnp.deg2rad(draw(turn_key, recipe.rotation))
    shear = draw(shear_key, recipe.shear)
    row_scale, column_scale = 1 + draw(scale_key, recipe.scale, 2)
    turn = jnp.array([[jnp.cos(angle), -jnp.sin(angle)], [jnp.sin(angle), jnp.cos(angle)]])
    skew = jnp.array([[row_scale, 0], [shear, column_scale]])
    # Written out: a product of matrices would be in TF32 on a GPU, and off by 0.01 pixels.
    map_ = (turn[:, :, None] * skew[None]).sum(1)
    places = (map_[:, :, None, None] * pixels[None]).sum(1)
    return places + draw(shift_key, recipe.shift, 2, 1, 1)


def interpolate(image: Images, places: Float[Array, "batch 2 height width"]) -> Images:
    """Read each image at places between its pixels, linearly; rows and columns from the middle."""
    middle = (jnp.array(image.shape[1:], places.dtype) - 1) / 2
    places += middle[None, :, None, None]
    return jax.vmap(lambda image, place: map_coordinates(image, list(place), order=1))(
        image, places
    )
