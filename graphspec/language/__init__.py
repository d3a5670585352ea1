"""Read a spec: text, tree, expansion, schema and lowering to a `Graph`."""
