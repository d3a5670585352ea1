"""One module a format, each with a `FORMAT`; what several share, and the parts of the larger ones, lie beside them."""
