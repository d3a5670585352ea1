"""Change the code in one place, and see whether a test notices.

`mutants` makes the changed texts with cosmic-ray's operators and draws a sample of them, `coverage_map` says which
tests run a line, `server` runs tests in forks of a process that holds TensorFlow already, `trial` tries one mutant,
`equivalents` reads the list of those that change no behaviour, and `results` sums up. The command is
`scripts/mutate.py`.
"""
