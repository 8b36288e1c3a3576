"""What can go wrong with a file."""


class FileTooLarge(ValueError):
    """More bytes than allowed were offered."""

    code = "file-too-large"

    def __init__(self, limit: int) -> None:
        super().__init__(f"The file is larger than the limit of {limit} bytes.")
        self.limit = limit


class FileGone(LookupError):
    """The bytes are not, or no longer, in storage."""

    code = "file-gone"
