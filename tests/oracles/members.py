"""Prints the members of answers by their paths, as botocore's service models have them.

    members.py lambda:GetFunction iam:GetRole …     → {"lambda:GetFunction": ["Configuration.FunctionName", …], …}

Operations are named as in IAM's actions. Names are joined by dots; lists and maps are passed through; only the deepest members are printed.
"""

import json
import sys

from botocore.loaders import Loader
from botocore.model import ServiceModel

MODELS = {"states": "stepfunctions"}  # where IAM and botocore name a service differently


def leaves(shape, path, above):
    if shape.type_name == "structure" and shape.members and shape.name not in above:
        for name, member in shape.members.items():
            yield from leaves(member, path + [name], above | {shape.name})
    elif shape.type_name == "list":
        yield from leaves(shape.member, path, above)
    elif shape.type_name == "map":
        yield from leaves(shape.value, path, above)
    else:
        yield ".".join(path)


def main(actions):
    loader, models, found = Loader(), {}, {}
    for action in actions:
        service, operation = action.split(":")
        if service not in models:
            models[service] = ServiceModel(loader.load_service_model(MODELS.get(service, service), "service-2"))
        found[action] = list(leaves(models[service].operation_model(operation).output_shape, [], frozenset()))
    json.dump(found, sys.stdout)


main(sys.argv[1:])
