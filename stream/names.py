"""Which names the addresses of connections were asked for by."""

from msgspec import Struct, field

from wire.event import Answer

# Pairs of a control group and an address kept at most, the latest ones.
LIMIT = 1 << 16

# Stands for every control group of the host.
_ANY = 0


class Names(Struct):
    """The name that was last answered with an address, by control group, and by whoever asked last."""

    known: dict[tuple[int, str], str] = field(default_factory=dict)

    def learn(self, answer: Answer) -> None:
        """Take over what a name server said."""
        if answer.name is None:
            return
        for address in answer.addresses:
            self._keep((_ANY, address), answer.name)
            if answer.cgroup is not None:
                self._keep((answer.cgroup, address), answer.name)

    def of(self, cgroup: int | None, address: str | None) -> str | None:
        """What those in a control group, or else others on the host, call an address."""
        if address is None:
            return None
        return self.known.get((cgroup or _ANY, address)) or self.known.get((_ANY, address))

    def _keep(self, key: tuple[int, str], name: str) -> None:
        self.known.pop(key, None)
        self.known[key] = name
        if len(self.known) > LIMIT:
            del self.known[next(iter(self.known))]
