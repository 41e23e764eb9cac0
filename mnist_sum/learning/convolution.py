"""Convolution of images [height, channel, width, batch]: stride 1, no padding, no bias.

On a processor, XLA runs the convolutions that autodiff makes several times slower inside a loop
than outside (jax-ml/jax issue 12868), and to build a patch matrix costs more than to multiply it.
So there an output row is one matrix product over the window's height alone; the window's width is
made up by shifting the products and adding them. Rows lead, as the rows that a window covers are
then one piece of memory, and so is the row that comes out. The batch stays an axis of its own
throughout, so that it can be sharded without communication. Other devices have a library's
convolution.
"""

from functools import reduce
from operator import add

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float, Int

Images = Float[Array, "height in_channel width batch"]
Kernel = Float[Array, "window_height window_width in_channel out_channel"]
Outputs = Float[Array, "out_height out_channel out_width batch"]


def convolve(images: Images, kernel: Kernel) -> Outputs:
    """Correlate the images with the kernel, as flax.linen.Conv does."""
    return lax.platform_dependent(images, kernel, cpu=_convolve_rows, default=_convolve_whole)


convolve_in_training = jax.custom_vjp(convolve)
"""The same with gradients that are as fast, and that cannot be taken forward."""


def _pull_back(operands: tuple[Images, Kernel], gradient: Outputs) -> tuple[Images, Kernel]:
    images, kernel = operands
    if images.shape[0] == kernel.shape[0] and images.shape[2] == kernel.shape[1]:
        return _pull_back_dense(images, kernel, gradient[0, :, 0])
    return _images_gradient(kernel, gradient), _kernel_gradient(images, gradient)


def _pull_back_dense(
    images: Images, kernel: Kernel, gradient: Float[Array, "out_channel batch"]
) -> tuple[Images, Kernel]:
    """Multiply where the window is the whole image, and the convolution so a dense layer."""
    return (
        jnp.einsum("hwio,on->hiwn", kernel, gradient),
        jnp.einsum("hiwn,on->hwio", images, gradient),
    )


def _images_gradient(kernel: Kernel, gradient: Outputs) -> Images:
    """Convolve back, with the kernel turned round: an output reaches all of its window."""
    window_height, window_width, _, _ = kernel.shape
    border = ((window_height - 1,) * 2, (0, 0), (window_width - 1,) * 2, (0, 0))
    return convolve(jnp.pad(gradient, border), kernel[::-1, ::-1].swapaxes(2, 3))


def _kernel_gradient(images: Images, gradient: Outputs) -> Kernel:
    return lax.platform_dependent(
        images, gradient, cpu=_kernel_gradient_rows, default=_kernel_gradient_whole
    )


convolve_in_training.defvjp(lambda *operands: (convolve(*operands), operands), _pull_back)


def _convolve_whole(images: Images, kernel: Kernel) -> Outputs:
    return lax.conv_general_dilated(
        images, kernel, (1, 1), "VALID", dimension_numbers=("HCWN", "HWIO", "HCWN")
    )


def _kernel_gradient_whole(images: Images, gradient: Outputs) -> Kernel:
    """Correlate images and gradient: channels take the place of the batch, the batch theirs."""
    correlation = lax.conv_general_dilated(
        images, gradient, (1, 1), "VALID", dimension_numbers=("HNWC", "HOWI", "NHWC")
    )
    return correlation.transpose(1, 2, 0, 3)


def _convolve_rows(images: Images, kernel: Kernel) -> Outputs:
    """Compute one output row at a time, so that its products never leave the cache."""
    window_height, window_width, _, out_channel = kernel.shape
    height, _, width, batch = images.shape
    out_height, out_width = height - window_height + 1, width - window_width + 1
    columns = kernel.transpose(1, 3, 0, 2).reshape(window_width * out_channel, -1)

    def output_row(row: Int[Array, ""]) -> Float[Array, "out_channel out_width batch"]:
        window = _rows_as_channels(images, row, window_height)
        products = jnp.tensordot(columns, window, 1)  # all columns of the window at once
        products = products.reshape(window_width, out_channel, width, batch)
        return reduce(add, (products[j, :, j : j + out_width] for j in range(window_width)))

    return lax.map(output_row, jnp.arange(out_height))


def _kernel_gradient_rows(images: Images, gradient: Outputs) -> Kernel:
    """Add up over the output rows one matrix product for each column of the window."""
    height, in_channel, width, _ = images.shape
    out_height, out_channel, out_width, _ = gradient.shape
    window_height, window_width = height - out_height + 1, width - out_width + 1
    # A product that sums over both width and batch wants these axes to lead in its second operand.
    # So they are turned here at once, not by XLA in every row, and the channels filled up to
    # whole vector registers.
    border = ((0, 0), (window_width - 1,) * 2, (0, 0), (0, -out_channel % 8))
    turned = jnp.pad(gradient.transpose(0, 2, 3, 1), border)

    def row_products(row: Int[Array, ""]) -> Float[Array, "column row_and_in_channel out_channel"]:
        window = _rows_as_channels(images, row, window_height)
        line = lax.dynamic_index_in_dim(turned, row, axis=0, keepdims=False)
        shifted = [line[start : start + width] for start in reversed(range(window_width))]
        return jnp.stack([jnp.tensordot(window, x, ((1, 2), (0, 1))) for x in shifted])

    total = lax.map(row_products, jnp.arange(out_height)).sum(0)[:, :, :out_channel]
    total = total.reshape(window_width, window_height, in_channel, out_channel)
    return total.swapaxes(0, 1)


def _rows_as_channels(
    images: Images, row: Int[Array, ""], rows: int
) -> Float[Array, "row_and_in_channel width batch"]:
    """Take some rows, from `row` on, as if each were a channel."""
    window = lax.dynamic_slice_in_dim(images, row, rows, axis=0)
    return window.reshape(-1, *images.shape[2:])
