"""The JSON Schemas beside the rules say what the code reads, and the rules files hold to them."""

import runpy
from pathlib import Path

import jsonschema
import pytest
import yaml

ROOT = Path(__file__).resolve().parents[3]
MAKER = runpy.run_path(str(ROOT / "docs/reference/make_schema.py"))


@pytest.mark.parametrize("name", sorted(MAKER["SHAPES"]))
def test_kept_schema_is_up_to_date(name):
    kept = (ROOT / "rules/schema" / f"{name}.json").read_text("utf-8")
    assert kept == MAKER["schema_of"](name), "run ./run docs"


@pytest.mark.parametrize("file", sorted(path.name for path in (ROOT / "rules").glob("*.yaml")))
def test_rules_file_holds_to_its_schema(file):
    name = "form-change" if file.startswith("form-") else file.removesuffix(".yaml")
    schema = yaml.safe_load(MAKER["schema_of"](name))
    tree = yaml.safe_load((ROOT / "rules" / file).read_text("utf-8"))
    jsonschema.Draft202012Validator(schema).validate(tree)
