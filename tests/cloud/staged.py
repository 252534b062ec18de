"""For the tests: pictures staged in S3 as SageMaker's image-classification algorithm wants them, and a training job on them."""

import io

import pictures
from running import client
from PIL import Image

ROLE = "arn:aws:iam::123456789012:role/training"
IMAGE = "811284229777.dkr.ecr.us-east-1.amazonaws.com/image-classification:1"
HYPERPARAMETERS = {"num_classes": "2", "num_training_samples": "120", "image_shape": "3,32,32", "num_layers": "20", "epochs": "10"}


def stage(bucket, prefix="data", per_class=60):
    s3 = client("s3")
    s3.create_bucket(Bucket=bucket)
    for split, first, count in (("train", 0, per_class), ("test", pictures.HELD_OUT, per_class // 2)):
        rows = []
        for label, kind in enumerate(pictures.CLASSES):
            for number in range(count):
                name = "%s_s_%06d.png" % (kind, number)
                rows.append("%d\t%d\t%s" % (len(rows), label, name))
                s3.put_object(Bucket=bucket, Key="%s/%s/%s" % (prefix, split, name), Body=png(pictures.draw(kind, first + number)))
        s3.put_object(Bucket=bucket, Key="%s/%s.lst" % (prefix, split), Body="\n".join(rows).encode() + b"\n")


def png(picture):
    out = io.BytesIO()
    Image.fromarray(picture).save(out, "PNG")
    return out.getvalue()


def job(bucket, name="job", prefix="data", **changed):
    """CreateTrainingJob's parameters"""
    where = "s3://%s/%s" % (bucket, prefix)
    channels = {"train": "/train/", "validation": "/test/", "train_lst": "/train.lst", "validation_lst": "/test.lst"}
    source = lambda path: {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": where + path, "S3DataDistributionType": "FullyReplicated"}}  # noqa: E731
    return {
        "TrainingJobName": name,
        "RoleArn": ROLE,
        "AlgorithmSpecification": {"TrainingImage": IMAGE, "TrainingInputMode": "File"},
        "HyperParameters": HYPERPARAMETERS,
        "InputDataConfig": [{"ChannelName": channel, "ContentType": "application/x-image", "DataSource": source(path)} for channel, path in channels.items()],
        "OutputDataConfig": {"S3OutputPath": "s3://%s/models" % bucket},
        "ResourceConfig": {"InstanceType": "ml.p3.2xlarge", "InstanceCount": 1, "VolumeSizeInGB": 30},
        "StoppingCondition": {"MaxRuntimeInSeconds": 3600},
        **changed,
    }
