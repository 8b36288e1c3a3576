"""Where an agreement stands: a pure function of the signed evidence and the clock.

Messages only ever add evidence. So whatever order they come in, doubled or late, two nodes that hold the same
evidence give the same answer (docs/protocol.md, "States").

Three rules keep a party's word to what that party may say. A version takes over from the one in force once every
signatory of that one whom it still names has signed it, so nobody is moved into another text without its own
signature. An instrument binds when its party is a signatory of the version in force at that instant. And no instant is
earlier than the signatures that make a party bound: what is dated before them counts from them.
"""

from taawun.cooperation.agreements.standing.nouns import (
    Evidence,
    Instrument,
    Signature,
    Standing,
    State,
    Window,
)
from taawun.cooperation.agreements.standing.reckoning import stand

__all__ = ["Evidence", "Instrument", "Signature", "Standing", "State", "Window", "stand"]
