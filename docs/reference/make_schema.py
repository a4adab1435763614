"""Make rules/schema/*.json from the shapes in pipeline/rulebook/schema.py, for editors of the rules files.

Run by ``./run docs``; a test says when they are out of date.
"""

import json
from pathlib import Path

import msgspec

from pipeline.rulebook.alignment import AlignmentFile
from pipeline.rulebook.reminders import RemindersFile
from pipeline.rulebook.requests import RequestsFile
from pipeline.rulebook.schema import AssuranceFile, ChecksFile, DecisionFile, FormChange, FormFile, KindsFile
from pipeline.rulebook.signers import SignersFile

FOLDER = Path(__file__).resolve().parents[2] / "rules" / "schema"
SHAPES = {
    "form": FormFile,
    "form-change": FormChange,
    "checks": ChecksFile,
    "assurance": AssuranceFile,
    "alignment": AlignmentFile,
    "decision": DecisionFile,
    "kinds": KindsFile,
    "requests": RequestsFile,
    "reminders": RemindersFile,
    "signers": SignersFile,
}


def schema_of(name: str) -> str:
    """Return the JSON Schema of one rules file as it is kept."""
    return json.dumps(msgspec.json.schema(SHAPES[name]), indent=1, sort_keys=True) + "\n"


def main() -> None:
    """Write every schema."""
    FOLDER.mkdir(exist_ok=True)
    for name in SHAPES:
        (FOLDER / f"{name}.json").write_text(schema_of(name), "utf-8")


if __name__ == "__main__":
    main()
