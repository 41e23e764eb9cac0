"""The version of this package, which pyproject.toml reads here: installed or not, it is known."""

VERSION = "0.3.0"
