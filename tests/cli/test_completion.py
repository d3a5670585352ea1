"""`graphspec completion`: real shells complete commands, specs, runs, rules and layers; no file of a user changes."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from graphspec.cli import main
from graphspec.cli.completion import source
from graphspec.diagnostics.rules import RULES

ROOT = Path(__file__).resolve().parents[2]
SPEC = "graphspec: 1\ninputs: {x: [2]}\noutputs: {y: {from: x, apply: {Dense: 1}}}\n"


def needs(shell: str) -> pytest.MarkDecorator:
    """Skip a test where `shell` is not installed."""
    return pytest.mark.skipif(shutil.which(shell) is None, reason=f"{shell} is not installed")


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with specs, other files and a run, where `graphspec` is a command."""
    folder = tmp_path / "place"
    for name in ("deep/er/a.yaml", "deep/er/b.json", "my spec.yaml"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(SPEC if name.endswith("yaml") else '{"graphspec": 1}', encoding="utf-8")
    (folder / "compose.yaml").write_text("services: {}\n", encoding="utf-8")
    (folder / "runs" / "wine" / "first").mkdir(parents=True)
    (folder / "runs" / "wine" / "second").mkdir()
    for each in (folder / "runs" / "wine").iterdir():
        (each / "run.json").write_text("{}", encoding="utf-8")
    program = tmp_path / "bin" / "graphspec"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m graphspec "$@"\n', encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for name in ("XDG_DATA_HOME", "XDG_CONFIG_HOME", "BASH_COMPLETION_USER_DIR", "ZDOTDIR"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "home").mkdir()
    monkeypatch.chdir(folder)
    return folder


def offered(*words: str) -> list[str]:
    """Return the words that are offered for the last of `words`, as a shell asks for them."""
    variables = {
        "_GRAPHSPEC_COMPLETE": "bash_complete",
        "COMP_WORDS": " ".join(["graphspec", *words]),
        "COMP_CWORD": str(len(words)),
    }
    output = CliRunner(env=variables).invoke(main, [], prog_name="graphspec").stdout
    return [line.removeprefix("plain,") for line in output.splitlines() if line]


def test_rules_names_templates_and_extras_are_offered() -> None:
    """Each argument and option offers what it can be: the codes, the names of a kind, the templates."""
    assert offered("explain", "GS50") == [code for code in RULES if code.startswith("GS50")]
    assert offered("explain", "unknown-k") == ["unknown-key"]
    assert offered("validate", "--ignore", "GS305,gs501") == ["GS305,GS501"]
    assert offered("layers", "LST") == ["LSTM", "LSTMCell"]
    assert offered("layers", "lstmc") == ["LSTMCell"]
    assert offered("layers", "--kind", "losses", "BinaryC") == ["BinaryCrossentropy"]
    assert offered("layers", "--kind", "opti") == ["optimizers"]
    assert offered("new", "--template", "two") == ["two_inputs_two_outputs"]
    assert offered("validate", "--keras", "3.8") == ["3.8"]
    assert offered("doctor", "tab") == ["tables"]
    assert offered("val") == ["validate"]
    assert "--unsafe-fixes" in offered("validate", "--")


def test_specs_are_offered_and_other_files_are_not(place: Path) -> None:
    """A file is offered if it is a spec; a folder without a sibling is opened at once."""
    assert offered("validate", "d") == ["deep/er/a.yaml", "deep/er/b.json"]
    assert offered("summary", "./deep/") == ["./deep/er/a.yaml", "./deep/er/b.json"]
    assert "compose.yaml" not in offered("train", "c")
    assert offered("validate", "nowhere/") == []
    assert offered("validate", "~nobody-here/") == []
    (place / "deep" / "er" / "evil\n\x1b[31m.yaml").write_text(SPEC, encoding="utf-8")
    assert offered("validate", "deep/er/") == ["deep/er/a.yaml", "deep/er/b.json"]


def test_runs_are_offered(place: Path) -> None:
    """A run directory is offered itself, and not what is in it; where a spec will do too, both are."""
    runs = ["runs/wine/first", "runs/wine/second"]
    assert offered("evaluate", "r") == runs
    assert offered("train", "--resume", "runs/") == runs
    assert offered("runs", "compare", "runs/wine/f") == ["runs/wine/first"]
    assert offered("plot", "runs/wine/s") == ["runs/wine/second"]
    (place / "studies" / "wine").mkdir(parents=True)
    (place / "studies" / "wine" / "study.json").write_text("{}", encoding="utf-8")
    assert offered("tune", "--resume", "s") == ["studies/wine"]


def test_odd_files_stop_nothing(place: Path) -> None:
    """A pipe and a circle of links give no error, and no wait."""
    if hasattr(os, "mkfifo"):
        os.mkfifo(place / "pipe.yaml")
    (place / "circle").symlink_to(place / "circle")
    (place / "up").symlink_to(place)
    assert offered("validate", "pi") == []
    assert offered("validate", "ci") == []
    assert "up/my" not in offered("validate", "u")


def test_completion_imports_nothing_heavy(place: Path) -> None:
    """Words are offered in a fraction of a second: without TensorFlow, NumPy, pydantic and the compiler."""
    words = {"COMP_WORDS": "graphspec validate deep/", "COMP_CWORD": "2", "_GRAPHSPEC_COMPLETE": "zsh_complete"}
    code = "import sys\nfrom graphspec.cli import main\ntry: main(prog_name='graphspec')\nexcept SystemExit: pass\n"
    command = [sys.executable, "-c", code + "print(*sorted(sys.modules), file=sys.stderr)"]
    done = subprocess.run(command, env={**os.environ, **words}, capture_output=True, text=True, check=True)
    assert "deep/er/a.yaml" in done.stdout
    assert not {"tensorflow", "keras", "numpy", "rich", "pydantic", "graphspec.spec"} & set(done.stderr.split())


def shell(*command: str) -> list[str]:
    """Run a shell to its end, and return the lines that it prints."""
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert done.stderr == ""
    return done.stdout.splitlines()


@needs("bash")
def test_bash_completes(place: Path) -> None:
    """The script defines a function that fills COMPREPLY; a path is quoted by the shell, whatever it begins with."""
    (place / "script").write_text(source("bash"), encoding="utf-8")
    path = "~somebody/$(touch pwned).yaml"
    (place / "offers").write_text(f"#!/bin/sh\necho 'plain,{path}'\n", encoding="utf-8")
    (place / "offers").chmod(0o755)
    code = """
        compopt() { echo "option $2"; }
        complete_words() {
            COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMPREPLY=()
            _graphspec_completion graphspec
            printf '%s\\n' "${COMPREPLY[@]}"
        }
        . ./script
        complete -p graphspec
        complete_words graphspec explain GS10
        complete_words graphspec validate my
        COMPREPLY=()
        _graphspec_completion ./offers
        echo "$COMPREPLY"
    """
    lines = shell("bash", "--norc", "-c", code)
    assert lines[0].endswith("-F _graphspec_completion graphspec")
    codes = [code for code in RULES if code.startswith("GS10")]
    assert lines[1:] == [*codes, "option filenames", "my spec.yaml", "option filenames", path]


@needs("zsh")
def test_zsh_completes(place: Path) -> None:
    """The function that zsh loads from its path adds the words, each with its help."""
    folder = place / "functions"
    folder.mkdir()
    (folder / "_graphspec").write_text(source("zsh"), encoding="utf-8")
    code = """
        compadd() { print -rl -- $completions; }
        _describe() { print -rl -- $completions_with_descriptions; }
        fpath=(./functions $fpath)
        autoload -Uz _graphspec
        words=(graphspec explain GS101) CURRENT=3
        _graphspec
        words=(graphspec validate my) CURRENT=3
        _graphspec_completion
    """
    assert shell("zsh", "-f", "-c", code) == [f"GS101:{RULES['GS101'].summary}", "my spec.yaml"]


@needs("fish")
def test_fish_completes(place: Path) -> None:
    """The shell itself completes a line, after the script was installed where it looks."""
    assert install("fish").exit_code == 0
    lines = shell("fish", "-c", "complete -C 'graphspec explain GS101'; complete -C 'graphspec validate deep/er/'")
    assert lines == [f"GS101\t{RULES['GS101'].summary}", "deep/er/a.yaml", "deep/er/b.json"]


def install(*options: str) -> Result:
    """Run `graphspec completion install` for a shell."""
    return CliRunner().invoke(main, ["completion", "install", "--shell", *options])


@pytest.mark.parametrize(
    ("shell", "path"),
    [
        ("bash", ".local/share/bash-completion/completions/graphspec"),
        ("zsh", ".local/share/zsh/site-functions/_graphspec"),
        ("fish", ".config/fish/completions/graphspec.fish"),
    ],
)
def test_install_writes_one_file_once(shell: str, path: str, place: Path, tmp_path: Path) -> None:
    """The script is written to the folder of the shell, and no other file is; a second time nothing is written."""
    file = tmp_path / "home" / path
    assert install(shell).stdout.startswith(f"Wrote {file}\n")
    assert file.read_text(encoding="utf-8") == source(shell)
    before = file.stat()
    assert install(shell).stdout.startswith(f"{file} is up to date\n")
    assert file.stat().st_mtime_ns == before.st_mtime_ns
    assert [each for each in (tmp_path / "home").rglob("*") if each.is_file()] == [file]
    file.write_text("# an older script: _GRAPHSPEC_COMPLETE\n", encoding="utf-8")
    assert install(shell).exit_code == 0
    assert file.read_text(encoding="utf-8") == source(shell)


def test_install_replaces_nothing_of_a_user(place: Path, tmp_path: Path) -> None:
    """A file that graphspec did not write stays; a folder that cannot be made is a finding."""
    file = tmp_path / "home" / ".config" / "fish" / "completions" / "graphspec.fish"
    file.parent.mkdir(parents=True)
    file.write_text("# mine\n", encoding="utf-8")
    refused = install("fish")
    assert (refused.exit_code, "is no script of graphspec" in refused.stderr) == (1, True)
    assert file.read_text(encoding="utf-8") == "# mine\n"
    (tmp_path / "home" / ".local").write_text("", encoding="utf-8")
    assert install("zsh").exit_code == 1
    assert "Traceback" not in install("zsh").output


def test_install_takes_the_shell_of_the_user(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without --shell it is that of $SHELL; another than the three is refused with what to write."""
    monkeypatch.setenv("SHELL", "/usr/bin/zsh")
    result = CliRunner().invoke(main, ["completion", "install"])
    assert "site-functions/_graphspec" in result.stdout
    assert "fpath=(" in result.stdout
    monkeypatch.setenv("SHELL", "/bin/tcsh")
    refused = CliRunner().invoke(main, ["completion", "install"])
    assert (refused.exit_code, "--shell bash|zsh|fish" in refused.stderr) == (2, True)
