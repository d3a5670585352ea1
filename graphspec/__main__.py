"""The entry point of `graphspec` and `python -m graphspec`; Ctrl-C during its imports gives no traceback."""

import sys


def run() -> None:
    """Run the command line."""
    try:
        from graphspec.cli import main
    except KeyboardInterrupt:
        sys.exit(130)
    main(prog_name="graphspec")


if __name__ == "__main__":
    run()
