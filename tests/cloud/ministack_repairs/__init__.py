"""Repairs of MiniStack, one module per service; every function names the gap it fills.

`install` imports them all: importing a module puts its repairs in place. They wrap MiniStack's own functions, so a new version of it may move
them: then the import fails at start, which is the wanted moment.
"""

import functools
import importlib
import json

MODULES = (
    *("iam", "lambda_code", "lambda_config", "lambda_policy"),
    *("stepfunctions", "releases", "paths", "history", "integrations"),
    *("alarms", "cloudwatch", "cloudwatch_query", "dashboards", "events", "logs"),
    *("buckets", "cloudformation", "drift", "enforcement", "local_pages"),
)


def install():
    for name in MODULES:
        importlib.import_module("ministack_repairs." + name)


def around(module, name):
    """decorator: module.name becomes f(original, …), also in the module's dispatch tables"""

    def put(repair):
        original = getattr(module, name)

        @functools.wraps(original)
        def call(*args, **kwargs):
            return repair(original, *args, **kwargs)

        setattr(module, name, call)
        for table in [table for table in vars(module).values() if type(table) is dict]:
            for key, value in list(table.items()):
                if value is original:
                    table[key] = call
        return call

    return put


def changed(response, change):
    """the response with its JSON body passed through `change`; errors stay as they are"""
    status, headers, body = response
    if status >= 300:
        return response
    found = json.loads(body)
    body = json.dumps(change(found) or found).encode()
    headers = {key: value for key, value in headers.items() if key.lower() != "content-length"}
    return status, headers, body


def trusts(role_arn, service):
    """does the role exist, and may the service assume it?"""
    from ministack.services import iam

    role = iam._roles.get(role_arn.rsplit("/", 1)[-1])
    if role is None or role["Arn"] != role_arn:
        return False
    try:
        statements = json.loads(role["AssumeRolePolicyDocument"])["Statement"]
    except (ValueError, KeyError, TypeError):
        return False
    for statement in [statements] if isinstance(statements, dict) else statements:
        principal = statement.get("Principal") or {}
        services = principal.get("Service", []) if isinstance(principal, dict) else [service] if principal == "*" else []
        names = [services] if isinstance(services, str) else services
        if statement.get("Effect") == "Allow" and any(name == service or name.split(".")[0] == service.split(".")[0] for name in names):
            return True
    return False
