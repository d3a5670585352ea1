"""All that goes to a terminal: text from outside made visible, and the standard streams of a command.

`escapes` imports nothing, so that every module can use it; `cells` alone imports rich.
"""
