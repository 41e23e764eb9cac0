"""The figures in the texts are those of the records; each table, by literal values."""

import json

import pytest

from experiments.configs import CONFIGS, config_of, fields_of, named_config
from experiments.summarize import summary_of
from experiments.system.workdir import write_metrics
from experiments.workshop import figures
from experiments.workshop.documents.accuracies import aims_of, recipes, results, studies
from experiments.workshop.documents.records import RESULTS, read_runs
from experiments.workshop.documents.search import lengths, search
from experiments.workshop.figures import FIGURES, ROOT, TEXTS, with_figures
from mnist_sum.errors import UsageError
from tests.tables import cells_of

FOLDERS = sorted({path.parent for path in (ROOT / RESULTS).glob("*/seed-*.jsonl")})


@pytest.mark.parametrize("name", TEXTS)
def test_the_texts_say_what_the_records_do(name):
    text = (ROOT / name).read_text(encoding="utf-8")
    assert with_figures(text, ROOT / RESULTS) == text, "make figures writes them anew"


def test_every_table_has_its_place():
    text = "".join((ROOT / name).read_text(encoding="utf-8") for name in TEXTS)
    places = figures.PLACE.findall(text)
    assert sorted(name for _, name, _ in places) == sorted(FIGURES)
    assert text.count("<!-- figures") == text.count("<!-- end -->") == len(FIGURES)


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_a_record_is_of_the_config_of_its_name_and_summed_up(folder):
    assert folder.name in CONFIGS, "a record of no config is in no table"
    runs, path = read_runs(folder), folder / "summary.json"
    epochs = named_config(folder.name).epochs
    assert [len(records) for records in runs.values()] == [epochs] * len(runs)
    sums_up = (path.exists(), (folder / "seeds.png").exists())
    assert sums_up == (len(runs) > 1,) * 2, "experiments.summarize sums up several seeds"
    if path.exists():
        noted = json.loads(path.read_text())
        config = fields_of(config_of(noted["config"]))
        assert config == fields_of(named_config(folder.name)) | {"seed": config["seed"]}
        made = summary_of(noted["config"], runs)
        assert made.pop("training_seconds") == pytest.approx(noted.pop("training_seconds"))
        assert made == noted


def record(folder, seed, accuracies, epochs=3, **more):
    """Write a run with these accuracies in its last epoch, and lower ones before."""
    digit, sum_ = accuracies
    test = {"digit_accuracy": digit, "sum_accuracy": sum_} | more
    records = [{"train": test, "test": test, "seconds": 10 * seed + 0.1} for _ in range(epochs)]
    for earlier in records[:-1]:
        earlier["test"] = dict.fromkeys(test, 0.5)
    folder.mkdir(parents=True, exist_ok=True)
    write_metrics(folder, records, f"seed-{seed}.jsonl")


def test_results_stand_beside_the_original(tmp_path):
    record(tmp_path / "base", 10, (0.99, 0.98), epochs=7)
    record(tmp_path / "base", 9, (0.992, 0.98), epochs=7)
    record(tmp_path / "best", 4, (0.991, 0.99))
    record(tmp_path / "sum_alone", 4, (0.991, 0.99))
    record(tmp_path / "sample", 4, (0.991, 0.99))
    table = results(tmp_path)
    assert len(table.splitlines()) == 2 + 4
    assert cells_of(table, "the original") == ["25", "1", "99.32", "99.16"]
    assert cells_of(table, "the same, mean of its last 7") == ["25", "1", "99.22", "99.06"]
    assert cells_of(table, "`base`, the same recipe ([records](experiments/results/base/))") == [
        "7", "2", "99.10 ± 0.14", "98.00 ± 0.00",
    ]  # fmt: skip
    assert cells_of(table, "`best` ") == ["3", "1", "99.10", "99.00"]


def test_recipes_have_ranges_times_and_aims(tmp_path):
    record(tmp_path / "fast", 2, (0.9931, 0.991))
    record(tmp_path / "fast", 3, (0.9933, 0.992))
    record(tmp_path / "base", 1, (0.9931, 0.991), epochs=7)
    record(tmp_path / "unseen_pairs", 1, (0.9931, 0.991), unseen_accuracy=0.0)
    table = recipes(tmp_path)
    assert cells_of(table, "`fast`") == [
        "3", "2 .. 3", "99.320 ± 0.014 (99.31 to 99.33)", "99.150 ± 0.071 (99.10 to 99.20)", "",
        "99.32, 99.15", "60 to 90", "99.30 reached, 99.28 missed by 0.130",
    ]  # fmt: skip
    assert cells_of(table, "`base`") == [
        "7", "1", "99.310", "99.100", "57.04, 57.01", "99.31, 99.10", "71", "",
    ]  # fmt: skip
    assert "unseen_pairs" not in table


def test_an_aim_is_reached_or_missed():
    assert aims_of("best", [99.6, 99.5996]) == "99.60 reached, 99.60 reached"
    assert aims_of("best", [99.59, 99.5994]) == "99.60 missed by 0.010, 99.60 missed by 0.001"


def test_studies_stand_beside_fast(tmp_path):
    record(tmp_path / "fast", 1, (0.993, 0.992))
    record(tmp_path / "sum_alone_exact", 1, (0.993, 0.993))
    record(tmp_path / "unseen_pairs", 1, (0.99, 0.892), unseen_accuracy=0.0)
    record(tmp_path / "unseen_pairs", 2, (0.991, 0.895), unseen_accuracy=0.01)
    record(tmp_path / "base", 1, (0.993, 0.993))
    table = studies(tmp_path)
    assert "base" not in table
    assert cells_of(table, "`fast`") == [
        "MLP", "all ten an image", "both", "1", "99.30", "99.20", "-0.10", "",
    ]  # fmt: skip
    assert cells_of(table, "`sum_alone_exact`") == [
        "exact", "one, drawn for each batch", "the sum's", "1", "99.30", "99.30", "0.00", "",
    ]  # fmt: skip
    assert cells_of(table, "`unseen_pairs`") == [
        "MLP", "nine of ten", "both", "2",
        "99.05 ± 0.07", "89.35 ± 0.21", "-9.70 ± 0.14", "0.50 ± 0.71",
    ]  # fmt: skip


def searched(folder, seed, test, renewed):
    """Write a run of the search with these losses, of digit and sum, before and after renewal."""
    outputs = ("digit_loss", "sum_loss", "digit_accuracy", "sum_accuracy")
    evaluations = (
        dict(zip(outputs, (*x, 0.995, 0.99 + seed / 1000), strict=True)) for x in (test, renewed)
    )
    last = dict(zip(("test", "renewed"), evaluations, strict=True))
    folder.mkdir(parents=True, exist_ok=True)
    write_metrics(folder, [{"epoch": 1}, {"epoch": 2} | last], f"seed-{seed}.jsonl")


def test_the_search_compares_losses_seed_by_seed(tmp_path):
    searched(tmp_path / "search" / "plain", 1, (0.02, 0.03), (0.018, 0.02))
    searched(tmp_path / "search" / "plain", 2, (0.04, 0.03), (0.022, 0.02))
    searched(tmp_path / "search" / "new", 1, (0.02, 0.03), (0.016, 0.0214))
    searched(tmp_path / "search" / "new", 2, (0.02, 0.03), (0.04, 0.02))
    listed = [
        {"folder": "plain", "what": "as it was", "how": "`run --it`"},
        {"folder": "new", "what": "changed", "how": "by code that is gone", "against": "plain"},
    ]
    (tmp_path / "search" / "rows.json").write_text(json.dumps(listed))
    text = search(tmp_path)
    assert cells_of(text, "as it was") == [
        "2", "1 .. 2", "0.0300, 0.0300", "0.0200, 0.0200", "99.50 ± 0.00", "99.15 ± 0.07",
    ]  # fmt: skip
    assert cells_of(text, "changed")[2:4] == ["0.0200, 0.0300", "0.0280, 0.0207 (lower in 1 of 2)"]
    assert "- [as it was](../experiments/results/search/plain/): `run --it`" in text
    assert text.endswith("- [changed](../experiments/results/search/new/): by code that is gone")


def test_a_longer_run_is_compared_with_a_shorter_one_seed_by_seed(tmp_path):
    short = {"digit_loss": 0.02, "sum_loss": 0.03}
    record(tmp_path / "best", 1, (0.995, 0.99), epochs=2, **short)
    record(tmp_path / "best", 2, (0.995, 0.99), epochs=2, **short)
    longer = tmp_path / "best" / "180_epochs"
    record(longer, 1, (0.996, 0.99), digit_loss=0.01, sum_loss=0.039)
    record(longer, 2, (0.996, 0.99), digit_loss=0.02, sum_loss=0.031)
    table = lengths(tmp_path)
    assert cells_of(table, "2") == [
        "1 .. 2", "0.0200, 0.0300",
        "99.500 ± 0.000 (99.50)", "99.000 ± 0.000 (99.00)", "20 to 40",
    ]  # fmt: skip
    assert cells_of(table, "3")[:3] == [
        "1 .. 2", "0.0150, 0.0350 (lower in 1 of 2)", "99.600 ± 0.000 (99.60)",
    ]  # fmt: skip


@pytest.fixture
def texts(tmp_path, monkeypatch):
    """Let a folder with one text and no records be the project."""
    (tmp_path / "page.md").write_text("A\n<!-- figures: results -->\nold\n<!-- end -->\nB\n")
    monkeypatch.setattr(figures, "ROOT", tmp_path)
    monkeypatch.setattr(figures, "TEXTS", ("page.md",))
    return tmp_path


def test_the_command_writes_what_is_not_so_yet(texts, capsys):
    assert figures.main([]) == 0
    written = (texts / "page.md").read_text()
    assert written.startswith("A\n<!-- figures: results -->\n\n| on the 10,000 test images, % ")
    assert written.endswith("|\n\n<!-- end -->\nB\n")
    assert "old" not in written
    assert figures.main([]) == 0
    assert (texts / "page.md").read_text() == written
    assert capsys.readouterr().out == "page.md: written anew\npage.md: as it was\n"


def test_what_cannot_be_made_is_one_sentence(texts, capsys):
    with pytest.raises(UsageError, match=r"There are no figures 'odd'; choose one of results, "):
        with_figures("<!-- figures: odd -->\n<!-- end -->", texts)
    folder = texts / RESULTS / "base"
    folder.mkdir(parents=True)
    (folder / "seed-1.jsonl").write_text('{"epoch": 1')
    assert figures.main([]) == 2
    error = capsys.readouterr().err
    assert "base/seed-1.jsonl is damaged (" in error
    assert error.count("\n") == 1
