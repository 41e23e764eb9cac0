"""Pictures as people make them: the digit is found, whatever it is written on."""

from functools import cache

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageOps
from scipy import ndimage

import mnist_sum as ms

COUNT = 40
IMAGES, DIGITS, _ = (x[:COUNT] for x in ms.load("sample").test)
network = cache(ms.load_pretrained)


def enlarge(image, factor=8):
    """Make a larger picture, still light on dark."""
    size = (image.shape[1] * factor, image.shape[0] * factor)
    return np.asarray(Image.fromarray(image).resize(size, Image.Resampling.BICUBIC))


def crop(image, margin=0):
    rows, columns = (np.flatnonzero(image.max(axis) > 40) for axis in (1, 0))
    top, left = max(rows[0] - margin, 0), max(columns[0] - margin, 0)
    return image[top : rows[-1] + 1 + margin, left : columns[-1] + 1 + margin]


def paper(image, tone=235, ink=40):
    """Write a digit on a sheet three times as high."""
    sheet = np.full((400, 300), float(tone))
    sheet[130:270, 80:220] += enlarge(image, 5) / 255.0 * (ink - tone)
    return sheet


def lie(sheet, desk, share, angle=0):
    """Lay a sheet on a desk of some tone, of which it covers a share of each side, maybe askew."""
    rows, columns = (round(side * (1 / share - 1) / 2) for side in sheet.shape)
    scene = np.pad(sheet, ((rows,) * 2, (columns,) * 2), constant_values=desk)
    turned = Image.fromarray(scene).rotate(angle, Image.Resampling.BICUBIC, fillcolor=desk)
    noise = np.random.default_rng(int(sheet.sum())).normal(0, 4, scene.shape)
    return (np.asarray(turned) + noise).clip(0, 255).astype(np.uint8)


def frame(image):
    framed = np.pad(255 - enlarge(image), 20, constant_values=255)
    for border in (framed, framed.T):
        border[5:9, 5:-5] = border[-9:-5, 5:-5] = 0
    return framed


def in_corner(image):
    return np.pad(np.asarray(Image.fromarray(image).resize((16, 16))), ((1, 11), (1, 11)))


def thicken(image):
    return np.where(ndimage.binary_dilation(enlarge(image) > 110, iterations=8), 0, 255)


def rule(image, tone, squared=False, angle=0):
    """Write on ruled or squared paper, photographed from near."""
    lines = np.full((400, 300), 255.0)
    lines[10::32] = lines[11::32] = tone
    if squared:
        lines[:, 10::32] = lines[:, 11::32] = tone
    scene = lie(np.minimum(paper(image), lines), 235, 1, angle)
    return scene[30:-30, 30:-30] if angle else scene


def underline(image, apart, angle=0):
    sheet = paper(image)
    row = np.flatnonzero((sheet < 140).any(1))[-1] + apart
    sheet[row : row + 5, 70:230] = 40
    return lie(sheet, 235, 1, angle)


def below_a_carpet(image):
    """Photograph a sheet whose upper edge lies under a patterned cloth."""
    scene = lie(paper(image), 235, 1)
    y, x = np.mgrid[:60, :300]
    scene[:60] = np.where((y + x) % 17 < 6, 50, 220)
    return scene


def fit(image, side):
    """Reduce a digit's ink to a small picture, without a margin, as other data sets do."""
    return np.asarray(Image.fromarray(crop(image)).resize((side, side), Image.Resampling.BOX))


SCENES = {
    "as it is": lambda x: x,
    "cropped to the ink": lambda x: 255 - enlarge(crop(x)),
    "cropped with a margin": lambda x: 255 - enlarge(crop(x, 1)),
    "small, in a corner of 28 x 28": in_corner,
    "thick": thicken,
    "in a frame": frame,
    "on a panel": lambda x: np.pad(255 - enlarge(x), ((60,), (120,)), constant_values=20),
    "a sheet on a dark desk": lambda x: lie(paper(x), 60, 0.6),
    "a sheet on a grey desk": lambda x: lie(paper(x), 130, 0.75),
    "a sheet that nearly fills it": lambda x: lie(paper(x), 60, 0.9),
    "a sheet askew": lambda x: lie(paper(x), 60, 0.6, angle=7),
    "a dark note on a white desk": lambda x: lie(paper(x, 60, 220), 235, 0.6),
    "faint ruled paper": lambda x: rule(x, 190),
    "faint squared paper": lambda x: rule(x, 190, squared=True),
    "ruled paper": lambda x: rule(x, 130),
    "ruled paper askew": lambda x: rule(x, 130, angle=-3),
    "squared paper": lambda x: rule(x, 130, squared=True),
    "squared paper askew": lambda x: rule(x, 130, squared=True, angle=4),
    "underlined, touching": lambda x: underline(x, 0),
    "underlined, apart": lambda x: underline(x, 12),
    "underlined askew": lambda x: underline(x, 8, angle=-5),
    "below a carpet": below_a_carpet,
    "16 x 16 without a margin": lambda x: fit(x, 16),
    "8 x 8, 0 to 16, without a margin": lambda x: np.round(fit(x, 8) / 16.0),
}


@pytest.mark.parametrize("scene", SCENES)
def test_the_digit_is_found_and_read(scene):
    images = [ms.read_image(SCENES[scene](image)) for image in IMAGES]
    right = ms.predict(network(), np.stack(images), 0).digit == DIGITS
    assert right.sum() >= COUNT - 1


def test_only_what_is_mnists_own_goes_through_unchanged():
    for image in IMAGES:
        np.testing.assert_array_equal(ms.read_image(image), image)
        np.testing.assert_array_equal(ms.read_image(255 - image), image)
    brush = np.where(IMAGES[0] > 200, 255, 0).astype(np.uint8)  # which has no soft edges
    for picture in (np.roll(IMAGES[0], 4, axis=1), brush):
        assert (ms.read_image(picture) != picture).any()


STROKES = {  # on 300 x 300: what might be taken for lines
    7: [(60, 60, 240, 60), (240, 60, 140, 260)],
    4: [(120, 40, 70, 170), (70, 170, 250, 170), (180, 90, 180, 270)],
    2: [(90, 110, 150, 50), (150, 50, 210, 110), (210, 110, 70, 250), (70, 250, 270, 250)],
    1: [(170, 0, 130, 299)],
}


@pytest.mark.parametrize("digit", STROKES)
@pytest.mark.parametrize("cropped", [False, True])
def test_a_digits_own_strokes_are_no_lines(digit, cropped):
    picture = Image.new("L", (300, 300), 255)
    for stroke in STROKES[digit]:
        ImageDraw.Draw(picture).line(stroke, 0, 16)
    if cropped:
        picture = picture.crop(ImageOps.invert(picture).getbbox())
    assert ms.predict(network(), ms.read_image(picture), 0).digit == digit
