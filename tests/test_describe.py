"""The description of data, network and machine: complete, or one sentence."""

import numpy as np

from experiments.describe import main, pixel_table
from mnist_sum.data import Dataset, Splits
from tests.pictures import size_of_png


def test_everything_is_shown_and_drawn(tmp_path, capsys):
    assert main(["--config", "sample", "--output", str(tmp_path)]) == 0
    printed = capsys.readouterr().out
    for words in ("Pixels of sample", "21,843", "28 x 28", "jaxlib"):
        assert words in printed
    for name in ("model.png", "samples.png"):
        assert size_of_png(tmp_path / name)[0] == 1280
        assert name in printed
    assert main(["--config", "sample", "--output", str(tmp_path / "model.png" / "x")]) == 2
    error = capsys.readouterr().err
    assert "/x cannot be written (Not a directory)" in error
    assert error.count("\n") == 1


def test_pixel_statistics_are_exact():
    image = np.random.default_rng(0).integers(0, 256, (50, 28, 28), np.uint8)
    image[0, 0, :2] = 0, 255
    dataset = Dataset(image, *np.zeros((2, 50), np.int32))
    cells = pixel_table(Splits(dataset, dataset)).splitlines()[2].split()
    assert cells == ["test", "50", f"{image.mean():.2f}", f"{image.std():.2f}", "0", "255"]
