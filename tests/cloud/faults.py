"""Planted faults: what the next matching requests meet instead of, or on top of, the service's answer.

A fault is {service, operation, times, kind, delay_ms?, user_agent?}; service and operation may be "*", and with user_agent only clients that
contain it in theirs are met, so that tests running at once keep out of each other's way. Kinds:
throttle, error500, access_denied   answered here, in the service's own protocol, without reaching the service
reset                               the connection drops before the service hears of the request
lost_response                       the service carries the request out, then the connection drops
delay                               forwarded after delay_ms
"""

import json
import uuid

import cbor2

import accounts
import wire

KINDS = ("throttle", "error500", "reset", "lost_response", "access_denied", "delay")
ACCOUNT = accounts.ACCOUNT


class Faults:
    def __init__(self):
        self.planted = []

    def plant(self, rows):
        """replaces what was planted for the same clients, or with no rows all; a wrong row raises ValueError, for a fault that can never
        match would prove nothing"""
        new = [validated(row) for row in rows]
        clients = {row["user_agent"] for row in new}
        self.planted = [row for row in self.planted if new and row["user_agent"] not in clients] + new

    def take(self, service, operation, user_agent=""):
        """→ the faults that meet this request: at most one delay, and at most one of the rest"""
        delay, other = None, None
        for fault in self.planted:
            if fault["times"] > 0 and fault["service"] in ("*", service) and fault["operation"] in ("*", operation) and fault["user_agent"] in user_agent:
                if fault["kind"] == "delay" and delay is None:
                    delay = fault
                elif fault["kind"] != "delay" and other is None:
                    other = fault
        for fault in (delay, other):
            if fault:
                fault["times"] -= 1
        return delay, other


def validated(row):
    fault = {"times": 1, "delay_ms": 0, "operation": "*", "user_agent": "", **row}
    unknown = set(fault) - {"service", "operation", "times", "kind", "delay_ms", "user_agent"}
    if unknown:
        raise ValueError("unknown member %s" % ", ".join(sorted(unknown)))
    if fault.get("kind") not in KINDS:
        raise ValueError("kind %r is none of %s" % (fault.get("kind"), ", ".join(KINDS)))
    fault["service"] = wire.ALIASES.get(fault.get("service"), fault.get("service"))
    if fault["service"] != "*":
        known = wire.model(fault["service"] or "")
        if known is None:
            raise ValueError("unknown service %r" % fault["service"])
        if fault["operation"] != "*" and fault["operation"] not in known.operation_names:
            raise ValueError("%s has no operation %r" % (fault["service"], fault["operation"]))
    return fault


# Per protocol: what each kind of error is called, and its status.
NAMES = {
    "json": {"throttle": ("ThrottlingException", 400), "error500": ("InternalFailure", 500), "access_denied": ("AccessDeniedException", 400)},
    "rest-json": {"throttle": ("TooManyRequestsException", 429), "error500": ("ServiceException", 500), "access_denied": ("AccessDeniedException", 403)},
    "query": {"throttle": ("Throttling", 400), "error500": ("InternalFailure", 500), "access_denied": ("AccessDenied", 403)},
    "cbor": {"throttle": ("ThrottlingException", 400), "error500": ("InternalServiceFault", 500), "access_denied": ("AccessDeniedException", 403)},
    "rest-xml": {"throttle": ("SlowDown", 503), "error500": ("InternalError", 500), "access_denied": ("AccessDenied", 403)},
}


def protocol(service, headers, path):
    if headers.get("smithy-protocol") == "rpc-v2-cbor" or wire.RPC.match(path):
        return "cbor"
    if headers.get("X-Amz-Target"):
        return "json"
    known = wire.model(service)
    return known.metadata["protocol"] if known and known.metadata["protocol"] in NAMES else "query"


def text(kind, service, operation):
    if kind == "throttle":
        return "Rate exceeded"
    if kind == "error500":
        return "An internal error has occurred. Retry your query, but if the problem persists, contact AWS."
    return "User: arn:aws:iam::%s:user/local is not authorized to perform: %s:%s because no identity-based policy allows the %s:%s action" % (
        ACCOUNT, service, operation, service, operation
    )


def answer(kind, service, operation, headers, path):
    """→ (status, headers, body): the error as the service would send it"""
    spoken = protocol(service, headers, path)
    code, status = NAMES[spoken][kind]
    if service == "sagemaker-runtime":
        code, status = {"throttle": ("ThrottlingException", 400), "error500": ("InternalFailure", 500)}.get(kind, (code, status))
    message, request = text(kind, service, operation), str(uuid.uuid4())
    sender = "Receiver" if status >= 500 else "Sender"
    if spoken == "json":
        content, body = "application/x-amz-json-1.1", json.dumps({"__type": code, "message": message})
    elif spoken == "rest-json":
        content, body = "application/json", json.dumps({"message": message, "Type": "Service" if status >= 500 else "User"})
    elif spoken == "cbor":
        content, body = "application/cbor", cbor2.dumps({"__type": code, "message": message})
    elif spoken == "rest-xml":
        content, body = "application/xml", '<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>%s</Code><Message>%s</Message><RequestId>%s</RequestId></Error>' % (code, message, request)
    else:
        content = "text/xml"
        body = "<ErrorResponse><Error><Type>%s</Type><Code>%s</Code><Message>%s</Message></Error><RequestId>%s</RequestId></ErrorResponse>" % (sender, code, message, request)
    extra = {"x-amzn-requestid": request, "Content-Type": content}
    if spoken == "rest-json":
        extra["x-amzn-ErrorType"] = code
    if spoken == "cbor":
        extra["smithy-protocol"] = "rpc-v2-cbor"
        # CloudWatch moved from the query protocol: its old error codes travel in this header.
        extra["x-amzn-query-error"] = "%s;%s" % ({"throttle": "Throttling", "access_denied": "AccessDenied"}.get(kind, code), sender)
    if spoken == "rest-xml":
        extra["x-amz-request-id"] = request
    return status, extra, body.encode() if isinstance(body, str) else body
