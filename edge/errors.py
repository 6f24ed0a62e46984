"""What can go wrong, as few kinds as a caller can act on.

Only the command line catches these; it prints the message to stderr and leaves with `exit_code`.
An ordinary outcome (no end face, no defect, a blurred picture) is a value, never an exception.
"""


class FerruleError(Exception):
    """A broken promise. The message gives the value, what was expected, and the next step."""

    exit_code = 2


class UsageError(FerruleError, ValueError):
    """An argument, option, profile or configuration that cannot be used (exit code 2)."""


class SourceError(FerruleError, OSError):
    """A picture, folder, camera or stream that could not be read (exit code 3)."""

    exit_code = 3


class ModelError(FerruleError):
    """A model that was refused: hash, contract or golden patches do not hold (exit code 4)."""

    exit_code = 4


class RuntimeUnavailableError(ModelError):
    """No TFLite runtime works here, or not the one that was asked for (exit code 4)."""


class OutputError(FerruleError):
    """What was worked out could not be written down: a full disk, a closed stdout (exit code 5)."""

    exit_code = 5


def is_out_of_memory(error: BaseException) -> bool:
    """Whether Python or OpenCV (error code -4, `cv2.Error.StsNoMem`) ran out of memory."""
    return isinstance(error, MemoryError) or (type(error).__module__ == "cv2" and getattr(error, "code", None) == -4)


def reason_of(error: Exception) -> str:
    """What an exception says, in lower case and without its number; its kind where it says nothing."""
    if isinstance(error, FileNotFoundError):
        return "no such file or folder"
    return (getattr(error, "strerror", None) or str(error) or type(error).__name__).lower()
