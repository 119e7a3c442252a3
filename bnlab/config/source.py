"""The data set that a config names."""

from bnlab.config.validate import Config
from bnlab.data.base import Dataset
from bnlab.registry import find


def source(config: Config) -> Dataset:
    """Return the data set, which is not yet read (does not need torch)."""
    entry = find("data", config.data["name"])
    return entry.load()(**{key: config.data[key] for key in entry.options})
