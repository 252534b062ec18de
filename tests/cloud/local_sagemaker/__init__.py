"""The SageMaker kinds that the deployer manages, written anew: dispatch.py answers for them before moto sees a request."""
