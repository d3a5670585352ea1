"""The difference of two specs for people, for a pull request, and for programs."""
