"""How a call to another machine fails: by our own rule, or by the network."""

from taawun.foundation.errors import CodedError


class OutboundRefused(CodedError):
    """A call that must not be made, or an answer that must not be taken; trying again changes nothing.

    Codes: ``bad-setting``, ``bad-url``, ``not-https``, ``private-address``, ``redirect``,
    ``answer-too-large``, ``line-too-long``, ``unknown-encoding``, ``bad-request``.
    """


class OutboundFailed(CodedError):
    """A call that did not come through; trying again later may help.

    Codes: ``no-such-host``, ``unreachable``, ``tls-failed``, ``too-slow``, ``broken-off``, ``bad-answer``.
    """
