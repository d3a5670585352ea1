"""Keras model → spec: the configuration that Keras saves is read, and written as a person would have written it.

    config → records (layers and their calls) → nodes (chains of steps) → blocks (what repeats) → the text of a spec

Nothing is deserialised: a configuration is data, and what it means is looked up in the catalogue.
"""
