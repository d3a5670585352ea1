"""Configurations and files of Keras 1 and 2 → the configuration that Keras 3 writes.

    file or JSON → document → layers and their calls → renamed, split, refused → layers as Keras 3 serialises them

Nothing is deserialised. What means the same is translated, and outputs stay the same with the same weights; all else
is a diagnostic with the layer's name and the path inside of the configuration.
"""
