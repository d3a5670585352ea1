"""The seed specs and the hand-written models they must equal."""
