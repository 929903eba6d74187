"""Errors of the networks and their training that a user can cause and mend."""


class ModelError(Exception):
    """A network cannot be built, trained or read: names the cause and the remedy."""
