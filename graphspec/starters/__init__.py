"""A template, or a table → a folder with a first spec that trains: `graphspec new`."""
