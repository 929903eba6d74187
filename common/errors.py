"""The base of all errors that a user can cause and mend."""


class UserError(Exception):
    """Shown to the user as one message, without a traceback: names the cause and the remedy."""
