"""The commands, and the streams that they speak by."""
