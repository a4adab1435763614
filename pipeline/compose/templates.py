"""The words of every mail, read once from a folder; whoever edits them finds out at once when something is wrong."""

import hashlib
import re
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import DictLoader, StrictUndefined, TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup, escape

SUBJECT, TEXT, HTML = "subject.txt.j2", "body.txt.j2", "body.html.j2"
FILES = (SUBJECT, TEXT, HTML)
TEXT_WIDTH = 76
_FILE_LIMIT = 200_000
_BLANK_LINES = re.compile(r"\n(?:[ \t]*\n){2,}")


class TemplatesBroken(Exception):  # noqa: N818 - named for the fact, as the project's exceptions are
    """A template is missing or wrong: our own trouble, a person must mend the file that the text names."""


@dataclass(frozen=True, slots=True)
class Rendered:
    """The two bodies of one mail."""

    text: str
    html: str


class Templates:
    """All mail templates, compiled. Make it with ``Templates.load``; after that no file is read again."""

    __slots__ = ("_environment", "_names", "fingerprint", "kinds")

    def __init__(self, sources: Mapping[str, str]) -> None:
        """Compile the templates, given by their path in the folder (``rejected/body.txt.j2``)."""
        self._names = frozenset(sources)
        self.kinds = tuple(sorted({n.partition("/")[0] for n in sources if "/" in n and not n.startswith("_")}))
        """Mail kinds that can be drafted: the folders whose names do not begin with an underscore."""
        digest = hashlib.sha256()
        for name, source in sorted(sources.items()):
            digest.update(f"{name}\0{len(source)}\0{source}".encode())
        self.fingerprint = digest.hexdigest()
        """SHA-256 over every name and text: part of each draft's Message-ID."""
        self._environment = ImmutableSandboxedEnvironment(
            loader=DictLoader(dict(sources)),
            undefined=StrictUndefined,
            autoescape=lambda name: name is not None and name.endswith(".html.j2"),
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,
        )
        self._environment.filters.update(wrapped=_wrapped, spaced=_spaced)
        for name in sorted(sources):
            try:
                self._environment.get_template(name)
            except TemplateError as trouble:
                line = getattr(trouble, "lineno", None)
                at = f", line {line}" if line else ""
                raise TemplatesBroken(f"The mail template {name}{at} is wrong: {trouble}. Mend that file.") from trouble

    @classmethod
    def load(cls, folder: Path) -> "Templates":
        """Read and compile every ``*.j2`` below the folder. TemplatesBroken says which file to mend."""
        root = folder.resolve()
        sources: dict[str, str] = {}
        for path in sorted(root.rglob("*.j2")):
            name = path.relative_to(root).as_posix()
            if not path.resolve().is_relative_to(root):
                raise TemplatesBroken(f"The mail template {name} is a link out of {folder}. Put the file itself there.")
            try:
                if path.stat().st_size > _FILE_LIMIT:
                    raise TemplatesBroken(f"The mail template {name} has over {_FILE_LIMIT:,} octets. Shorten it.")
                sources[name] = path.read_text(encoding="utf-8")
            except (OSError, UnicodeDecodeError) as trouble:
                raise TemplatesBroken(f"The mail template {name} cannot be read: {trouble}.") from trouble
        if not sources:
            raise TemplatesBroken(
                f"There are no mail templates in {folder}. Set the templates folder to the right one."
            )
        return cls(sources)

    def missing(self, kind: str) -> tuple[str, ...]:
        """Return the files that the kind's folder lacks."""
        return tuple(name for name in FILES if f"{kind}/{name}" not in self._names)

    def subject(self, kind: str, values: Mapping[str, Any]) -> str:
        """Return the rendered subject, one line. TemplatesBroken where the template asks for what is not there."""
        return self._render(kind, SUBJECT, values).strip()

    def bodies(self, kind: str, values: Mapping[str, Any]) -> Rendered:
        """Return the rendered text and HTML. TemplatesBroken where a template asks for what is not there."""
        text = _BLANK_LINES.sub("\n\n", self._render(kind, TEXT, values)).strip() + "\n"
        return Rendered(text, self._render(kind, HTML, values))

    def _render(self, kind: str, file: str, values: Mapping[str, Any]) -> str:
        name = f"{kind}/{file}"
        if kind not in self.kinds or name not in self._names:
            known = ", ".join(self.kinds)
            raise TemplatesBroken(f"There is no mail template {name}; the kinds are {known}. Add the file.")
        try:
            return self._environment.get_template(name).render(values)
        except (TemplateError, TypeError, ValueError, ArithmeticError, LookupError) as trouble:
            raise TemplatesBroken(
                f"The mail template {name} cannot be rendered: {trouble}. Mend that file."
            ) from trouble


def _wrapped(text: str, first: str = "", rest: str = "") -> str:
    """Wrap prose for the plain text body: ``first`` begins the first line, ``rest`` the others. Words stay whole."""
    prose = " ".join(text.split())
    return textwrap.fill(
        prose, TEXT_WIDTH, initial_indent=first, subsequent_indent=rest, break_long_words=False, break_on_hyphens=False
    )


def _spaced(text: str) -> Markup:
    """Escape a value for HTML and keep each of its blanks: browsers would show a run of them as one."""
    return escape(text.replace("  ", "\N{NO-BREAK SPACE} "))
