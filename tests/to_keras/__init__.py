"""Graph → Keras model: the builder, and what it uses of Keras."""
