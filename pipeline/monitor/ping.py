"""A sign of life to a service outside, which raises the alarm when it stays away (a dead man's switch)."""

from collections.abc import Callable

import structlog

from pipeline.fetch import NotFetched, ping
from pipeline.monitor.figures import last_good_poll
from pipeline.office import Office
from pipeline.promises import Round
from pipeline.trouble import OWN_TROUBLE, in_words

SECONDS = 10.0

log = structlog.get_logger()


class Pinger:
    """Asks for the address of the settings after each round that read the mailbox well. ask: raises NotFetched.

    An answer that does not come is logged and changes nothing else.
    """

    def __init__(
        self, office: Office, address: str, ask: Callable[[str], None] = lambda address: ping(address, SECONDS)
    ) -> None:
        self._office = office
        self._address = address
        self._ask = ask

    def after(self, work: Callable[[], Round]) -> Callable[[], Round]:
        """Return what does a round as before and then, where the mailbox could be read in it, pings once."""

        def one_round() -> Round:
            begun = self._office.clock().replace(microsecond=0)  # the ledger knows whole seconds
            done = work()
            try:
                read = last_good_poll(self._office.ledger.health(self._office.now()))
                if read is not None and read >= begun:
                    self._ask(self._address)
            except (NotFetched, *OWN_TROUBLE) as error:
                why = {"why": str(error)} if isinstance(error, NotFetched) else in_words(error)
                log.warning("ping not sent", step="ping", **why)
            return done

        return one_round
