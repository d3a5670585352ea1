"""Text → Graph: documents, expressions, blocks, names and values."""
