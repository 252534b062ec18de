"""Names every request and reports what AWS would refuse: botocore's model first, then the rules that it lacks."""

import rules
import shapes
import wire

UNCHECKED = ("s3",)  # rest-xml: only the rules look at it


def inspect(service, method, target, headers, body):
    """→ (operation's name, its parameters, [violation])"""
    if wire.model(service) is None:
        return "%s %s" % (method, target.partition("?")[0]), {}, ["no service of this name: %s" % service]
    try:
        operation, labels = wire.operation_of(service, method, target, headers, body)
    except Exception as error:
        return "%s %s" % (method, target.partition("?")[0]), {}, ["not understood: %s: %s" % (type(error).__name__, error)]
    if operation is None:
        return "%s %s" % (method, target.partition("?")[0]), {}, ["no operation of the model matches"]
    given, found = {}, []
    try:
        given = wire.parameters(service, operation, labels, target, headers, body if service not in UNCHECKED else b"")
        if service not in UNCHECKED and operation.input_shape:
            shapes.check(operation.input_shape, given, operation.name, found)
        rules.check(service, operation.name, given, found)
    except Exception as error:
        found.append("not understood: %s: %s" % (type(error).__name__, error))
    return operation.name, given, found
