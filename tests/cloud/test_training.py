"""Tests of training jobs: the pictures in S3 become a model that serves."""

import time
import unittest

import classifier
import hyperparameters
import pictures
from running import CloudTest, client, control, until
from staged import HYPERPARAMETERS, job, stage

ENDED = lambda answer: answer["TrainingJobStatus"] not in ("InProgress", "Stopping")  # noqa: E731


class Training(CloudTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.sagemaker, cls.s3 = client("sagemaker"), client("s3")
        stage("training")

    def ended(self, name):
        return until(lambda: self.sagemaker.describe_training_job(TrainingJobName=name), ENDED, 30)

    def test_pictures_become_a_model(self):
        self.sagemaker.create_training_job(**job("training", "real"), Tags=[{"Key": "a", "Value": "b"}])
        first = self.sagemaker.describe_training_job(TrainingJobName="real")
        self.assertEqual((first["TrainingJobStatus"], first["SecondaryStatus"], "TrainingEndTime" in first), ("InProgress", "Starting", False))
        self.refused("ResourceInUse", "must be unique", self.sagemaker.create_training_job, **job("training", "real"))
        begin = time.monotonic()
        found = self.ended("real")
        self.assertLess(time.monotonic() - begin, 10)
        self.assertEqual((found["TrainingJobStatus"], found["SecondaryStatus"]), ("Completed", "Completed"), found)
        self.assertEqual([one["Status"] for one in found["SecondaryStatusTransitions"]], ["Starting", "Downloading", "Training", "Uploading", "Completed"])
        self.assertLess(found["TrainingStartTime"], found["TrainingEndTime"])
        metrics = {one["MetricName"]: one["Value"] for one in found["FinalMetricDataList"]}
        self.assertEqual(set(metrics), {"train:accuracy", "validation:accuracy"})
        self.assertGreater(metrics["validation:accuracy"], 0.85)
        self.assertEqual(found["ModelArtifacts"]["S3ModelArtifacts"], "s3://training/models/real/output/model.tar.gz")
        artifact = self.s3.get_object(Bucket="training", Key="models/real/output/model.tar.gz")["Body"].read()
        model, right = classifier.load(artifact), 0
        for index, kind in enumerate(pictures.CLASSES):
            right += sum(model(pictures.draw(kind, pictures.HELD_OUT + number))[index] > 0.5 for number in range(30))
        self.assertAlmostEqual(right / 60, metrics["validation:accuracy"], 5)
        self.assertEqual([one["TrainingJobName"] for one in self.sagemaker.list_training_jobs(NameContains="rea", StatusEquals="Completed")["TrainingJobSummaries"]], ["real"])
        self.assertEqual(self.sagemaker.list_tags(ResourceArn=found["TrainingJobArn"])["Tags"], [{"Key": "a", "Value": "b"}])
        self.refused("ValidationException", "in status Completed", self.sagemaker.stop_training_job, TrainingJobName="real")
        self.refused("ValidationException", "not found", self.sagemaker.describe_training_job, TrainingJobName="none")

    def test_other_labels_give_another_model(self):
        """the model is what the data says: swapped labels, swapped answers"""
        rows = self.s3.get_object(Bucket="training", Key="data/train.lst")["Body"].read().decode().splitlines()
        swapped = ["%s\t%d\t%s" % (row.split("\t")[0], 1 - int(row.split("\t")[1]), row.split("\t")[2]) for row in rows]
        self.s3.put_object(Bucket="training", Key="swapped.lst", Body="\n".join(swapped).encode())
        given = job("training", "swapped")
        given["InputDataConfig"][2]["DataSource"]["S3DataSource"]["S3Uri"] = "s3://training/swapped.lst"
        self.sagemaker.create_training_job(**given)
        metrics = {one["MetricName"]: one["Value"] for one in self.ended("swapped")["FinalMetricDataList"]}
        self.assertGreater(metrics["train:accuracy"], 0.85)
        self.assertLess(metrics["validation:accuracy"], 0.15)

    def test_what_is_wrong_fails_with_a_reason(self):
        self.s3.put_object(Bucket="training", Key="broken.lst", Body=b"0 1 no-tabs.png\n")
        self.s3.put_object(Bucket="training", Key="gone.lst", Body=b"0\t1\tgone.png\n")
        wrong = {
            "prefix": ({"prefix": "none"}, None, "No S3 objects found under S3 URL \"s3://training/none/train.lst\""),
            "lines": ({}, "s3://training/broken.lst", "separated by tabs"),
            "gone": ({}, "s3://training/gone.lst", "gone.png"),
            "unknown": ({"HyperParameters": {**HYPERPARAMETERS, "epoch": "3"}}, None, "'epoch' was unexpected"),
            "missing": ({"HyperParameters": {"num_classes": "2"}}, None, "'num_training_samples' is a required property"),
            "channel": ({"InputDataConfig": job("training")["InputDataConfig"][:3]}, None, "'validation_lst' is a required property"),
        }
        for name, (changed, rows, _) in wrong.items():
            given = job("training", name, **changed)
            if rows:
                given["InputDataConfig"][2]["DataSource"]["S3DataSource"]["S3Uri"] = rows
            self.sagemaker.create_training_job(**given)
        for name, (_, _, reason) in wrong.items():
            with self.subTest(name):
                found = self.ended(name)
                self.assertEqual((found["TrainingJobStatus"], found["SecondaryStatus"]), ("Failed", "Failed"))
                self.assertIn(reason, found["FailureReason"])
                self.assertTrue(found["FailureReason"].startswith("ClientError: "))
                self.assertFalse({"ModelArtifacts", "FinalMetricDataList"} & set(found))
        self.assertEqual(control("violations"), [])

    def test_stopping_and_running_too_long(self):
        self.sagemaker.create_training_job(**job("training", "stopped"))
        self.sagemaker.stop_training_job(TrainingJobName="stopped")
        self.assertEqual(self.ended("stopped")["TrainingJobStatus"], "Stopped")
        self.sagemaker.delete_training_job(TrainingJobName="stopped")
        self.refused("ValidationException", "not found", self.sagemaker.describe_training_job, TrainingJobName="stopped")


class Hyperparameters(unittest.TestCase):
    def test_the_algorithms_rules(self):
        self.assertIsNone(hyperparameters.problem(HYPERPARAMETERS))
        for changed, text in (({"optimizer": "sdg"}, "one of"), ({"learning_rate": "2"}, "between"), ({"epochs": "0"}, "at least 1"), ({"image_shape": "32x32"}, "of the form"), ({"resize": "16"}, "smaller"),
                              ({"num_layers": "21"}, "one of"), ({"num_classes": "two"}, "not an integer"), ({"checkpoint_frequency": "11"}, "larger than epochs")):
            self.assertIn(text, hyperparameters.problem({**HYPERPARAMETERS, **changed}) or "", changed)


if __name__ == "__main__":
    unittest.main()
