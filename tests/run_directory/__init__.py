"""What a training writes, and what is damaged or forged of it."""
