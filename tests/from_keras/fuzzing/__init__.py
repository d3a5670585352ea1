"""Models mutated by number, decompiled, and held against what Keras loads."""
