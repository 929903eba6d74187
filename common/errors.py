"""Errors a user can cause and mend: each names the file or key, and the remedy."""


class UserError(Exception):
    """Shown to the user as one message, without a traceback: names the cause and the remedy."""


class AnalysisError(UserError):
    """Base of the errors of the physics and of the workflow."""


class ConfigError(AnalysisError):
    """The configuration is wrong: names the key, what was found and what is allowed."""


class InputFileError(AnalysisError):
    """An input file cannot be used: names the file, what is wrong with it and what to do."""


class EmptySampleError(AnalysisError):
    """A sample, or what is left of it after a selection, holds no event."""


class NormalisationError(AnalysisError):
    """Weights or cross sections cannot give a normalisation (zero, negative or non-finite sums)."""


class ModelError(UserError):
    """A network cannot be built, trained or read: names the cause and the remedy."""


class NoLimitError(AnalysisError):
    """No limit exists for these yields: says why."""
