"""Whatever the bytes: validation ends in a report, soon, in little memory, and says where.

`cases` makes the bytes, `trial` validates them and says what went wrong, `hostile` holds the large ones made by hand.
`scripts/fuzz.py` tries hundreds of thousands, `tests/project/test_fuzz.py` a few.
"""
