"""The SageMaker kinds that the deployer manages, over moto.

Each module has a table OPERATIONS: {operation: function(parameters) → answer}. `install` puts them in the place of moto's.
"""

import json
import re

from local_sagemaker import configs, endpoints, models, monitoring, tags, training

MODULES = (models, configs, endpoints, monitoring, tags, training)


def install():
    from moto.core.responses import ActionResult
    from moto.sagemaker.responses import SageMakerResponse

    def method(function):
        def respond(self):
            return ActionResult(function(json.loads(self.body or "{}")) or {})

        return respond

    for module in MODULES:
        for name, function in module.OPERATIONS.items():
            setattr(SageMakerResponse, re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower(), method(function))
