"""The shape rules against Keras, family by family."""
