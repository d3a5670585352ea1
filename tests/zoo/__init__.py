"""The specs to start from, against the models they describe."""
