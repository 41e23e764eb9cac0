"""Bad command lines, and what is said of them."""

import re
import shlex
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from experiments import describe, draw_page, export, read_folder, run, summarize
from experiments.configs import sample
from experiments.report import pictures
from experiments.system import workdir
from experiments.workshop import bench
from mnist_sum import __main__ as mnist_sum
from mnist_sum.data import load
from mnist_sum.files.weights import PRETRAINED

COMMANDS: dict[str, Callable[[Sequence[str]], int]] = {
    "run": run.main,
    "describe": describe.main,
    "export": export.main,
    "bench": bench.main,
    "summarize": summarize.main,
    "draw_page": draw_page.main,
    "read_folder": read_folder.main,
    "mnist-sum": mnist_sum.main,
}

LINES = {
    "run --config": "Missing value for argument '--config'",
    "run --config=--": "There is no config '--'; choose one of base, sample, ",
    "run --epochs ten": "Error parsing --epochs: invalid literal for int() with base 10: 'ten'",
    "run --learning-rate 1e999": "learning_rate is inf but must be positive and finite.",
    "run --batch_size 1": "batch_size is 1 but must be at least 2, as batch norm needs a",
    "run --numbers odd": "invalid choice 'odd' for argument '--numbers'. Expected one of",
    "run --seeds 0": "--seeds is 0 but must be at least 1.",
    "run --workdir new --seeds 2 --coordinator here:1 --processes 2 --process-id 0": (
        "--seeds needs a single process"
    ),
    "run --device tpu": "invalid choice 'tpu' for argument '--device'",
    "run --epochz 3": "Perhaps you meant: --epochs INT",
    "run --workdri run": "Perhaps you meant: --workdir ",
    "run --hidden-size 3": "Unrecognized options: --hidden-size",
    "run --config smoke --held-out 499": "held_out is 499 but must leave 2 of 500 images.",
    "run --config smoke --workdir file": "file cannot be written (File exists); choose another",
    "run --config smoke --workdir file/run": "file/run cannot be written (Not a directory); choose",
    "run --config smoke --batch-size 499": "leaves a last batch of one image out of 500",
    "run --config smoke --profile /dev/null/x": "/dev/null/x cannot be written (Not a directory)",
    "run --config smoke --workdir mine": "mine/report.md isn't from a run of this version",
    "run --config sample": (
        "runs/sample already holds a run, 8 of 12 epochs done; choose another --workdir, or "
        f"continue it with: {sys.executable} -m experiments.run --config sample --resume"
    ),
    "run --config fast --resume": "There is no run in runs/fast to resume; leave out --resume.",
    "run --config sample --seeds 2 --workdir runs": "runs/seed-1 already holds a run, 8 of 12",
    "run --config base --data-dir file/data": "put train-images-idx3-ubyte.gz",
    "run --config base --data-dir new": 'or use the data set "sample"',  # without a network
    "run --workdir gs://bucket/run": "gs://bucket/run must be a path on this machine: copy",
    "run --config smoke --data-dir=s3://bucket": "s3://bucket must be a path on this",
    "run --workdir ~no_one/run": "~no_one/run names a home folder that does not exist.",
    "describe --output GS://bucket": "GS://bucket must be a path on this machine",
    "bench --manual-dir file:///mnist": "file:///mnist must be a path on this machine",
    "summarize run gs://bucket/run --output out": "gs://bucket/run must be a path on this machine",
    "describe --output": "Missing value for argument '--output'",
    "bench --rounds 0": "--rounds is 0 but must be positive and finite.",
    "bench --time-to-accuracy -1": "--time-to-accuracy is -1 but must be positive and finite.",
    "bench --no-torch --output use.py": "use.py exists and would be lost",
    "bench --config sample --no-torch --batch-size 31": "which leaves a last batch of one image",
    "summarize": "--output",
    "export x --to tf --output y": "invalid choice 'tf' for argument '--to'",
    "summarize --output out": "Give at least two runs with different seeds",
    "summarize nowhere other --output out": "nowhere/config.json cannot be read (No such",
    "describe --config sample --output out": "out/model.png exists and would be lost",
    "describe --config sample --output shown": "shown/samples.png exists and would be lost",
    "export nothing --to onnx --output new": "There is no file or folder nothing: check its name.",
    "export w --to safetensors --output no/w": "no/w cannot be written (No such file or directory)",
    "export w --to onnx --output w": "w is read and cannot be written too; name another output.",
    "export w --to onnx --output ./out/../w": "w is read and cannot be written too",
    "export link --to stablehlo --output w": "w is read and cannot be written too",
    "export w --to safetensors --output hardlink": "hardlink is read and cannot be written too",
    "export w --to onnx --output weights": "weights exists and would be lost",
    "export w --to safetensors --output weights": "weights exists and would be lost",
    "export w --to stablehlo --output use.py": "use.py exists and would be lost",
    "export w --to onnx --output no.link": "no.link exists and would be lost",
    "export w --to onnx --output out": "out is a folder, expected the name of a file",
    "draw_page w --output no/draw.html": "no/draw.html cannot be written (No such file",
    "draw_page w --output ./w": "w is read and cannot be written too; name another output.",
    "draw_page w --output notes": "notes exists and would be lost; name another output, or delete",
    "draw_page w --output use.py": "use.py exists and would be lost",
    "read_folder nowhere": "nowhere cannot be read (No such file or directory); see --help",
    "read_folder data/1": "data/1 lists no pictures; see --help.",
    "read_folder none.csv": "none.csv lists no pictures; see --help.",
    "read_folder lost.csv": "lost.csv lists lost.png, and there is no such file; see --help",
    "read_folder no.npz": "no.npz cannot be read (KeyError: 'digit is not a file in the archive'",
    "read_folder data/1/0.png": "data/1/0.png cannot be read (UnicodeDecodeError: ",
    "read_folder data --picture data/1/0.png": "data/1/0.png is read and cannot be written too",
    "read_folder data --picture no.npz": "--picture no.npz must end in .png, .jpg,",
    "mnist-sum": "The following arguments are required: file; see --help",
    "mnist-sum 0.png --add": "Argument --add: expected one argument; see --help",
    "mnist-sum 0.png --add 10": "Argument --add: invalid choice: 10 (choose from 0, 1",
    "mnist-sum 0.png --add 'x\ny'": "Argument --add: invalid int value: 'x\\ny'; see --help",
    "mnist-sum 0.png --sub 2": "Unrecognized arguments: --sub 2; see --help",
    "mnist-sum 0.png --weights nowhere": "There is no file or folder nowhere: check its name.",
    "mnist-sum 0.png --weights .": ". is not the work folder of a run: it has",
    f"mnist-sum {'0.png ' * 101} --picture p.png": "--picture takes at most 100 files",
    "mnist-sum 0.png --picture p.bmp": "--picture p.bmp must end in .png, .jpg, .pdf or",
    "mnist-sum --add 5 --picture 0.png nothing": "0.png exists and would be lost; name",
    "mnist-sum 0.png --picture w.png": "w.png exists and would be lost",
    "mnist-sum 0.png --picture use.svg": "use.svg exists and would be lost",
    "mnist-sum 0.png --picture curves.png": "curves.png exists and would be lost",
    "mnist-sum 0.png --picture ./0.png": "0.png is read and cannot be written too; name",
    "mnist-sum 0.png --weights w --picture w.png": "w.png is read and cannot be written",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make files that commands read, and others that stand in their way."""
    folder = tmp_path_factory.mktemp("folder")
    for name in ("data/1", "out", "shown", "mine", "runs/sample"):
        (folder / name).mkdir(parents=True)
    files = "file notes use.py use.svg out/model.png shown/samples.png mine/report.md"
    for name in files.split():
        (folder / name).write_text("import mnist_sum" if "use" in name else "mine")
    for name in ("mine", "runs", "runs/sample"):
        (folder / name / ".lock").touch()
    workdir.note(folder / "runs/sample", "sample", sample(), {})
    workdir.write_metrics(folder / "runs/sample", [{"epoch": i} for i in range(8)])
    pictures.save(pictures.new_figure(1), folder / "curves.png")
    for name in ("w", "weights"):
        (folder / name).write_bytes(PRETRAINED.read_bytes())
    for name in ("0.png", "data/1/0.png"):
        Image.fromarray(np.asarray(load("sample").test.image[0])).save(folder / name)
    links = {"link": "w", "w.png": "w", "no.link": "missing", "runs/seed-1": "sample"}
    for name, target in links.items():
        (folder / name).symlink_to(target)
    (folder / "hardlink").hardlink_to(folder / "w")
    (folder / "lost.csv").write_text("file,label\nlost.png,1")
    (folder / "none.csv").write_text("file,label")
    np.savez(folder / "no.npz", image=np.zeros((4, 28, 28), np.uint8))
    return folder


@pytest.mark.parametrize(("line", "sentence"), LINES.items())
def test_a_bad_command_line_is_one_sentence_and_harms_no_file(
    line: str,
    sentence: str,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(folder)
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")  # where nobody listens
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
    before = {path: path.is_file() and path.read_bytes() for path in folder.rglob("*")}
    command, *arguments = shlex.split(line)
    assert COMMANDS[command](arguments) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    errors = " ".join(printed.err.replace("│", "").split())  # out of tyro's frame
    assert sentence in errors
    assert "Traceback" not in errors
    framed = re.search("[-─]{9}", errors)
    assert framed or (errors[:7], printed.err.count("\n")) == ("error: ", 1)
    assert {path: path.is_file() and path.read_bytes() for path in folder.rglob("*")} == before
