"""The host that the tests of rules have events of."""


class SomeHost:
    """What rules can ask of a host; nobody has looked up an address here but one."""

    id = "host-1"
    name = "web-1"

    def domain(self, cgroup: int | None, address: str | None) -> str | None:
        """The name of an address."""
        return "db.example" if address == "10.0.0.2" else None
