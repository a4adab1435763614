"""The ledger's own trouble, in words. What is wrong with a submission is never one of these (law 2 of the design)."""


class LedgerBusy(Exception):  # noqa: N818 - named for the fact, as the mailbox port's are
    """Another process holds the database, or its server cannot be reached just now: nothing was changed, try later."""


class LedgerRefused(Exception):  # noqa: N818 - named for the fact, as the mailbox port's are
    """The database cannot be used, and trying again will not mend it: a person is needed. The text says for what."""


class LedgerConflict(Exception):  # noqa: N818 - named for the fact, as the mailbox port's are
    """What was asked does not fit what the ledger holds (a step done before, a number taken): nothing was changed."""


class NoSuchCase(LookupError):  # noqa: N818 - named for the fact, as the mailbox port's are
    """The ledger has no Case of that number, or no mail whose sha256 begins so."""
