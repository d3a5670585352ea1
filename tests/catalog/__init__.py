"""The catalogue against the installed Keras."""
