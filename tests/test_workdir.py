"""The work folder: made once, nothing of the user's replaced, its files always whole."""

import json

import pytest

from experiments.configs import Config, sample
from experiments.system import workdir
from mnist_sum.errors import UsageError


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def begin(folder, config, resume=False, epochs=None, report=True):
    """Hold a folder, note a config and the metrics of some epochs, and leave it."""
    with workdir.hold(folder, config, resume, "COMMAND"):
        workdir.note(folder, "base", config, {"jax_enable_x64": False})
        workdir.write_metrics(folder, [{"epoch": i} for i in range(epochs or config.epochs)])
        if report:
            workdir.write(folder / "report.md", "")


def test_config_and_metrics_are_noted(tmp_path):
    folder = tmp_path / "new" / "run"
    begin(folder, Config(epochs=3), report=False)
    assert json.loads((folder / "config.json").read_text())["name"] == "base"
    assert workdir.read_config(folder) == Config(epochs=3)
    assert (folder / "metrics.jsonl").read_text() == '{"epoch": 0}\n{"epoch": 1}\n{"epoch": 2}\n'
    assert workdir.count_epochs(folder) == 3
    assert sorted(path.name for path in folder.iterdir()) == [
        ".lock", "config.json", "metrics.jsonl"
    ]  # fmt: skip


def test_a_run_goes_on_in_its_folder_or_begins_there_but_is_not_overwritten(tmp_path):
    for _ in range(2):
        begin(tmp_path / "run", Config(), resume=True)
    before = (tmp_path / "run" / "config.json").read_bytes()
    with pytest.raises(UsageError, match=r"holds a run, 25 of 25 epochs done; .* --workdir.$"):
        begin(tmp_path / "run", Config(epochs=3))
    assert (tmp_path / "run" / "config.json").read_bytes() == before


@pytest.mark.parametrize("resume", [False, True])
@pytest.mark.parametrize("name", ["report.md", "curves.png", "config.json", "checkpoints/1/model"])
def test_what_no_run_has_made_is_not_replaced(tmp_path, name, resume):
    mine = tmp_path / name
    mine.parent.mkdir(parents=True, exist_ok=True)
    mine.write_text('{"config": "mine"}')
    with pytest.raises(UsageError, match=r"isn't from a run .* and would be replaced; choose"):
        begin(tmp_path, Config(), resume)
    assert mine.read_text() == '{"config": "mine"}'
    assert sorted(path.name for path in tmp_path.iterdir()) == [".lock", name.partition("/")[0]]


def test_a_run_is_known_by_its_checkpoints_too_and_other_files_do_not_hinder(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / "checkpoints").mkdir()  # of a run that was stopped as it began
    begin(tmp_path, Config())
    (tmp_path / "checkpoints" / "3").mkdir(parents=True)
    (tmp_path / "checkpoints" / "3" / "_CHECKPOINT_METADATA").touch()
    (tmp_path / "config.json").write_text("")  # damaged
    begin(tmp_path, Config(), resume=True)
    assert workdir.read_config(tmp_path) == Config()


def test_a_run_without_a_folder_gets_a_new_one_or_that_of_a_run_like_it_that_has_stopped(tmp_path):
    config, other = sample(), Config(epochs=12)

    def chosen(config, resume=False):
        return str(workdir.choose("sample", config, resume))

    assert chosen(config, resume=True) == "runs/sample"
    for folder in ("runs/sample", "runs/sample-2", "runs/sample-3"):
        assert chosen(config) == folder
        (tmp_path / folder).mkdir(parents=True)
    begin(tmp_path / "runs" / "sample", config)
    begin(tmp_path / "runs" / "sample-2", other, epochs=7, report=False)
    begin(tmp_path / "runs" / "sample-3", config, epochs=8, report=False)
    (tmp_path / "runs" / "sample-3" / "config.json").write_text('{"config": {}}')  # of 0.2
    assert chosen(config) == "runs/sample-4"
    assert chosen(config, resume=True) == "runs/sample"
    begin(tmp_path / "runs" / "sample-4", config, epochs=8, report=False)
    for resume in (False, True):
        assert chosen(config, resume) == "runs/sample-4"
        assert chosen(other, resume) == "runs/sample-2"
    with workdir.hold(tmp_path / "runs" / "sample-4", config, True, ""):
        assert chosen(config) == "runs/sample-5"  # as it goes on elsewhere


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("", r"config\.json is not that of a run \(Expecting value: "),
        *((x, r"config\.json is not that of a run") for x in ("[]", "{}", '{"config": 3}')),
        ('{"config": {"colour": 1}}', r"0\.2 or earlier .*: A config has no field colour; use"),
        ('{"config": {"seed": "1"}}', r"by mnist_sum 0\.2 or earlier .*: seed is '1' but"),
        (None, r"config\.json cannot be read \(Is a directory\)\.$"),
    ],
)
def test_a_config_that_is_none_is_one_sentence(tmp_path, content, sentence):
    path = tmp_path / "config.json"
    path.mkdir() if content is None else path.write_text(content)
    with pytest.raises(UsageError, match=sentence) as error:
        workdir.read_config(tmp_path)
    assert "\n" not in str(error.value)


def test_a_config_of_before_a_field_existed_has_its_default(tmp_path):
    (tmp_path / "config.json").write_text('{"name": "base", "config": {"epochs": 7}}')
    assert workdir.read_config(tmp_path) == Config(epochs=7)


@pytest.mark.parametrize("resume", [False, True])
def test_a_folder_is_one_runs_at_a_time(tmp_path, resume):
    with (
        workdir.hold(tmp_path, Config(), resume, ""),
        pytest.raises(UsageError, match=r"in use by another run; choose another --workdir\.$"),
    ):
        begin(tmp_path, Config(), resume)


@pytest.mark.parametrize("name", ["file/run", "file", "x" * 300])
def test_a_folder_that_cannot_be_written_is_an_error(tmp_path, name):
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match=r"cannot be written \(.*\); choose another folder\.$"):
        begin(tmp_path / name, Config())
    with pytest.raises(UsageError, match=r"cannot be written \(.*\); choose another folder\.$"):
        workdir.write(tmp_path / name / "x", "text")
