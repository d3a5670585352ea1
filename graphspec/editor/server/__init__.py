"""The language server, `graphspec server`: what an editor shows of a spec while it is written.

Each feature is a module of functions over a `Document` and its analysis; `server` binds them to the protocol.
"""
