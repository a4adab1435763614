"""What a VBA project consists of, so that a reviewer can be told how two of them differ."""

from dataclasses import dataclass

from pipeline.domain.message import Problem


@dataclass(frozen=True, slots=True)
class MacroModule:
    """One module. sha256: of its source text with line ends as LF; lines: how many it has."""

    name: str
    sha256: str
    lines: int


@dataclass(frozen=True, slots=True)
class MacroReading:
    """The modules and references of a vbaProject.bin ([MS-OVBA] 2.3.4.2), in the order of the project."""

    modules: tuple[MacroModule, ...] = ()
    references: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()


def differences(published: MacroReading, found: MacroReading) -> tuple[str, ...]:
    """Say in words how a macro differs from the published one. Equal sources may still hold other compiled code."""
    if found.problems:
        return (f"its modules cannot be read: {found.problems[0].text}",)
    old = {module.name: module for module in published.modules}
    new = {module.name: module for module in found.modules}
    said = [f"module {name} is missing" for name in old if name not in new]
    said += [f"module {name} is added ({new[name].lines} lines)" for name in new if name not in old]
    said += [
        f"module {name} has another source ({old[name].lines} lines published, {new[name].lines} here)"
        for name in old
        if name in new and old[name].sha256 != new[name].sha256
    ]
    said += [f"reference {name} is missing" for name in published.references if name not in found.references]
    said += [f"reference {name} is added" for name in found.references if name not in published.references]
    if not said:
        return ("the source of every module is the published one, so Excel may only have saved it anew",)
    return tuple(said)
