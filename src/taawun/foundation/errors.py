"""The one shape of every refusal in the foundation: a stable code and a sentence."""


class CodedError(ValueError):
    """A refusal that both a program and a person can read.

    The code is stable, so callers may branch on it and translate it; the sentence is English and is ``str()``
    of the error. Each tool raises its own subclass, so that catching one never catches another's.

    Attributes:
        code: a stable word in kebab-case.
        message: one English sentence that says what is wrong and where.
    """

    def __init__(self, code: str, message: str) -> None:
        # Both are handed to the base class so that the error survives pickling between worker processes.
        super().__init__(code, message)
        self.code = code
        self.message = message

    def __str__(self) -> str:
        return self.message
