"""Does graphspec say no where Keras says no? Random mutations of the shipped specs, put to both.

`mutate` changes one thing in the text of a spec, `naive` asks Keras without any of graphspec's checks (`body` computes
its tensors), `verdicts` puts a mutated spec to both and compares. `scripts/agreement.py` runs thousands of them,
`tests/project/test_agreement.py` a few.
"""
