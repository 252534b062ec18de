"""Lambda: configuration as AWS answers it, and the role that must be assumable."""

from ministack.core.responses import error_response_json, json_response
from ministack.services import lambda_svc as svc

from ministack_repairs import around, changed, trusts
from ministack_repairs.lambda_code import still_active


def normal(name, config):
    """Gaps: a partial LoggingConfig is kept as given, without AWS's defaults; an emptied Environment stays as an empty map."""
    logging = dict(config.get("LoggingConfig") or {})
    logging.setdefault("LogFormat", "Text")
    logging.setdefault("LogGroup", "/aws/lambda/" + name)
    if logging["LogFormat"] == "JSON":
        logging.setdefault("ApplicationLogLevel", "INFO")
        logging.setdefault("SystemLogLevel", "INFO")
    config["LoggingConfig"] = logging
    if not (config.get("Environment") or {}).get("Variables"):
        config.pop("Environment", None)
    return config


def unassumable(role):
    """Gap: any well-formed role ARN is accepted."""
    if role and not trusts(role, "lambda.amazonaws.com"):
        return error_response_json("InvalidParameterValueException", "The role defined for the function cannot be assumed by Lambda.", 400)
    return None


def out_of_range(data):
    """Gap: memory, timeout and storage outside their limits are accepted."""
    storage = (data.get("EphemeralStorage") or {}).get("Size")
    for member, value, low, high in (("memorySize", data.get("MemorySize"), 128, 10240), ("timeout", data.get("Timeout"), 1, 900), ("ephemeralStorage.size", storage, 512, 10240)):
        if value is not None and not low <= value <= high:
            side, limit = ("greater", low) if value < low else ("less", high)
            message = "1 validation error detected: Value '%s' at '%s' failed to satisfy constraint: Member must have value %s than or equal to %d" % (value, member, side, limit)
            return error_response_json("InvalidParameterValueException", message, 400)
    return None


@around(svc, "_build_config")
def built(original, name, data, code_zip=None):
    return normal(name, original(name, data, code_zip))


@around(svc, "_create_function")
def created(original, data):
    return (data.get("FunctionName") not in svc._functions and (out_of_range(data) or unassumable(data.get("Role")))) or original(data)


@around(svc, "_update_config")
def updated(original, name, data):
    if name not in svc._functions:
        return original(name, data)
    refused = out_of_range(data) or unassumable(data.get("Role"))
    if refused:
        return refused
    response = original(name, data)
    if response[0] != 200:
        return response
    config = normal(name, svc._functions[name]["config"])
    still_active(config)
    return json_response(config)


@around(svc, "_get_function")
def tags_only_when_any(original, name, qualifier=None):
    """Gap: GetFunction of an untagged function has an empty Tags member."""
    return changed(original(name, qualifier), lambda answer: None if answer.get("Tags") else answer.pop("Tags", None) and None)
