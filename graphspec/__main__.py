"""`graphspec`, and `python -m graphspec`: the commands, imported where Ctrl-C leaves no traceback."""

import sys


def run() -> None:
    """Run the command that the arguments name, as a program."""
    try:
        from graphspec.cli import main
    except KeyboardInterrupt:
        sys.exit(130)
    main(prog_name="graphspec")


if __name__ == "__main__":
    run()
