"""What the kinds share: where things are kept, how they are named, how they refuse.

Everything is kept as the request gave it, plus what AWS adds; one lock guards it all, for moto serves in threads.
"""

import copy
import datetime
import os
import re
import threading

from moto.core.exceptions import ServiceException
from moto.sagemaker.exceptions import ConflictException, ResourceInUseException, ResourceNotFound, ValidationError

__all__ = ["ConflictException", "ResourceInUseException", "ResourceNotFound", "ServiceException", "ValidationError"]

ACCOUNT = os.environ.get("MOTO_ACCOUNT_ID", "123456789012")
REGION = os.environ.get("AWS_REGION", "us-east-1")
NAME = re.compile(r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}")

STATUSES = ("EndpointStatus", "MonitoringScheduleStatus", "TrainingJobStatus", "ProcessingJobStatus")

lock = threading.RLock()
KINDS = ("model", "endpoint-config", "endpoint", "monitoring-schedule", "training-job", "model-package-group", "model-package", "processing-job", "data-quality-job-definition")
things = {kind: {} for kind in KINDS}
tagged = {}  # ARN → {key: value}


def clear():
    with lock:
        for kind in things.values():
            kind.clear()
        tagged.clear()


def arn(kind, name):
    return "arn:aws:sagemaker:%s:%s:%s/%s" % (REGION, ACCOUNT, kind, name.lower() if kind != "monitoring-schedule" else name)


def now():
    return datetime.datetime.now(datetime.timezone.utc)


def check_name(name, member):
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise ValidationError(
            "1 validation error detected: Value '%s' at '%s' failed to satisfy constraint: Member must satisfy regular expression pattern: "
            "[a-zA-Z0-9]([\\-a-zA-Z0-9]*[a-zA-Z0-9])?" % (name, member)
        )


def create(kind, words, name, member, thing, tags):
    """keeps a new thing; refuses a name that is taken, as AWS does"""
    check_name(name, member)
    if name in things[kind]:
        raise ValidationError('Cannot create already existing %s "%s".' % (words, arn(kind, name)))
    things[kind][name] = thing
    tagged[arn(kind, name)] = {tag["Key"]: tag["Value"] for tag in tags or ()}


def find(kind, words, name):
    if name not in things[kind]:
        raise ValidationError('Could not find %s "%s".' % (words, arn(kind, name)))
    return things[kind][name]


def delete(kind, words, name):
    find(kind, words, name)
    del things[kind][name]
    tagged.pop(arn(kind, name), None)


def listed(kind, given, members, key, order="Descending", wanted=lambda thing: True):
    """a List… answer: filters, order (the operation's default) and pages that the deployer uses, for things that have a CreationTime"""
    found = [thing for thing in things[kind].values() if wanted(thing)]
    if given.get("NameContains"):
        found = [thing for thing in found if given["NameContains"].lower() in thing[key].lower()]
    for member, wanted in (("CreationTimeAfter", 1), ("CreationTimeBefore", -1)):
        if given.get(member):
            limit = float(given[member])
            found = [thing for thing in found if (thing["CreationTime"].timestamp() - limit) * wanted > 0]
    if given.get("StatusEquals"):
        found = [thing for thing in found if given["StatusEquals"] in (thing.get(member) for member in STATUSES)]
    status = next((member for member in STATUSES if found and member in found[0]), "CreationTime")
    by = {"Name": key, "CreationTime": "CreationTime", "Status": status}.get(given.get("SortBy", "CreationTime"), "CreationTime")
    found.sort(key=lambda thing: thing[by], reverse=given.get("SortOrder", order) == "Descending")
    start, size = int(given.get("NextToken") or 0), int(given.get("MaxResults") or 10)
    page = [{member: thing[member] for member in members if thing.get(member) is not None} for thing in found[start : start + size]]
    return page, str(start + size) if start + size < len(found) else None


def copied(thing):
    """for an answer that is written after the lock is released"""
    return copy.deepcopy(thing)


def page(member, found, token):
    return {member: found, "NextToken": token} if token else {member: found}
