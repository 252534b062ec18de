"""Which operations are ours, and their answers as SageMaker writes them.

Each module has a table OPERATIONS: {operation: function(parameters) → answer}. They are answered here, before moto sees the request, which also
spares its 4 ms of dispatch; all other operations go on to moto.
"""

import datetime
import json
import uuid

from moto.core.exceptions import ServiceException

from local_sagemaker import configs, definitions, endpoints, models, monitoring, processing, registry, scaling, tags, training

MODULES = (models, configs, endpoints, monitoring, tags, training, registry, processing, definitions)
SERVICES = {
    "SageMaker": {name: function for module in MODULES for name, function in module.OPERATIONS.items()},
    "AnyScaleFrontendService": scaling.OPERATIONS,
}


def answer(target, body):
    """→ (status, headers, body); None for an operation that is moto's"""
    service, _, operation = target.partition(".")
    function = SERVICES.get(service, {}).get(operation)
    if function is None:
        return None
    return replied(function, json.loads(body or b"{}"))


def replied(function, given):
    headers = [("Content-Type", "application/x-amz-json-1.1"), ("x-amzn-requestid", str(uuid.uuid4()))]
    try:
        found = function(given) or {}
        return "200 OK", headers, json.dumps(found, default=encoded).encode()
    except ServiceException as error:
        return "400 Bad Request", headers, json.dumps({"__type": error.code, "message": error.message}).encode()


def encoded(value):
    if isinstance(value, datetime.datetime):
        return round(value.timestamp(), 3)
    raise TypeError("no JSON for %r" % value)
