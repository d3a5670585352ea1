"""The formats of a report: each is what its readers take, for every mistake there is an example of."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

import graphspec
from graphspec.cli import main
from graphspec.diagnostics import Diagnostic, Edit, Fix, Label, SourceText, Span
from graphspec.diagnostics.formats import FORMATS, write
from graphspec.diagnostics.formats.outcome import Checked, Outcome
from graphspec.diagnostics.render import render_one
from graphspec.diagnostics.rules import RULES, UNDEFINED_NAME, UNREADABLE_FILE, UNUSED

ROOT = Path(__file__).resolve().parents[2]
RULE_FOLDERS = ROOT / "tests" / "rules"
ANY_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)

TEXT = """graphspec: 1
inputs: {x: [2]}
graph:
  a: {from: x, aply: {Dense: 3}}
outputs: {y: {from: a, apply: {Dens: 1}}}
"""


def call(*arguments: object, stdin: str | None = None, env: Mapping[str, str | None] | None = None) -> Result:
    """Run `graphspec validate` in this process, outside of any CI service."""
    outside: dict[str, str | None] = {"GITHUB_ACTIONS": None, "GITHUB_WORKSPACE": None, "CI_PROJECT_DIR": None}
    runner = CliRunner(env={**outside, "NO_COLOR": None, "FORCE_COLOR": None, **(env or {})})
    return runner.invoke(main, ["validate", *map(str, arguments)], input=stdin)


@pytest.fixture
def spec(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A spec with two mistakes, in the current folder."""
    monkeypatch.chdir(tmp_path)
    path = Path("spec.yaml")
    path.write_text(TEXT, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def everything() -> Outcome:
    """An outcome with every mistake of `tests/rules`."""
    files = []
    for path in sorted(RULE_FOLDERS.glob("GS*/*.yaml")):
        files.append(Checked(str(path), tuple(graphspec.validate(path).found)))
    return Outcome(tuple(files), ignored=3)


def outcome_of(text: str, message: str, help: str = "", name: str = "a file.yaml") -> Outcome:
    """One finding at all of `text`, with a label and a fix there too."""
    source = SourceText(name, text)
    lines = source.lines
    span = Span(source, 1, 1, len(lines), len(lines[-1]) + 1)
    fix = Fix("mend it", (Edit(span, message),))
    found = Diagnostic(UNDEFINED_NAME, message, span, message, help, (Label(span, help),), fix)
    return Outcome((Checked(name, (found,)), Checked("clean.yaml")))


def schema(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def test_json_fits_its_schema_and_says_what_the_full_text_says(everything: Outcome) -> None:
    """The documented schema holds for every finding, and each has what the report for people shows."""
    data = json.loads(write(everything, "json"))
    jsonschema.Draft202012Validator(schema(ROOT / "docs" / "report.schema.json")).validate(data)
    assert data["version"] == 1
    assert data["summary"]["ignored"] == 3
    assert data["summary"]["errors"] + data["summary"]["warnings"] == len(data["findings"]) == len(everything.report)
    for shown, finding in zip(data["findings"], everything.report, strict=True):
        assert shown["message"] == finding.message
        assert finding.span is not None
        if finding.span.source.name != "--set":
            assert shown["range"]["start"] == {"line": finding.span.line, "column": finding.span.column}
            assert shown["file"] == finding.span.source.name


def test_json_schema_refuses_what_is_not_a_report(everything: Outcome) -> None:
    """The schema is one that can say no: every key is needed, and none may be misspelled."""
    validator = jsonschema.Draft202012Validator(schema(ROOT / "docs" / "report.schema.json"))
    data = json.loads(write(everything, "json"))
    for key in data:
        assert not validator.is_valid({other: value for other, value in data.items() if other != key})
    for key in data["findings"][0]:
        broken = {other: value for other, value in data["findings"][0].items() if other != key}
        assert not validator.is_valid({**data, "findings": [broken]})


def test_sarif_fits_the_standard(everything: Outcome) -> None:
    """The log is SARIF 2.1.0, and every result leads to a rule, a region and, where there are, fixes."""
    log = json.loads(write(everything, "sarif"))
    validator = jsonschema.Draft4Validator(
        schema(ROOT / "tests" / "sarif" / "sarif-2.1.0-rtm.5.json"), format_checker=jsonschema.FormatChecker()
    )
    validator.validate(log)
    assert not validator.is_valid({**log, "version": "2.0.0"})
    (run,) = log["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == sorted({finding.rule.code for finding in everything.report})
    for result, finding in zip(run["results"], everything.report, strict=True):
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"] == finding.rule.code
        assert ("fixes" in result) == (finding.fix is not None)
    assert any("fixes" in result for result in run["results"])
    assert any("relatedLocations" in result for result in run["results"])


def test_junit_has_a_case_a_file_and_a_failure_a_finding(everything: Outcome) -> None:
    """CI services count files as tests, and show each finding as they show a failure."""
    root = ElementTree.fromstring(write(everything, "junit"))
    cases = root.findall("./testsuite/testcase")
    assert [case.get("name") for case in cases] == [file.path for file in everything.files]
    assert len(root.findall(".//failure")) == sum(len(file.findings) for file in everything.files)
    assert root.get("failures") == str(sum(1 for file in everything.files if file.findings))
    assert 0 < int(root.get("failures") or 0) < len(cases)


@given(text=ANY_TEXT, message=ANY_TEXT, help=ANY_TEXT)
def test_any_text_leaves_every_format_well_formed(text: str, message: str, help: str) -> None:
    """Whatever a spec or a message holds, control characters included, no format is broken by it."""
    outcome = outcome_of(text, message, help)
    ElementTree.fromstring(write(outcome, "junit"))
    assert json.loads(write(outcome, "json"))["findings"][0]["message"] == message
    assert json.loads(write(outcome, "sarif"))["runs"][0]["results"][0]["message"]["text"].startswith(message)
    assert json.loads(write(outcome, "gitlab"))[0]["description"].endswith(message)
    (command,) = write(outcome, "github").split("\n")
    assert command.startswith("::error file=a file.yaml,line=1,")
    assert write(outcome, "concise").count("\n") == 2
    for shown in (write(outcome, "full"), write(outcome, "concise")):
        assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", shown)


def test_github_escapes_what_its_commands_are_made_of() -> None:
    """`%`, line ends, and in properties `:` and `,`, come as GitHub reads them."""
    command = write(outcome_of("x", "50% of a: b, c", "two\r\nlines", "a,b:c.yaml"), "github")
    properties, _, message = command.removeprefix("::error ").partition("::")
    assert "file=a%2Cb%3Ac.yaml," in properties
    assert message.startswith("50%25 of a: b, c%0A")
    assert message.endswith("help: two%0D%0Alines")


def test_gitlab_fingerprints_outlive_moves(tmp_path: Path) -> None:
    """A finding keeps its fingerprint when lines move, and no two findings share one."""

    def fingerprints(text: str) -> list[str]:
        return [issue["fingerprint"] for issue in json.loads(call("-", "--format", "gitlab", stdin=text).stdout)]

    twice = TEXT.replace("  a: {", "  b: {from: x, aply: {Dense: 3}}\n  a: {")
    assert fingerprints(TEXT) == fingerprints("# a comment\n\n" + TEXT)
    assert len(set(fingerprints(twice))) == len(fingerprints(twice)) > len(fingerprints(TEXT))
    assert set(fingerprints(TEXT)) < set(fingerprints(twice))


def test_services_get_paths_from_the_root_of_the_repository(spec: Path, tmp_path: Path) -> None:
    """Absolute paths, and those from a folder below, are shown as the repository has them."""
    folder = {"GITHUB_WORKSPACE": str(tmp_path.parent), "CI_PROJECT_DIR": str(tmp_path.parent)}
    for path in (spec, tmp_path / spec, f"./{spec}"):
        assert f"file={tmp_path.name}/spec.yaml," in call(path, "--format", "github", env=folder).output
        issue = json.loads(call(path, "--format", "gitlab", env=folder).stdout)[0]
        assert issue["location"]["path"] == f"{tmp_path.name}/spec.yaml"
    assert json.loads(call(f"./{spec}", "--format", "gitlab").stdout)[0]["location"]["path"] == "spec.yaml"


def test_concise_is_a_line_a_finding(spec: Path) -> None:
    """What editors and grep take: place, code, message, and the name that was meant."""
    lines = call(spec, "--format", "concise").stdout.splitlines()
    assert lines[:2] == [
        "spec.yaml:4:16: GS101 there is no key `aply` in `a`: did you mean `apply`?",
        "spec.yaml:5:32: GS201 there is no layer `Dens`: did you mean `Dense`?",
    ]
    described = [issue["description"] for issue in json.loads(call(spec, "--format", "gitlab").stdout)]
    assert described[1] == "GS201 unknown-object: there is no layer `Dens`: did you mean `Dense`?"


def test_concise_leaves_out_other_help(tmp_path: Path) -> None:
    """A line holds no help but the name that was meant, which a log cannot do without."""
    text = 'graphspec: 1\ninputs: {x: [2]}\noutputs: {y: {from: x, apply: {Dense: {units: "3"}}}}\n'
    lines = call("-", "--format", "concise", stdin=text).stdout.splitlines()
    assert lines[0].endswith("GS103 `units` is the text `3`, not a number")


def test_actions_get_annotations_beside_the_full_text(spec: Path) -> None:
    """In GitHub Actions the annotations come by themselves; a chosen format stands alone."""
    in_actions = {"GITHUB_ACTIONS": "true"}
    by_itself = call(spec, env=in_actions).stdout
    assert by_itself.startswith(call(spec).stdout)
    assert by_itself.count("\n::error file=spec.yaml,") == 2
    assert "::error" not in call(spec, "--format", "full", env=in_actions).stdout
    assert call(spec, "--format", "github", env=in_actions).stdout.startswith("::error")
    assert "::" not in call(spec).stdout


def test_colour_is_for_terminals_and_those_who_ask(spec: Path) -> None:
    """NO_COLOR, FORCE_COLOR and the options decide where no terminal does; the text is the same."""
    plain = call(spec).stdout
    assert "\x1b" not in plain
    coloured = call(spec, "--color").stdout
    assert "\x1b[31m" in coloured
    assert re.sub(r"\x1b\[\d+m", "", coloured) == plain
    assert call(spec, env={"FORCE_COLOR": "1"}).stdout == coloured
    assert call(spec, env={"FORCE_COLOR": "1", "NO_COLOR": "1"}).stdout == plain
    assert call(spec, "--no-color", env={"FORCE_COLOR": "1"}).stdout == plain


@pytest.mark.parametrize("format", FORMATS)
def test_output_goes_to_a_file_beside_what_people_read(spec: Path, format: str) -> None:
    """`-o` writes the format, and the full text is shown all the same."""
    written = Path("deep") / "report.txt"
    result = call(spec, "--format", format, "-o", written)
    assert result.exit_code == 1
    assert result.stdout == call(spec).stdout
    assert written.read_text(encoding="utf-8") == call(spec, "--format", format).stdout
    assert call(spec, "-o", spec / "x").exit_code == 1


def test_standard_input_has_a_name_in_every_format() -> None:
    """What comes from `-` is shown as `<stdin>`, or as it is called."""
    for format in FORMATS:
        shown = call("-", "--format", format, stdin=TEXT).output
        assert "%3Cstdin%3E" in shown or "&lt;stdin&gt;" in shown or "<stdin>" in shown
        shown = call("-", "--stdin-filename", "sub/s.yaml", "--format", format, stdin=TEXT).output
        assert "sub/s.yaml" in shown


@pytest.mark.parametrize("format", FORMATS)
def test_a_path_that_is_not_there_is_shown_in_every_format(format: str) -> None:
    """A finding without a place is told of its file."""
    result = call("missing.yaml", "--format", format)
    assert result.exit_code == 1
    assert "missing.yaml" in result.stdout


@pytest.mark.parametrize("format", FORMATS)
def test_a_clean_spec_is_an_empty_report(format: str) -> None:
    """Nothing found is a whole document too, and exit status 0."""
    result = call("-", "--format", format, stdin=TEXT.replace("aply", "apply").replace("Dens:", "Dense:"))
    assert result.exit_code == 0
    assert "GS" not in result.stdout


def test_summary_counts_and_points_on() -> None:
    """The last lines say how much there is, what can be mended, and where more is said."""
    last = call("-", stdin=TEXT).stdout.splitlines()[-2:]
    assert last == [
        "Found 2 errors, 1 fixable with `--fix`, 1 more with `--fix --unsafe-fixes`.",
        "For details run `graphspec explain GS101`.",
    ]


def test_full_shows_findings_without_a_place() -> None:
    """What has no line has no excerpt."""
    found = Diagnostic(UNREADABLE_FILE, "there is no file x", expected="a file", help="check the path")
    assert render_one(found) == (
        "error[GS001] unreadable-file: there is no file x\n  expected: a file\n  help: check the path"
    )
    assert RULES[UNUSED.code] is UNUSED
