"""The command line run as a person runs it, in this process: arguments in; exit code, output and errors out."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
import structlog

from pipeline.cli import main


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended. code: its exit code."""

    code: int
    out: str
    err: str


Cli = Callable[..., Ended]


@pytest.fixture(autouse=True)
def _plain_surroundings(tmp_path, monkeypatch):
    """No settings of the machine's user, no colours, and no logger that writes into another test's output."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PIPELINE_CONFIG", raising=False)
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "200")
    yield
    structlog.reset_defaults()


@pytest.fixture
def cli(capsys) -> Cli:
    def run(*arguments: object) -> Ended:
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        assert isinstance(ended.value.code, int)
        assert "Traceback" not in out + err
        return Ended(ended.value.code, out, err)

    return run


@pytest.fixture(scope="session")
def _demo_once(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("demo") / "demo"
    with pytest.raises(SystemExit) as ended:
        main(["--log-level", "error", "demo", "--folder", str(folder)])
    assert ended.value.code == 0
    return folder


@pytest.fixture
def demo(_demo_once, tmp_path) -> Path:
    """A demo folder of the test's own; its settings file is ``pipeline.toml`` in it."""
    return Path(shutil.copytree(_demo_once, tmp_path / "demo"))
