"""The Resource Groups Tagging API over both emulators: GetResources, GetTagKeys, GetTagValues from live tags.

Each emulator's process shows the tags of all its resources (GET /__local__/tags); here they are merged, filtered and paged. As on AWS, IAM
roles are not among them. (Unlike on AWS, a tag is found as soon as it is written.) Tagging through this API is left to MiniStack.
"""

import asyncio
import json
import uuid

PAGE = 100  # the most that AWS returns
SIGNED = {"Authorization": "AWS4-HMAC-SHA256 Credential=local/20260101/us-east-1/tagging/aws4_request, SignedHeaders=host, Signature=00"}


class Refused(Exception):
    pass


async def handle(gateway, headers, body):
    """→ (status, headers, body); None for an operation that MiniStack answers"""
    name = headers.get("X-Amz-Target", "").rsplit(".", 1)[-1]
    operation = {"GetResources": get_resources, "GetTagKeys": get_tag_keys, "GetTagValues": get_tag_values}.get(name)
    if operation is None:
        return None
    status, answer = 200, None
    try:
        answer = operation(json.loads(body or b"{}"), await everything(gateway))
    except Refused as refused:
        status, answer = 400, {"__type": str(refused.args[0]), "message": str(refused.args[1])}
    return status, {"Content-Type": "application/x-amz-json-1.1", "x-amzn-requestid": str(uuid.uuid4())}, json.dumps(answer).encode()


async def everything(gateway):
    """→ {ARN: {key: value}}, in order of ARN"""

    async def ask(upstream):
        async with gateway.client.get(gateway.upstreams[upstream] + "/__local__/tags", headers=SIGNED) as answer:
            answer.raise_for_status()
            return json.loads(await answer.read())

    first, second = await asyncio.gather(ask("ministack"), ask("sagemaker"))
    return dict(sorted({**first, **second}.items()))


def get_resources(given, tags):
    arns = given.get("ResourceARNList")
    if arns and any(given.get(member) for member in ("TagFilters", "ResourceTypeFilters", "ResourcesPerPage", "TagsPerPage", "PaginationToken")):
        raise Refused("InvalidParameterException", "ResourceARNList cannot be combined with TagFilters, ResourceTypeFilters or pagination")
    found = [
        {"ResourceARN": arn, "Tags": [{"Key": key, "Value": value} for key, value in held.items()]}
        for arn, held in tags.items()
        if held
        and (not arns or arn in arns)
        and all(matches(held, one) for one in given.get("TagFilters") or ())
        and (not given.get("ResourceTypeFilters") or any(is_of(arn, kind) for kind in given["ResourceTypeFilters"]))
    ]
    start, size = token(given.get("PaginationToken")), given.get("ResourcesPerPage") or PAGE
    if not 1 <= size <= PAGE:
        raise Refused("InvalidParameterException", "ResourcesPerPage must be between 1 and 100")
    more = start + size < len(found)
    return {"PaginationToken": str(start + size) if more else "", "ResourceTagMappingList": found[start : start + size]}


def token(text):
    if not text:
        return 0
    if not text.isdigit():
        raise Refused("PaginationTokenExpiredException", "The PaginationToken has expired or is invalid")
    return int(text)


def matches(held, wanted):
    if not wanted.get("Key"):
        raise Refused("InvalidParameterException", "The TagKey cannot be empty")
    return wanted["Key"] in held and (not wanted.get("Values") or held[wanted["Key"]] in wanted["Values"])


def is_of(arn, kind):
    """`lambda`, `lambda:function`, `sagemaker:endpoint`, `s3`, `sns`"""
    service, _, resource = kind.partition(":")
    _, _, owner, _, _, rest = arn.split(":", 5)
    return owner == service and (not resource or kind_of(owner, rest) == resource)


def kind_of(service, rest):
    if service == "s3":
        return "bucket"
    if service == "sns":
        return "topic"
    return rest.replace("/", ":").split(":", 1)[0]


def get_tag_keys(given, tags):
    return {"PaginationToken": "", "TagKeys": sorted({key for held in tags.values() for key in held})}


def get_tag_values(given, tags):
    return {"PaginationToken": "", "TagValues": sorted({held[given["Key"]] for held in tags.values() if given["Key"] in held})}
