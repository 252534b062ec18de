"""IAM: what MiniStack accepts or answers otherwise than AWS."""

import contextvars
import json
import re
import urllib.parse
from xml.sax.saxutils import escape

from ministack.services import iam

from ministack_repairs import around

NAME = re.compile(r"[\w+=,.@-]{1,64}", re.ASCII)
fields = contextvars.ContextVar("fields", default={})


@around(iam, "handle_request")
async def empty_values(original, method, path, headers, body, query_params):
    """Gap: empty form values are dropped, so UpdateRole cannot clear a description."""
    fields.set(urllib.parse.parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True) if body else {})
    return await original(method, path, headers, body, query_params)


@around(iam, "_update_role")
def clear_description(original, given):
    if fields.get().get("Description") == [""]:
        given = {**given, "Description": [""]}
    return original(given)


@around(iam, "_create_role")
def refuse_role(original, given):
    """Gap: names with forbidden characters and trust policies that are no policies are accepted."""
    name = iam._p(given, "RoleName")
    if not NAME.fullmatch(name or ""):
        message = "The specified value for roleName is invalid. It must contain only alphanumeric characters and/or the following: +=,.@_-"
        return iam._error(400, "ValidationError", message, ns="iam")
    return malformed(iam._p(given, "AssumeRolePolicyDocument")) or original(given)


@around(iam, "_update_assume_role_policy")
def refuse_trust(original, given):
    if iam._p(given, "RoleName") in iam._roles:
        return malformed(iam._p(given, "PolicyDocument")) or original(given)
    return original(given)


@around(iam, "_put_role_policy")
def refuse_inline(original, given):
    if iam._p(given, "RoleName") in iam._roles:
        return malformed(iam._p(given, "PolicyDocument")) or original(given)
    return original(given)


def malformed(text):
    """→ the error for a document that is no policy; the language itself is not judged"""
    try:
        policy = json.loads(text)
    except (ValueError, TypeError):
        return iam._error(400, "MalformedPolicyDocument", "This policy contains invalid Json", ns="iam")
    statements = policy.get("Statement") if isinstance(policy, dict) else None
    if isinstance(statements, dict):
        statements = [statements]
    if not isinstance(statements, list) or any(not isinstance(one, dict) or one.get("Effect") not in ("Allow", "Deny") for one in statements):
        return iam._error(400, "MalformedPolicyDocument", "Syntax errors in policy.", ns="iam")
    if policy.get("Version", "2012-10-17") not in ("2012-10-17", "2008-10-17"):
        return iam._error(400, "MalformedPolicyDocument", "The policy must contain a valid version string", ns="iam")
    if any("Action" not in one and "NotAction" not in one for one in statements):
        return iam._error(400, "MalformedPolicyDocument", "Policy statement must contain actions.", ns="iam")
    return None


@around(iam, "_attach_role_policy")
def refuse_missing_policy(original, given):
    """Gap: a customer managed policy that does not exist can be attached."""
    arn = iam._p(given, "PolicyArn") or ""
    if ":iam::aws:policy/" not in arn and arn not in iam._policies:
        return iam._error(404, "NoSuchEntity", "Policy %s does not exist or is not attachable." % arn, ns="iam")
    return original(given)


@around(iam, "_role_xml")
def role_answer(original, name, boundary=True):
    """Gaps: descriptions are not escaped, so one "&" breaks every client's ListRoles. ListRoles returns tags; AWS does
    not (they cost a call per role, which a budget of requests must see)."""
    role = iam._roles[name]
    description = role.get("Description")
    role["Description"] = escape(description or "")
    try:
        text = original(name, boundary=boundary)
    finally:
        role["Description"] = description
    return text if boundary else re.sub(r"<Tags>.*?</Tags>", "", text, flags=re.DOTALL)
