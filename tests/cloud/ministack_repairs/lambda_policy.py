"""Lambda: a resource policy per qualifier.

Gaps: MiniStack keeps one policy per function. GetPolicy without a qualifier shows the statements of every alias, a statement id of one alias
is refused on another, a policy without statements is an empty document instead of ResourceNotFoundException, and statements outlive their alias.
"""

from ministack.core.responses import error_response_json
from ministack.services import lambda_svc as svc

from ministack_repairs import around


def apart(name, qualifier, work):
    """runs `work` while the function's policy holds only the statements of this qualifier"""
    policy, resource = svc._functions[name]["policy"], svc._policy_resource_arn(name, qualifier)
    others = [one for one in policy["Statement"] if one["Resource"] != resource]
    policy["Statement"] = [one for one in policy["Statement"] if one["Resource"] == resource]
    try:
        return work(policy)
    finally:
        if name in svc._functions:
            policy["Statement"] += others


@around(svc, "_add_permission")
def add(original, name, data, query_params=None, path_qualifier=None):
    if name not in svc._functions:
        return original(name, data, query_params, path_qualifier)
    qualifier = svc._qualifier_from_path_or_query(path_qualifier, query_params)
    return apart(name, qualifier, lambda policy: original(name, data, query_params, path_qualifier))


@around(svc, "_remove_permission")
def remove(original, name, sid, query_params, path_qualifier=None):
    if name not in svc._functions:
        return original(name, sid, query_params, path_qualifier)
    qualifier = svc._qualifier_from_path_or_query(path_qualifier, query_params)
    return apart(name, qualifier, lambda policy: original(name, sid, query_params, path_qualifier))


@around(svc, "_get_policy")
def get(original, name, query_params=None, path_qualifier=None):
    if name not in svc._functions:
        return original(name, query_params, path_qualifier)
    qualifier = svc._qualifier_from_path_or_query(path_qualifier, query_params)

    def read(policy):
        if not policy["Statement"]:
            return error_response_json("ResourceNotFoundException", "The resource you requested does not exist.", 404)
        return original(name, query_params, path_qualifier)

    return apart(name, qualifier, read)


def forget(name, qualifier):
    policy = svc._functions[name]["policy"]
    policy["Statement"] = [one for one in policy["Statement"] if one["Resource"] != svc._policy_resource_arn(name, qualifier)]


@around(svc, "_delete_alias")
def alias_deleted(original, name, alias):
    response = original(name, alias)
    if response[0] == 204:
        forget(name, alias)
    return response


@around(svc, "_delete_function")
def version_deleted(original, name, query_params, path_qualifier=None):
    response = original(name, query_params, path_qualifier)
    if response[0] == 204 and name in svc._functions:
        forget(name, svc._qualifier_from_path_or_query(path_qualifier, query_params))
    return response
