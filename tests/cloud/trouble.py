"""The one exception that `cloud.py` prints as a sentence instead of a traceback."""


class Trouble(Exception):
    """Something a person can act upon; its text says what and how."""
