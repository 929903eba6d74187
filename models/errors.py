"""Errors of the networks and their training that a user can cause and mend."""

from common.errors import UserError


class ModelError(UserError):
    """A network cannot be built, trained or read: names the cause and the remedy."""
