"""From an HTTP request to AWS: which service, which operation, which parameters, as botocore's service models describe them.

Understands the protocols json, query, rest-json and rpc-v2-cbor whole; of rest-xml (S3) the operation's name and what is in the address
and the headers, not the bodies.
"""

import functools
import json
import re
import urllib.parse

import botocore.session
import cbor2

SCOPE = re.compile(r"Credential=[^/]+/\d+/[^/]+/([^/]+)/")
INVOCATION = re.compile(r"/endpoints/[^/]+/(async-)?invocations")
RPC = re.compile(r"/service/[^/]+/operation/(\w+)")

# Our name of a service (IAM's action prefix where it has one of its own) and botocore's, where they differ.
BOTOCORE = {"states": "stepfunctions", "tagging": "resourcegroupstaggingapi"}
ALIASES = {"monitoring": "cloudwatch", "stepfunctions": "states", "sfn": "states", "tag": "tagging", "resourcegroupstaggingapi": "tagging", "sagemakerruntime": "sagemaker-runtime"}

session = botocore.session.get_session()


def service_of(headers, path):
    """the service that a request is signed for; None when it is not signed"""
    scope = SCOPE.search(headers.get("Authorization", ""))
    if not scope:
        return None
    name = ALIASES.get(scope[1], scope[1])
    if name == "sagemaker" and INVOCATION.match(path):
        return "sagemaker-runtime"  # signs like the control plane; only the path tells them apart
    return name


@functools.lru_cache(None)
def model(service):
    """botocore's model of a service; None when it knows no such service"""
    try:
        return session.get_service_model(BOTOCORE.get(service, service))
    except Exception:
        return None


def operation_of(service, method, target, headers, body):
    """→ (operation model, path labels); (None, {}) when the request is none that the model knows"""
    known = model(service)
    path, _, query = target.partition("?")
    if found := RPC.match(path):
        return known.operation_model(found[1]), {}
    if action := headers.get("X-Amz-Target"):
        return known.operation_model(action.rsplit(".", 1)[-1]), {}
    if speaks_query(known, headers):
        fields = urllib.parse.parse_qs(body.decode() if body else query)
        return known.operation_model(fields["Action"][0]), {}
    given = dict(urllib.parse.parse_qsl(query, keep_blank_values=True))
    for route in routes(service, method):
        found = route.pattern.fullmatch(path)
        if found and route.fits(given, headers):
            return route.operation, found.groupdict()
    return None, {}


def speaks_query(known, headers):
    """services that left the query protocol for another are still asked in it by older clients"""
    form = headers.get("Content-Type", "").startswith("application/x-www-form-urlencoded")
    return known.metadata["protocol"] in ("query", "ec2") or (form and "query" in known.metadata.get("protocols", ()))


class Route:
    """one operation of a REST service: its path, and what the query and the headers must hold"""

    def __init__(self, operation):
        self.operation = operation
        path, _, query = operation.http["requestUri"].partition("?")
        self.pattern = re.compile(re.sub(r"\\\{(\w+)(\\\+)?\\\}", lambda m: "(?P<%s>%s)" % (m[1], ".+" if m[2] else "[^/]+"), re.escape(path.rstrip("/"))) + "/?")
        self.literals = dict(urllib.parse.parse_qsl(query, keep_blank_values=True))
        self.query, self.headers = [], []
        for name in operation.input_shape.required_members if operation.input_shape else ():
            where = operation.input_shape.members[name].serialization
            if where.get("location") == "querystring":
                self.query.append(where["name"])
            elif where.get("location") == "header":
                self.headers.append(where["name"])
        self.special = len(self.literals) + len(self.query) + len(self.headers)
        self.labels = path.count("{")
        self.greedy = "+}" in path

    def fits(self, given, headers):
        return (
            all(given.get(key) == value for key, value in self.literals.items())
            and all(key in given for key in self.query)
            and all(key in headers for key in self.headers)
        )


@functools.lru_cache(None)
def routes(service, method):
    """the most special first: fixed paths before labels, demanded query members before none"""
    known = model(service)
    found = [Route(known.operation_model(name)) for name in known.operation_names]
    found = [route for route in found if route.operation.http["method"] == method]
    return sorted(found, key=lambda route: (route.greedy, route.labels, -route.special) if service != "s3" else (-route.labels, -route.special))


def parameters(service, operation, labels, target, headers, body):
    """the request's parameters under the names of the model"""
    shape = operation.input_shape
    if shape is None:
        return {}
    path, _, query = target.partition("?")
    if RPC.match(path):
        return renamed(shape, cbor2.loads(body) if body else {})
    if headers.get("X-Amz-Target"):
        return renamed(shape, json.loads(body or b"{}"))
    if speaks_query(model(service), headers):
        fields = dict(urllib.parse.parse_qsl(body.decode() if body else query, keep_blank_values=True))
        return from_query(shape, fields, "")
    return from_rest(shape, labels, query, headers, body)


def from_rest(shape, labels, query, headers, body):
    found, given = {}, urllib.parse.parse_qs(query, keep_blank_values=True)
    is_json = headers.get("Content-Type", "").startswith("application/json") and not shape.serialization.get("payload")
    document = json.loads(body) if body and is_json else {}
    wired = set()
    for name, member in shape.members.items():
        where, wire = member.serialization.get("location"), member.serialization.get("name", name)
        if where == "uri":
            found[name] = scalar(member, urllib.parse.unquote(labels[wire]))
        elif where == "querystring" and wire in given:
            found[name] = given[wire] if member.type_name == "list" else scalar(member, given[wire][0])
        elif where == "header" and wire in headers:
            found[name] = scalar(member, headers[wire])
        elif where is None:
            wired.add(wire)
            if wire in document:
                found[name] = renamed(member, document[wire])
    if payload := shape.serialization.get("payload"):
        member = shape.members[payload]
        found[payload] = renamed(member, json.loads(body)) if member.type_name == "structure" and body else body
    found.update({key: value for key, value in document.items() if key not in wired})
    return found


def renamed(shape, value):
    """members under the model's names instead of those on the wire; unknown ones as they are, for the check to find"""
    if shape.type_name == "structure" and isinstance(value, dict):
        wired = {member.serialization.get("name", name): (name, member) for name, member in shape.members.items()}
        return {wired[key][0] if key in wired else key: renamed(wired[key][1], item) if key in wired else item for key, item in value.items()}
    if shape.type_name == "list" and isinstance(value, list):
        return [renamed(shape.member, item) for item in value]
    if shape.type_name == "map" and isinstance(value, dict):
        return {key: renamed(shape.value, item) for key, item in value.items()}
    return value


def scalar(shape, text):
    try:
        if shape.type_name in ("integer", "long"):
            return int(text)
        if shape.type_name in ("float", "double"):
            return float(text)
    except ValueError:
        return text  # the check reports the wrong type
    return text == "true" if shape.type_name == "boolean" else text


def from_query(shape, fields, prefix):
    """the query protocol writes trees as dotted names: Tags.member.1.Key=…"""
    if shape.type_name == "structure":
        found = {}
        for name, member in shape.members.items():
            key = "%s.%s" % (prefix, member.serialization.get("name", name)) if prefix else member.serialization.get("name", name)
            if key in fields or any(field.startswith(key + ".") for field in fields):
                found[name] = from_query(member, fields, key)
        if not prefix:
            tops = {member.serialization.get("name", name) for name, member in shape.members.items()}
            found.update({field: fields[field] for field in fields if field.split(".")[0] not in tops and field not in ("Action", "Version")})
        return found
    if shape.type_name == "list":
        if fields.get(prefix) == "":
            return []
        inner = prefix if shape.serialization.get("flattened") else "%s.%s" % (prefix, shape.member.serialization.get("name", "member"))
        return [from_query(shape.member, fields, "%s.%d" % (inner, number)) for number in numbers(fields, inner)]
    if shape.type_name == "map":
        inner = prefix if shape.serialization.get("flattened") else prefix + ".entry"
        return {fields["%s.%d.key" % (inner, number)]: from_query(shape.value, fields, "%s.%d.value" % (inner, number)) for number in numbers(fields, inner)}
    return scalar(shape, fields.get(prefix, ""))


def numbers(fields, prefix):
    pattern = re.compile(re.escape(prefix) + r"\.(\d+)(?:\.|$)")
    return sorted({int(found[1]) for field in fields if (found := pattern.match(field))})
