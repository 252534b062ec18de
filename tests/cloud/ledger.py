"""What went through the gateway: every request with its times, and the sequential round trips among them."""

import collections


class Ledger:
    def __init__(self):
        self.clear()

    def clear(self):
        self.requests = []
        self.violations = []

    def cost(self, user_agent=""):
        """→ {requests, chain, by_operation} of the requests whose User-Agent contains the text"""
        rows = [row for row in self.requests if user_agent in row["user_agent"]]
        counted = collections.Counter("%s:%s" % (row["service"], row["operation"]) for row in rows)
        return {"requests": len(rows), "chain": chain(rows), "by_operation": dict(sorted(counted.items()))}


def chain(rows):
    """the length of the longest sequence of requests in which each starts after the previous one ended

    Taking always the next request that ends first gives the longest one (interval scheduling). Both ends are measured here: a request
    counts from its arrival to the moment its answer is ready to leave. Against emulators that answer within a millisecond, requests that a
    client sends at once may still pass one after the other; a planted delay on everything makes the number exact.
    """
    length, free = 0, float("-inf")
    for row in sorted(rows, key=lambda row: row["end"]):
        if row["start"] >= free:
            length, free = length + 1, row["end"]
    return length
