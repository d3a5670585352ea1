"""What is found in a graph with its shapes, training and data."""
