"""What Keras offers, and what is known of it."""
