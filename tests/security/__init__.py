"""An attack suite: what `docs/security.md` promises, held against hostile specs, files and folders.

`audit` records what a process does, `child` runs commands of graphspec under it, `sandbox` starts and times that
process. `cases` is the table of everything hostile; each `test_*` file holds one promise against it.
"""
