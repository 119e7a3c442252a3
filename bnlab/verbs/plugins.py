"""Register the user's models and norms with Hydra before it composes."""

from pathlib import Path

from hydra.core.config_store import ConfigStore
from omegaconf import OmegaConf

from bnlab.config import yamls
from bnlab.config.excerpt import excerpt
from bnlab.config.folder import common_defaults, conf_dir
from bnlab.config.grammar import list_items, unquoted
from bnlab.config.overrides import key_of
from bnlab.config.paths import expanded
from bnlab.config.words import listed
from bnlab.errors import BadInput
from bnlab.registry import add_plugin
from bnlab.verbs.flags import Flags

_OFFERED: list[tuple[str, str]] = []


def offer_plugins(flags: Flags) -> None:
    """Make the entries of plugin files available as `model=` and `norm=`.

    The files are those of the `plugins=` override or of the experiment's yaml.

    Raises:
        BadInput: a file has no entry, or uses a built-in name.
    """
    store = ConfigStore.instance()
    for group, name in _OFFERED:  # registered by an earlier command in this process
        store.repo.get(group, {}).pop(f"{name}.yaml", None)
    _OFFERED.clear()
    for name in _plugins(flags):
        for group, found in add_plugin(Path(expanded(name, "plugins"))).items():
            for entry in found:
                node = {"name": entry.name} | common_defaults(group) | entry.defaults
                store.store(group=group, name=entry.name, node=node, provider="plugins")
                _OFFERED.append((group, entry.name))


def _plugins(flags: Flags) -> list[str]:
    given = {key_of(word): word.partition("=")[2] for word in flags.overrides}
    named: list[str] = []
    for path in _experiments(given.get("experiment", ""), flags.config_dir):
        named += _of_experiment(path)
    if "plugins" not in given:
        return named
    items = list_items(given["plugins"])
    return (
        [unquoted(item.strip()) for item in items]
        if items is not None
        else [one for one in listed(given["plugins"]) if one not in ("", "null")]
    )


def _experiments(value: str, config_dir: str | None) -> list[Path]:
    """Return the existing files of the experiments that a command names; Hydra reports missing ones."""
    folders = [*([Path(config_dir)] if config_dir is not None else []), conf_dir()]
    found = []
    for name in listed(value):
        paths = [folder / "experiment" / f"{name}.yaml" for folder in folders]
        found += [path for path in paths if name and ".." not in path.parts and path.is_file()][:1]
    return found


def _of_experiment(path: Path) -> list[str]:
    """Return the plugins that an experiment's yaml names.

    Raises:
        BadInput: they are not a list of files, or the yaml sets both epochs and steps.
    """
    config = OmegaConf.to_container(yamls.load(path))  # interpolations are resolved later, by Hydra
    assert isinstance(config, dict)
    if config.get("epochs") is not None and config.get("steps") is not None:
        raise BadInput(f"{path}: epochs and steps both set the length of training, and steps would win: leave one out")
    named = config.get("plugins")
    if named is None:
        return []
    if not isinstance(named, list) or not all(isinstance(one, str) for one in named):
        raise BadInput(f"{path}: plugins={excerpt(named)} should be a list of files: plugins: [my_model.py]")
    return named
