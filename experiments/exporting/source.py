"""What is exported: a network, the steps behind it, and where it comes from."""

import json
from pathlib import Path
from typing import Any, NamedTuple

from experiments.configs import Config, config_of, fields_of, named_config
from experiments.system import workdir
from mnist_sum.errors import UsageError
from mnist_sum.files.checkpoint import Checkpoint, open_checkpoints, restore_latest
from mnist_sum.files.weights import load_run, load_weights, read_provenance
from mnist_sum.learning.network import Network


class Source(NamedTuple):
    """A trained network and what is known of its training, for JSON."""

    network: Network
    provenance: dict[str, Any]

    @property
    def steps(self) -> int:
        """How many steps it was trained for; 0 where nobody noted it."""
        return int(self.provenance.get("steps", 0))


def read_source(path: Path) -> Source:
    """Read the work folder of a run, or a file of weights; raises WeightsError or UsageError."""
    if not path.is_dir():
        return Source(load_weights(path), read_provenance(path)["provenance"])
    network = load_run(path)  # says what is wrong with the folder
    with open_checkpoints(path / workdir.CHECKPOINTS, clean=False) as checkpoints:
        checkpoint = restore_latest(checkpoints)
    assert checkpoint is not None
    return Source(network, provenance_of(path, checkpoint))


def provenance_of(folder: Path, checkpoint: Checkpoint) -> dict[str, Any]:
    """List what a run has noted of itself: its command, and what the network reached."""
    try:
        name = json.loads((folder / workdir.CONFIG).read_text())["name"]
        of_run = {name: x for name, x in checkpoint.run.items() if name != "settings"}
        config = config_of(fields_of(Config(checkpoint.recipe)) | of_run)
        command = command_of(name, config)
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise UsageError(f"{folder / workdir.CONFIG} is not that of a run ({error}).") from error
    return {
        "config": name,
        "command": command,
        **checkpoint.run,
        "epochs": (done := len(checkpoint.records)),  # of those that the run may yet have
        "renew_statistics": config.renew_statistics and done == config.epochs,
        "steps": int(checkpoint.state.step),
        "test": checkpoint.records[-1]["test"],
    }


def command_of(name: str, config: Config) -> str:
    """Write the command that trains a config, with the options that its name does not imply."""
    named, fields = fields_of(named_config(name)), fields_of(config)
    options = [
        f"--{field.replace('_', '-')} {value}"
        if not isinstance(value, bool)
        else flag(field, value)
        for field, value in fields.items()
        if value != named[field]
    ]
    return " ".join(["python -m experiments.run --config", name, *options])


def flag(field: str, value: bool) -> str:
    """Write an option that is on or off."""
    return f"--{'' if value else 'no-'}{field.replace('_', '-')}"
