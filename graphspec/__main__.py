"""`python -m graphspec`."""

from graphspec.cli import main

if __name__ == "__main__":
    main(prog_name="graphspec")
