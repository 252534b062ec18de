"""StopTrainingJob, which moto lacks. Its training jobs are Completed as soon as they are created, and nothing is trained."""

from moto.sagemaker.models import sagemaker_backends

from local_sagemaker import store


def stop_training_job(given):
    backend = sagemaker_backends[store.ACCOUNT][store.REGION]
    job = backend.training_jobs.get(given["TrainingJobName"])
    if job is None:
        raise store.ValidationError("Requested resource not found.")
    raise store.ValidationError("The request was rejected because the training job is in status %s." % job.training_job_status)


OPERATIONS = {"StopTrainingJob": stop_training_job}
