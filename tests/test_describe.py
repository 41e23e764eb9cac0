"""The description of data, model and machine: complete, or one sentence."""

import numpy as np

from experiments.describe import main, pixel_statistics
from tests.pictures import size_of_png


def test_everything_is_shown_and_drawn(tmp_path, capsys):
    assert main(["--config", "sample", "--output", str(tmp_path)]) == 0
    printed = capsys.readouterr().out
    words_of_each = ("Pixels of sample", "21,843", "28 x 28", "jaxlib", "as float32 should be")
    for words in (*words_of_each, "model.png", "samples.png"):
        assert words in printed
    for name in ("model.png", "samples.png"):
        assert size_of_png(tmp_path / name)[0] == 1280


def test_folder_that_cannot_be_written_is_one_sentence(tmp_path, capsys):
    file = tmp_path / "file"
    file.touch()
    assert main(["--config", "sample", "--output", str(file / "folder")]) == 2
    error = capsys.readouterr().err
    assert "cannot be written into" in error
    assert error.count("\n") == 1


def test_pixel_statistics_are_exact():
    image = np.random.default_rng(0).integers(0, 256, (50, 28, 28), np.uint8)
    image[0, 0, :2] = 0, 255
    assert pixel_statistics(image) == (f"{image.mean():.2f}", f"{image.std():.2f}", 0, 255)
