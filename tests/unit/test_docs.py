"""What the documentation names is there: files, links, commands, options, settings, decisions."""

import importlib.util
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import msgspec
import pytest
import typer.main

from pipeline.cli.app import app
from pipeline.cli.commands import COMMANDS
from pipeline.config import Config
from pipeline.rulebook import Rulebook

ROOT = Path(__file__).resolve().parents[2]
LEFT_OUT = {".venv", ".git", "var", "node_modules", ".pytest_cache"}
PAGES = sorted(p for p in ROOT.rglob("*.md") if not LEFT_OUT & set(p.relative_to(ROOT).parts))
OURS = [p for p in PAGES if p.parent in {ROOT, ROOT / "docs"} or "docs" in p.relative_to(ROOT).parts]
DECISIONS = sorted((ROOT / "docs" / "adr").glob("*.md"))

LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
CODE = re.compile(r"```.*?```|`[^`\n]+`", re.DOTALL)
PATH = re.compile(
    r"(?<![\w./<*-])(?:pipeline|rules|docs|tests|templates|deploy|config|requirements|benchmarks|\.ci)/[\w./<>*-]*\w[\w./<>*-]*"
)
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


def name(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def prose(page: Path) -> str:
    return page.read_text("utf-8")


def code(page: Path) -> str:
    return "\n".join(CODE.findall(prose(page)))


def anchors(page: Path) -> set[str]:
    plain = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in HEADING.findall(prose(page)))
    return {heading.strip().replace(" ", "-") for heading in plain}


every_page = pytest.mark.parametrize("page", OURS, ids=name)


def test_there_are_pages_to_look_at() -> None:
    assert {"README.md", "docs/README.md", "docs/tutorial.md", "CONTRIBUTING.md", "SECURITY.md"} <= set(map(name, OURS))
    assert len(DECISIONS) >= 18


@every_page
def test_every_link_leads_somewhere(page: Path) -> None:
    broken = []
    for target in LINK.findall(CODE.sub("", prose(page))):
        if target.startswith(("https:", "mailto:")):
            continue
        file, _, anchor = target.partition("#")
        found = (page.parent / file).resolve() if file else page
        if not found.is_relative_to(ROOT) or not found.exists() or (anchor and anchor not in anchors(found)):
            broken.append(target)
    assert broken == []


@every_page
def test_every_path_named_is_there(page: Path) -> None:
    named = {found.rstrip(".") for found in PATH.findall(code(page))}
    missing = [path for path in named if not set("<>*") & set(path) and not (ROOT / path).exists()]
    assert missing == []


def commands_in(text: str) -> Iterator[tuple[str, list[str]]]:
    """(command, options) of every `pipeline COMMAND ...` in code. The command is empty for options before it."""
    for line in text.replace("`", "\n").splitlines():
        for part in re.split(r" \| |;|&&|(?:^|\s)#", re.sub(r"'[^']*'", "TEXT", line)):
            words = part.split()
            at = next(
                (i for i, word in enumerate(words) if word in {"pipeline", "./pipeline", ".venv/bin/pipeline"}), None
            )
            if at is None or at + 1 == len(words):
                continue
            command, *rest = words[at + 1 :]
            before = [command] if command.startswith("--") else []
            if before:
                yield "", before
            else:
                yield command, [word for word in rest if word.startswith("--")]


def test_commands_are_found_in_code() -> None:
    text = "`pipeline run --once` `pipeline --version`\n```sh\nX=1 pipeline import A --by 'B'; pipeline case 1\n```"
    assert list(commands_in(text)) == [
        ("run", ["--once"]),
        ("", ["--version"]),
        ("import", ["--by"]),
        ("case", []),
    ]


@every_page
def test_every_command_and_option_named_exists(page: Path) -> None:
    group: Any = typer.main.get_command(app)
    known = {command: {o for p in group.commands[command].params for o in p.opts} for command in COMMANDS}
    known[""] = {option for parameter in group.params for option in parameter.opts}
    wrong = []
    for command, options in commands_in(code(page)):
        if command not in known and command.isalpha():
            wrong.append(command)
        wrong += [f"{command} {o}" for o in options if o not in known.get(command, set()) | {"--help"}]
    assert wrong == []


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_every_command_is_told_of(command: str) -> None:
    assert any(command == told for page in OURS if page.name != "cli.md" for told, _ in commands_in(code(page)))


def test_every_setting_named_is_one() -> None:
    top = {field.encode_name for field in msgspec.structs.fields(Config)}
    named = set(re.findall(r"`\[(\w+)\]`", "\n".join(map(prose, OURS)))) - {"E", "R", "T"}
    assert named
    assert named <= top


@every_page
def test_every_check_named_is_one(page: Path) -> None:
    rules = Rulebook.load(ROOT / "rules")
    topics = {check.partition(".")[0] for check in rules.checks}
    files = {"yaml", "py", "md", "json", "csv", "toml", "sh", "txt", "sqlite", "j2", "service"}
    named = {n for n in re.findall(r"`([a-z0-9]+(?:\.[a-z0-9-]+)+)`", prose(page)) if n.rpartition(".")[2] not in files}
    assert {n for n in named if n.partition(".")[0] in topics} <= set(rules.checks)


@every_page
def test_no_page_names_a_place_of_one_machine(page: Path) -> None:
    places = ["/" + "/".join(parts) for parts in (("work", ""), ("root", ""), ("home", ""), ("tmp", ""))]
    assert [place for place in places if place in prose(page)] == []


def made_by(script: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"docs_{script}", ROOT / "docs" / "reference" / f"{script}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_of_the_rules_is_up_to_date() -> None:
    made = made_by("make_rules")
    page = made.page(Rulebook.load(ROOT / "rules"))
    assert (ROOT / "docs/reference/rules.md").read_text("utf-8") == page, "out of date: ./run docs"
    assert all(f"`{check}`" in page for check in Rulebook.load(ROOT / "rules").checks)


@pytest.mark.parametrize("decision", DECISIONS, ids=lambda page: page.stem)
def test_a_decision_has_its_parts_on_one_page(decision: Path) -> None:
    text = prose(decision)
    number = decision.stem.partition("-")[0]
    assert re.match(rf"# {number}\. \S", text)
    assert re.search(r"^Status: (accepted|replaced by \d{4})\. Date: \d{4}-\d\d-\d\d\.$", text, re.MULTILINE)
    assert re.findall(r"^## (\w+)$", text, re.MULTILINE) == ["Context", "Decision", "Consequences"]
    assert len(text.split()) < 420


def test_decisions_are_numbered_without_a_gap() -> None:
    assert [int(page.stem[:4]) for page in DECISIONS] == list(range(len(DECISIONS)))


def test_every_decision_named_anywhere_is_there() -> None:
    sources = [*ROOT.glob("pipeline/**/*.py"), *ROOT.glob("rules/*.yaml"), *OURS]
    named = {number for file in sources for number in re.findall(r"docs/adr/(\d{4})", file.read_text("utf-8"))}
    assert named
    assert named <= {page.stem[:4] for page in DECISIONS}


def test_the_changelog_tells_of_the_rules() -> None:
    text = prose(ROOT / "CHANGELOG.md")
    assert re.search(r"^## Unreleased\n(?:.*\n)*?### Rules\n\n- ", text, re.MULTILINE)
