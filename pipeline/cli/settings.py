"""Where the settings and the rules of a command come from, and the one clock. Cheap to import."""

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from pipeline.config import Config, load, shipped
from pipeline.domain.signature import TrustMaterial
from pipeline.readers.trust_folder import material_of, read_trust_folder
from pipeline.rulebook import Rulebook

DEFAULT_CONFIG = Path("pipeline.toml")
VARIABLE = "PIPELINE_CONFIG"

ConfigOption = Annotated[
    Path | None,
    typer.Option("--config", help=f"Settings file; else the one {VARIABLE} names, else {DEFAULT_CONFIG} here."),
]


def present() -> datetime:
    """The clock of the process; everything below is handed the time (law 3)."""
    return datetime.now(UTC)  # noqa: TID251 - the one place that asks the clock


def config_file(given: Path | None) -> Path:
    """Return the settings file: the one given, that of PIPELINE_CONFIG, or pipeline.toml here."""
    return given or Path(os.environ.get(VARIABLE) or DEFAULT_CONFIG)


def settings_if_any(given: Path | None) -> Config | None:
    """Return the settings; None where none were named and there is no pipeline.toml here."""
    file = config_file(given)
    return load(file) if given or os.environ.get(VARIABLE) or file.is_file() else None


def trust_material(given: Path | None, config: Config | None, rules: Rulebook) -> TrustMaterial:
    """Read a folder of trust material by content, or the sets of the settings. TrustFolderRefused names a bad file."""
    if given:
        return read_trust_folder(given, "given")
    return material_of(rules.signers.sets, (config and config.trust.folder) or shipped("config") / "trust")


def rulebook(config: Config | None = None) -> Rulebook:
    """Read the rules that the settings name, or those that come with the pipeline."""
    return Rulebook.load((config and config.rules) or shipped("rules"))
