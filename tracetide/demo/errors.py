"""The error for a container that cannot be had here."""


class ContainerError(Exception):
    """This machine lacks something: the message, which can stand after "because", says what."""
