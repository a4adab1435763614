"""What a mail says that could not be delivered, and came back: a stranger's claim, to be shown to a person."""

from dataclasses import dataclass

from pipeline.domain.message import Problem


@dataclass(frozen=True, slots=True)
class Bounce:
    """What a server says became of a mail for one recipient.

    message_id: of the mail that came back, verbatim with its brackets; empty where it is not told. recipient: the
    address it was sent to, as far as it is told. status: RFC 3463, for example ``5.1.1``, or empty. permanent: the
    server has given up; otherwise it still tries. text: the server's words on one line, safe to show.
    """

    message_id: str
    recipient: str
    status: str
    permanent: bool
    text: str


@dataclass(frozen=True, slots=True)
class Bounces:
    """What one mail tells; both are empty for a mail that is no bounce. problems: what could not be read."""

    found: tuple[Bounce, ...] = ()
    problems: tuple[Problem, ...] = ()
