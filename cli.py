"""`python cli.py ...` from a checkout, without installing: the same as the `graphspec` command."""

from graphspec.cli import main

if __name__ == "__main__":
    main(prog_name="cli.py")
