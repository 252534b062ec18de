"""Tests of the model registry: groups, versions, approval, and endpoints that serve a version."""

import json
import unittest

from running import ARTIFACT, CloudTest, client, cloud, control, until

ROLE = "arn:aws:iam::123456789012:role/r"
INFERENCE = {"Containers": [{"Image": "i:1", "ModelDataUrl": ARTIFACT}], "SupportedContentTypes": ["image/png"], "SupportedResponseMIMETypes": ["application/json"]}
METRICS = {"ModelQuality": {"Statistics": {"ContentType": "application/json", "S3Uri": "s3://scones-local-models/evaluation.json"}}}
DRIFT = {"ModelDataQuality": {"Statistics": {"ContentType": "application/json", "S3Uri": "s3://scones-local-models/baseline.json"}}}


class Registry(CloudTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.calls = client("sagemaker")

    def group(self, name):
        return self.calls.create_model_package_group(ModelPackageGroupName=name, ModelPackageGroupDescription="d", Tags=[{"Key": "a", "Value": "b"}])["ModelPackageGroupArn"]

    def package(self, group, **more):
        return self.calls.create_model_package(ModelPackageGroupName=group, InferenceSpecification=INFERENCE, **more)["ModelPackageArn"]

    def test_groups(self):
        arn = self.group("Groups")
        self.assertTrue(arn.endswith(":model-package-group/groups"), arn)
        self.refused("ValidationException", "already exists", self.calls.create_model_package_group, ModelPackageGroupName="Groups")
        found = self.calls.describe_model_package_group(ModelPackageGroupName=arn.replace("groups", "Groups"))
        self.assertEqual((found["ModelPackageGroupDescription"], found["ModelPackageGroupStatus"], "versions" in found), ("d", "Completed", False))
        self.calls.add_tags(ResourceArn=arn, Tags=[{"Key": "c", "Value": "d"}])
        self.assertEqual([one["Key"] for one in self.calls.list_tags(ResourceArn=arn)["Tags"]], ["a", "c"])
        self.assertEqual([one["ModelPackageGroupName"] for one in self.calls.list_model_package_groups(NameContains="group")["ModelPackageGroupSummaryList"]], ["Groups"])
        mapped = client("resourcegroupstaggingapi").get_resources(ResourceTypeFilters=["sagemaker:model-package-group"])["ResourceTagMappingList"]
        self.assertIn(arn, [one["ResourceARN"] for one in mapped])
        package = self.package("Groups")
        self.refused("ConflictException", "still contains", self.calls.delete_model_package_group, ModelPackageGroupName="Groups")
        self.calls.delete_model_package(ModelPackageName=package)
        self.calls.delete_model_package_group(ModelPackageGroupName="Groups")
        self.refused("ValidationException", "does not exist", self.calls.describe_model_package_group, ModelPackageGroupName="Groups")
        self.refused("ValidationException", "does not exist", self.calls.delete_model_package_group, ModelPackageGroupName="Groups")

    def test_policies_of_groups(self):
        about = {"ModelPackageGroupName": "shared"}
        self.refused("ValidationException", "Cannot find Model Package Group", self.calls.get_model_package_group_policy, **about)
        self.group("shared")
        self.refused("ValidationException", "Cannot find resource policy", self.calls.get_model_package_group_policy, **about)
        self.refused("ValidationException", "Invalid resource policy", self.calls.put_model_package_group_policy, **about, ResourcePolicy="no JSON")
        self.calls.put_model_package_group_policy(**about, ResourcePolicy='{"Version": "2012-10-17"}')
        self.assertEqual(self.calls.get_model_package_group_policy(**about)["ResourcePolicy"], '{"Version": "2012-10-17"}')
        self.assertNotIn("policy", self.calls.describe_model_package_group(**about))
        self.calls.delete_model_package_group_policy(**about)
        self.refused("ValidationException", "Cannot find resource policy", self.calls.delete_model_package_group_policy, **about)
        self.calls.delete_model_package_group(**about)

    def test_versions_are_kept_whole_and_listed(self):
        self.group("versions")
        self.refused("ValidationException", "does not exist", self.package, group="none")
        first = self.package("versions", ModelApprovalStatus="Approved", ModelMetrics=METRICS, DriftCheckBaselines=DRIFT, CustomerMetadataProperties={"job": "x"})
        second, third = self.package("versions"), self.package("versions", ModelApprovalStatus="Approved")
        self.assertEqual([arn.rsplit("/", 1)[1] for arn in (first, second, third)], ["1", "2", "3"])
        found = self.calls.describe_model_package(ModelPackageName=first)
        self.assertEqual((found["ModelMetrics"], found["DriftCheckBaselines"], found["InferenceSpecification"], found["CustomerMetadataProperties"]), (METRICS, DRIFT, INFERENCE, {"job": "x"}))
        self.assertEqual((found["ModelPackageGroupName"], found["ModelPackageVersion"], found["ModelPackageStatus"], "ModelPackageName" in found), ("versions", 1, "Completed", False))
        self.assertEqual(self.calls.describe_model_package(ModelPackageName=second)["ModelApprovalStatus"], "PendingManualApproval")
        listed = lambda **given: [one["ModelPackageVersion"] for one in self.calls.list_model_packages(ModelPackageGroupName="versions", **given)["ModelPackageSummaryList"]]  # noqa: E731
        self.assertEqual((listed(), listed(SortBy="CreationTime", SortOrder="Descending")), ([1, 2, 3], [3, 2, 1]))
        newest = {"ModelApprovalStatus": "Approved", "SortBy": "CreationTime", "SortOrder": "Descending", "MaxResults": 1}
        self.assertEqual(listed(**newest), [3])
        self.calls.update_model_package(ModelPackageArn=third, ModelApprovalStatus="Rejected", ApprovalDescription="drifts", CustomerMetadataProperties={"by": "me"})
        found = self.calls.describe_model_package(ModelPackageName=third)
        self.assertEqual((found["ModelApprovalStatus"], found["ApprovalDescription"], found["CustomerMetadataProperties"], "LastModifiedTime" in found), ("Rejected", "drifts", {"by": "me"}, True))
        self.assertEqual(listed(**newest), [1])
        self.calls.delete_model_package(ModelPackageName=third)
        self.refused("ValidationException", "does not exist", self.calls.describe_model_package, ModelPackageName=third)
        self.assertTrue(self.package("versions").endswith("/4"))
        self.refused("ValidationException", "does not exist", self.calls.list_model_packages, ModelPackageGroupName="none")
        self.refused("ValidationException", "Tags", self.package, group="versions", Tags=[{"Key": "a", "Value": "b"}])

    def test_an_approved_version_serves_and_outlives_its_package(self):
        self.group("serving")
        arn = self.package("serving")
        model = {"ModelName": "from-package", "ExecutionRoleArn": ROLE, "PrimaryContainer": {"ModelPackageName": arn}}
        self.refused("ValidationException", "PendingManualApproval", self.calls.create_model, **model)
        self.refused("ValidationException", "does not exist", self.calls.create_model, **{**model, "PrimaryContainer": {"ModelPackageName": arn + "9"}})
        self.calls.update_model_package(ModelPackageArn=arn, ModelApprovalStatus="Approved")
        self.calls.create_model(**model)
        self.assertEqual(self.calls.describe_model(ModelName="from-package")["PrimaryContainer"], {"ModelPackageName": arn})
        self.calls.create_model(ModelName="listed", ExecutionRoleArn=ROLE, Containers=[{"ModelPackageName": arn}])
        self.calls.delete_model_package(ModelPackageName=arn)
        variants = [{"VariantName": name, "ModelName": model, "InstanceType": "ml.m5.large", "InitialInstanceCount": 1} for name, model in (("a", "from-package"), ("b", "listed"))]
        self.calls.create_endpoint_config(EndpointConfigName="from-package", ProductionVariants=variants)
        self.calls.create_endpoint(EndpointName="from-package", EndpointConfigName="from-package")
        until(lambda: self.calls.describe_endpoint(EndpointName="from-package"), lambda one: one["EndpointStatus"] == "InService")
        picture = (cloud()["folder"] / "pictures" / "bicycle-1.png").read_bytes()
        for variant in ("a", "b"):
            answer = client("sagemaker-runtime").invoke_endpoint(EndpointName="from-package", TargetVariant=variant, ContentType="image/png", Body=picture)
            self.assertGreater(json.loads(answer["Body"].read())[0], 0.93)
        self.assertEqual(control("violations"), [])

    def test_missing_data_is_found_when_the_model_is_made(self):
        self.group("missing")
        broken = {**INFERENCE, "Containers": [{"Image": "i:1", "ModelDataUrl": "s3://scones-local-models/none.tar.gz"}]}
        arn = self.calls.create_model_package(ModelPackageGroupName="missing", InferenceSpecification=broken, ModelApprovalStatus="Approved")["ModelPackageArn"]
        self.refused("ValidationException", "Could not access model data", self.calls.create_model, ModelName="missing", ExecutionRoleArn=ROLE, PrimaryContainer={"ModelPackageName": arn})


if __name__ == "__main__":
    unittest.main()
