"""graphspec as others get it: a wheel in a bare environment, the hooks of pre-commit, and the GitHub Action."""

from __future__ import annotations

import ast
import importlib.util
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
import venv
import zipfile
from pathlib import Path
from typing import Any

import pytest
import yaml

from graphspec import train
from graphspec.cli.main import COMMANDS
from graphspec.diagnostics.rules import RULES
from graphspec.extras import EXTRAS
from graphspec.version import __version__

from ..commands import command_of
from ..from_keras.configs import SMALL, write_json

ROOT = Path(__file__).resolve().parents[2]
HOOKS: list[dict[str, Any]] = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
ACTION: dict[str, Any] = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
STEPS = {step["name"]: step for step in ACTION["runs"]["steps"] if "run" in step}
SCRIPTS = "Scripts" if sys.platform == "win32" else "bin"

GOOD = "graphspec: 1\ninputs: {x: [2]}\noutputs: {y: {from: x, apply: {Dense: 1}}}\n"
BAD = GOOD.replace("Dense", "Danse")


def run(*command: object, cwd: Path, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    arguments = [str(each) for each in command]
    return subprocess.run(arguments, cwd=cwd, env=env, capture_output=True, text=True, check=False)


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this checkout; what builds it is fetched where it is not installed."""
    folder = tmp_path_factory.mktemp("wheel")
    isolation = ["--no-build-isolation"] if importlib.util.find_spec("hatchling") else []
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", *isolation, "--wheel-dir", str(folder)]
    subprocess.run([*pip, str(ROOT)], check=True)
    (built,) = folder.iterdir()
    return built


@pytest.fixture(scope="session")
def bare(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The variables of a shell in which a fresh environment is active: the wheel, and what it requires as locked."""
    folder = tmp_path_factory.mktemp("bare") / "venv"
    venv.create(folder, with_pip=True)
    scripts = folder / SCRIPTS
    locked = ["--constraint", str(ROOT / "locks" / "dev.txt")]
    subprocess.run([str(scripts / "python"), "-m", "pip", "install", "--quiet", *locked, str(wheel)], check=True)
    left = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "GITHUB_ACTIONS")}
    return {**left, "VIRTUAL_ENV": str(folder), "PATH": f"{scripts}{os.pathsep}{os.environ['PATH']}"}


def graphspec(*arguments: object, cwd: Path, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run the console script of the bare environment."""
    script = shutil.which("graphspec", path=env["PATH"])
    assert script is not None
    assert Path(script).is_relative_to(env["VIRTUAL_ENV"])
    return run(script, *arguments, cwd=cwd, env=env)


@pytest.mark.slow
def test_wheel_holds_the_package_and_nothing_else(wheel: Path) -> None:
    """Every file of the package is in the wheel, and the manual page; no test and no spec is."""
    names = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    there = {path.relative_to(ROOT).as_posix() for path in (ROOT / "graphspec").rglob("*") if path.is_file()}
    page = f"graphspec-{__version__}.data/data/share/man/man1/graphspec.1"
    assert names == {name for name in there if "__pycache__" not in name} | {page}
    assert {f"graphspec/diagnostics/rules/{code}.md" for code in RULES} <= names
    assert "graphspec/py.typed" in names


@pytest.mark.slow
def test_bare_installation_is_light(bare: dict[str, str], tmp_path: Path) -> None:
    """The core brings neither TensorFlow nor anything as heavy."""
    listed = run("python", "-m", "pip", "list", "--format=freeze", cwd=tmp_path, env=bare)
    installed = {line.partition("==")[0].lower().replace("_", "-") for line in listed.stdout.splitlines()}
    assert {"graphspec", "click", "pydantic", "pyyaml"} <= installed
    assert not installed & {"tensorflow", "tensorflow-cpu", "keras", "numpy", "rich", "pytest"}


@pytest.mark.slow
def test_bare_installation_validates(bare: dict[str, str], tmp_path: Path) -> None:
    """The shipped specs, with the headers of their data, are validated without TensorFlow and NumPy."""
    done = graphspec("validate", ROOT / "specs", cwd=tmp_path, env=bare)
    assert (done.returncode, done.stderr) == (0, "")
    assert re.search(r"\b\d+ specs\b", done.stdout)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--version"], __version__),
        (["--help"], "validate"),
        (["explain", "GS101"], "GS101 unknown-key"),
        (["explain"], "GS904"),
        (["layers", "Dense"], "keras.layers.Dense"),
        *([[name, "--help"], f"graphspec {name}"] for name in COMMANDS),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_light_commands_work_bare(bare: dict[str, str], tmp_path: Path, arguments: list[str], said: str) -> None:
    """What needs no TensorFlow works without it, far from the checkout; so does the help of what does."""
    done = graphspec(*arguments, cwd=tmp_path, env=bare)
    assert (done.returncode, done.stderr) == (0, "")
    assert said in done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("command", ["summary", "train"])
def test_heavy_command_says_what_to_install(bare: dict[str, str], tmp_path: Path, command: str) -> None:
    """A command that needs TensorFlow ends with the line to run, and no traceback."""
    done = graphspec(command, ROOT / "specs" / "wine.yaml", cwd=tmp_path, env=bare)
    assert done.returncode == 1
    assert "GS901" in done.stderr
    assert "run: pip install 'graphspec[tensorflow]'" in done.stderr
    assert len(done.stderr.splitlines()) < 6
    assert list(tmp_path.iterdir()) == []


COMMANDS_BARE: dict[str, tuple[str, str]] = {
    "new": ("started", ""),
    "validate": ("small.yaml", ""),
    "fmt": ("--check small.yaml", ""),
    "render": ("small.yaml", ""),
    "summary": ("small.yaml", "tensorflow"),
    "plot": ("small.yaml -o small.svg", ""),
    "data": ("data.yaml", "arrays"),
    "diff": ("small.yaml run", ""),
    "train": ("data.yaml", "tensorflow"),
    "launch": ("data.yaml --workers 2", "tensorflow"),
    "verify-resume": ("data.yaml", "tensorflow"),
    "runs": (".", "arrays"),
    "evaluate": ("run", "tensorflow"),
    "predict": ("run --split train", "tensorflow"),
    "export": ("run --to keras", "tensorflow"),
    "report": ("run", ""),
    "tune": ("data.yaml", "tensorflow"),
    "decompile": ("config.json -o decompiled.yaml", ""),
    "layers": ("Dense", ""),
    "explain": ("GS101", ""),
    "schema": ("", ""),
    "server": ("", "editor"),
    "cache": ("", ""),
    "doctor": ("", ""),
    "completion": ("bash", ""),
}
"""The arguments of each command, and the extra that it needs; none where it works without any."""

DATA = (
    "graphspec: 1\ninputs: {x: [2]}\noutputs: {y: {from: x, apply: {Dense: 1}, loss: mse}}\n"
    "training: {optimizer: sgd, epochs: 1}\nsearch: {parameters: {training.epochs: [1, 2]}, trials: 1}\n"
    "data: {train: {file: rows.csv, inputs: {x: {columns: [a, b]}}, outputs: {y: {column: a}}}}\n"
)


@pytest.fixture(scope="module")
def offered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with specs, data and a run that was trained where TensorFlow is."""
    folder = tmp_path_factory.mktemp("offered")
    (folder / "small.yaml").write_text(GOOD, encoding="utf-8")
    (folder / "data.yaml").write_text(DATA, encoding="utf-8")
    (folder / "rows.csv").write_text("a,b\n1,2\n3,4\n", encoding="utf-8")
    train(folder / "data.yaml", run_dir=folder / "run")
    write_json(folder / "config.json", SMALL)
    return folder


@pytest.mark.slow
def test_every_command_works_bare_or_says_what_to_install(bare: dict[str, str], offered: Path) -> None:
    """Without TensorFlow, NumPy and rich, each command does its work or ends in GS901 with the line to run."""
    assert set(COMMANDS_BARE) == set(COMMANDS)
    for command, (words, extra) in COMMANDS_BARE.items():
        done = graphspec(command, *words.split(), cwd=offered, env=bare)
        assert "Traceback" not in done.stderr, (command, done.stderr)
        if extra:
            assert (done.returncode, "GS901" in done.stderr) == (1, True), (command, done.stdout, done.stderr)
            assert f"run: pip install 'graphspec[{extra}]'" in done.stderr, (command, done.stderr)
        else:
            assert done.returncode == 0, (command, done.stderr)


def imported_modules(path: Path) -> set[str]:
    """The modules from outside the standard library that a file imports, wherever in it."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {each.name for each in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            names.add(node.module)
    return {name.partition(".")[0] for name in names} - set(sys.stdlib_module_names) - {"graphspec"}


def test_all_that_is_imported_is_declared() -> None:
    """Each module comes with the core or with the extra that GS901 names for it, as pyproject.toml says."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = {
        name: {distribution(each) for each in listed} for name, listed in project["optional-dependencies"].items()
    }
    core = {distribution(each) for each in project["dependencies"]}
    found = set().union(*(imported_modules(path) for path in (ROOT / "graphspec").rglob("*.py")))
    brought = {module: extra for extra, modules in EXTRAS.items() for module in modules}
    assert {DISTRIBUTIONS.get(module, module) for module in found - set(brought)} <= core | {"pydantic-core"}
    for module, extra in brought.items():
        assert DISTRIBUTIONS.get(module, module) in extras[extra], module


def distribution(requirement: str) -> str:
    """The name of what is required, in the form that all names are compared in."""
    return re.split(r"[ \[<>=~!;]", requirement, maxsplit=1)[0].lower().replace("_", "-")


DISTRIBUTIONS = {
    "yaml": "pyyaml",
    "PIL": "pillow",
    "ml_dtypes": "ml-dtypes",
    "google_crc32c": "google-crc32c",
    "google": "protobuf",
    "keras_hub": "keras-hub",
    "ai_edge_litert": "ai-edge-litert",
    "mlflow": "mlflow-skinny",
    "pydantic_core": "pydantic-core",
}
"""The distributions of modules that have another name."""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A repository of somebody else's: a spec in a folder, and YAML that is none."""
    folder = tmp_path / "checkout"
    (folder / "models").mkdir(parents=True)
    (folder / "models" / "small.yaml").write_text(GOOD, encoding="utf-8")
    (folder / "compose.yaml").write_text("services: {}\n", encoding="utf-8")
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("hook", HOOKS, ids=lambda hook: hook["id"])
def test_hook_runs_as_pre_commit_runs_it(hook: dict[str, Any], bare: dict[str, str], checkout: Path) -> None:
    """The entry of a hook, with its arguments, is a command; a sound repository passes it, a broken one does not."""
    assert hook["language"] == "python"
    assert hook["pass_filenames"] is False
    command = [*shlex.split(hook["entry"]), *hook["args"]]
    first = run(*command, cwd=checkout, env=bare)
    again = run(*command, cwd=checkout, env=bare)
    assert again.returncode == 0, first.stdout + first.stderr + again.stdout + again.stderr
    assert (checkout / "compose.yaml").read_text(encoding="utf-8") == "services: {}\n"
    (checkout / "models" / "small.yaml").write_text("graphspec: 1\ninputs: {x: [2}\n", encoding="utf-8")
    assert run(*command, cwd=checkout, env=bare).returncode == 1


def test_hooks_have_names_of_their_own() -> None:
    """The hooks that the page on CI names are there."""
    assert [hook["id"] for hook in HOOKS] == ["graphspec-validate", "graphspec-fmt"]


def act(name: str, cwd: Path, env: dict[str, str], **inputs: str) -> subprocess.CompletedProcess[str]:
    """Run one step of the action as GitHub does: in bash, its variables filled from the action's inputs."""
    given = {key: each["default"] for key, each in ACTION["inputs"].items()} | inputs
    step = STEPS[name]
    assert step["shell"] == "bash"
    filled = {
        key: re.sub(r"\$\{\{ inputs\.([\w-]+) \}\}", lambda match: given[match[1]], value)
        for key, value in step["env"].items()
    }
    assert "${{" not in step["run"] + "".join(filled.values())
    command = ("bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"])
    return run(*command, cwd=cwd, env={**env, **filled})


@pytest.mark.slow
def test_action_installs_itself_or_a_version(bare: dict[str, str], wheel: Path, tmp_path: Path) -> None:
    """Without a version the action installs what lies beside it, with one that version of the package."""
    env = {**bare, "GITHUB_ACTION_PATH": str(wheel)}
    assert act("Install graphspec", tmp_path, env).returncode == 0
    assert act("Install graphspec", tmp_path, env, version=__version__).returncode == 0
    refused = act("Install graphspec", tmp_path, env, version="0.0.0.dev0")
    assert refused.returncode != 0
    assert "graphspec==0.0.0.dev0" in refused.stderr


@pytest.mark.slow
def test_action_validates(bare: dict[str, str], checkout: Path) -> None:
    """The action passes over a sound repository, fails at a finding, and hands its inputs on."""
    assert act("Validate", checkout, bare).returncode == 0
    (checkout / "models" / "other.yaml").write_text(BAD, encoding="utf-8")
    assert act("Validate", checkout, bare, paths="models/small.yaml").returncode == 0
    assert act("Validate", checkout, bare, paths="models/*.yaml compose.yaml").returncode == 1
    failed = act("Validate", checkout, bare, paths="models")
    assert failed.returncode == 1
    assert "GS201" in failed.stdout
    assert act("Validate", checkout, bare, paths="models", args="--ignore GS201").returncode == 0
    written = act("Validate", checkout, bare, paths="models", format="sarif", output="report.sarif")
    assert written.returncode == 1
    assert "GS201" in written.stdout
    assert '"GS201"' in (checkout / "report.sarif").read_text(encoding="utf-8")


def test_commands_on_the_page_of_ci_exist() -> None:
    """Every command, hook and input of the action that docs/ci.md shows is there, and its examples are YAML."""
    page = (ROOT / "docs" / "ci.md").read_text(encoding="utf-8")
    examples = [yaml.safe_load(block) for block in re.findall(r"^```yaml\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)]
    words = list(strings(examples))
    commands = [line for line in words if line.startswith("graphspec ")]
    assert len(commands) >= 3
    for line in commands:
        arguments = shlex.split(line)[1:]
        command_of(arguments[0]).make_context(arguments[0], arguments[1:], resilient_parsing=False).close()
    assert {word for word in words if word.startswith("graphspec-")} == {hook["id"] for hook in HOOKS}
    inputs = [step["with"] for step in mappings(examples) if "OWNER/graphspec" in str(step.get("uses"))]
    assert len(inputs) == 3
    assert {name for each in inputs for name in each} <= set(ACTION["inputs"])
    assert set(re.findall(r"^\| `([\w-]+)` \|", page, re.MULTILINE)) == set(ACTION["inputs"])


def strings(value: Any) -> list[str]:
    """Every text in a YAML value."""
    if isinstance(value, dict):
        value = list(value.values())
    return [text for each in value for text in strings(each)] if isinstance(value, list) else [str(value)]


def mappings(value: Any) -> list[dict[str, Any]]:
    """Every mapping in a YAML value."""
    inner = list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else []
    return ([value] if isinstance(value, dict) else []) + [found for each in inner for found in mappings(each)]


def test_the_action_comments_what_specs_differ_in(tmp_path: Path) -> None:
    """The comment is written once and then kept up to date; what a pull request names reaches no shell."""
    git = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_AUTHOR_NAME": "a", "GIT_COMMITTER_NAME": "a"}
    env = {**os.environ, **git, "GIT_AUTHOR_EMAIL": "a@b.example", "GIT_COMMITTER_EMAIL": "a@b.example"}
    repository, tools, log = tmp_path / "repository", tmp_path / "tools", tmp_path / "log"
    repository.mkdir()
    tools.mkdir()
    spec = repository / "spec.yaml"
    spec.write_text(GOOD, encoding="utf-8")
    for words in ("init -q", "add .", "commit -q -m one"):
        run("git", *words.split(), cwd=repository, env=env)
    spec.write_text(GOOD.replace("Dense: 1", "Dense: 2"), encoding="utf-8")
    (tools / "graphspec").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m graphspec "$@"\n', encoding="utf-8")
    gh = f'#!/bin/sh\necho "$@" >> "{log}"\ncase "$*" in *--paginate*) cat "{tmp_path}/comments";; esac\n'
    (tools / "gh").write_text(gh, encoding="utf-8")
    for tool in tools.iterdir():
        tool.chmod(0o755)
    step = STEPS["Compare"]
    assert "${{" not in step["run"]
    variables = {
        "PATHS": "spec.yaml",
        "BASE": run("git", "rev-parse", "HEAD", cwd=repository, env=env).stdout.strip(),
        "NUMBER": "7",
        "GITHUB_REPOSITORY": "owner/name",
        "GITHUB_STEP_SUMMARY": str(tmp_path / "summary"),
        "RUNNER_TEMP": str(tmp_path),
        "PYTHONPATH": str(ROOT),
        "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}",
    }
    assert set(step["env"]) - {"GH_TOKEN"} <= variables.keys()
    for known, method, place in (("", "POST", "issues/7/comments"), ("41\n42\n", "PATCH", "issues/comments/41")):
        (tmp_path / "comments").write_text(known, encoding="utf-8")
        done = run("bash", "-eo", "pipefail", "-c", step["run"], cwd=repository, env={**env, **variables})
        assert done.returncode == 0, done.stderr
        assert f"--method {method} repos/owner/name/{place} --field body=@" in log.read_text(encoding="utf-8")
    comment = (tmp_path / "graphspec-diff.md").read_text(encoding="utf-8")
    assert "`Dense.units: 1 → 2`" in comment
    assert comment.endswith("<!-- graphspec diff -->\n")
    assert "`Dense.units: 1 → 2`" in (tmp_path / "summary").read_text(encoding="utf-8")


def test_no_script_of_the_action_holds_an_expression() -> None:
    """Values from outside come as variables: an expression in a script would be text of the script."""
    assert STEPS
    assert not [name for name, step in STEPS.items() if "${{" in step["run"]]
