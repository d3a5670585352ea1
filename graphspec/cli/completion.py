"""`graphspec completion`."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import click
from click.shell_completion import BashComplete, FishComplete, ShellComplete, ZshComplete

from graphspec.console.echo import echo
from graphspec.diagnostics import SpecError
from graphspec.diagnostics.rules import CANNOT_WRITE
from graphspec.files import cannot_write, read_text, write_whole

VARIABLE = "_GRAPHSPEC_COMPLETE"
"""The environment variable by which a script asks `graphspec` for words."""


class _Bash(BashComplete):
    """The script of click, with words that may be paths, whose signs with a meaning for the shell are quoted."""

    source_template = """\
%(complete_func)s() {
    local IFS=$'\\n' type value
    COMPREPLY=()
    while IFS=',' read -r type value; do
        case "$type" in
            dir) compopt -o dirnames ;;
            file) compopt -o default ;;
            plain)
                COMPREPLY+=("$value")
                if [[ "$value" == */* || -e "$value" ]]; then
                    compopt -o filenames
                fi
                ;;
        esac
    done < <(env COMP_WORDS="${COMP_WORDS[*]}" COMP_CWORD="$COMP_CWORD" %(complete_var)s=bash_complete "$1")
}

complete -o nosort -F %(complete_func)s %(prog_name)s
"""


def _bash_file() -> Path:
    named = os.environ.get("BASH_COMPLETION_USER_DIR")
    folder = Path(named) if named else _base("XDG_DATA_HOME", ".local/share") / "bash-completion"
    return folder / "completions" / "graphspec"


def _zsh_file() -> Path:
    return _base("XDG_DATA_HOME", ".local/share") / "zsh" / "site-functions" / "_graphspec"


def _fish_file() -> Path:
    return _base("XDG_CONFIG_HOME", ".config") / "fish" / "completions" / "graphspec.fish"


def _base(variable: str, default: str) -> Path:
    named = os.environ.get(variable, "")
    return Path(named) if Path(named).is_absolute() else Path.home() / default


SHELLS: dict[str, tuple[type[ShellComplete], Callable[[], Path], str]] = {
    "bash": (_Bash, _bash_file, "Where the package bash-completion is not installed, add to ~/.bashrc:\n  . {file}"),
    "zsh": (ZshComplete, _zsh_file, "Add to ~/.zshrc, before `compinit`:\n  fpath=({folder} $fpath)"),
    "fish": (FishComplete, _fish_file, ""),
}
"""The class of click for each shell, the file that the shell reads, and what else to do."""


@click.group()
def completion() -> None:
    """Let a shell complete commands, options, specs, runs, rules and layers.

    `install` writes one script to the folder that your shell reads, and changes no file of yours. `bash`, `zsh` and
    `fish` print the script.

    \b
    graphspec completion install
    graphspec completion install --shell zsh
    graphspec completion bash > graphspec.bash
    """


def _printing(shell: str) -> click.Command:
    @click.command(shell, help=f"Print the script for {shell}.\n\n\b\ngraphspec completion {shell}")
    def command() -> None:
        click.echo(source(shell), nl=False)

    return command


for _shell in SHELLS:
    completion.add_command(_printing(_shell))


@completion.command()
@click.option("--shell", type=click.Choice(list(SHELLS)), help="The shell.  [default: that of $SHELL]")
def install(shell: str | None) -> None:
    """Write the script where the shell looks for it; new shells then complete `graphspec`.

    \b
    graphspec completion install
    graphspec completion install --shell fish
    """
    shell = shell or Path(os.environ.get("SHELL", "")).name
    if shell not in SHELLS:
        raise click.UsageError(f"name your shell: --shell {'|'.join(SHELLS)}")
    _, file_of, hint = SHELLS[shell]
    file, text = file_of(), source(shell)
    try:
        before = read_text(file)
    except FileNotFoundError:
        before = ""
    except (OSError, ValueError):
        before = "unreadable"
    if before and VARIABLE not in before:
        message = f"{file} is there, and is no script of graphspec"
        raise SpecError.of(CANNOT_WRITE, message, help=f"move it away, or use `graphspec completion {shell}`")
    if before == text:
        echo(f"{file} is up to date")
    else:
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            write_whole(file, text.encode())
        except OSError as error:
            raise cannot_write(file, error) from None
        echo(f"Wrote {file}")
    for line in hint.format(file=file, folder=file.parent).splitlines():
        echo(line)


def source(shell: str) -> str:
    """Return the script that makes `shell` complete `graphspec`."""
    from graphspec.cli.main import main

    return SHELLS[shell][0](main, {}, "graphspec", VARIABLE).source()
