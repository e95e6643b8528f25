"""What a command says when it cannot go on."""


class Interrupted(Exception):
    """Ctrl-C; says what is kept."""


class Refused(RuntimeError):
    """What was asked for cannot be done; says why, and what can."""
