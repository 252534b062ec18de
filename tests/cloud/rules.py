"""Rules of the services that botocore's models do not hold (or hold too loosely)."""

RULES = {}


def check(service, operation, given, found):
    for rule in RULES.get((service, operation), ()):
        rule(given, found)
