"""Tests of Application Auto Scaling: targets, policies, and what endpoints owe to them."""

import unittest

from running import ARTIFACT, CloudTest, client, control, until

ROLE = "arn:aws:iam::123456789012:role/r"
POLICY = {"TargetValue": 70.0, "PredefinedMetricSpecification": {"PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"}, "ScaleInCooldown": 600, "ScaleOutCooldown": 300}


def about(endpoint, variant="main"):
    return {"ServiceNamespace": "sagemaker", "ResourceId": "endpoint/%s/variant/%s" % (endpoint, variant), "ScalableDimension": "sagemaker:variant:DesiredInstanceCount"}


class Scaling(CloudTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.calls, cls.sagemaker, cls.cloudwatch = client("application-autoscaling"), client("sagemaker"), client("cloudwatch")
        for name in ("m", "n"):
            cls.sagemaker.create_model(ModelName=name, ExecutionRoleArn=ROLE, PrimaryContainer={"Image": "i", "ModelDataUrl": ARTIFACT})
        for name, model, variant, kind in (("one", "m", "main", "ml.m5.large"), ("other-model", "n", "main", "ml.m5.large"), ("other-type", "m", "main", "ml.m5.xlarge"), ("removed", "m", "new", "ml.m5.large")):
            cls.sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[{"VariantName": variant, "ModelName": model, "InstanceType": kind, "InitialInstanceCount": 2}])

    def endpoint(self, name):
        self.sagemaker.create_endpoint(EndpointName=name, EndpointConfigName="one")
        self.settled(name)

    def settled(self, name):
        return until(lambda: self.sagemaker.describe_endpoint(EndpointName=name), lambda one: one["EndpointStatus"] == "InService")

    def test_targets(self):
        self.refused("ValidationException", "does not exist", self.calls.register_scalable_target, **about("none"), MinCapacity=1, MaxCapacity=2)
        self.endpoint("targets")
        self.refused("ValidationException", "required", self.calls.register_scalable_target, **about("targets"), MaxCapacity=2)
        self.refused("ValidationException", "less than minimum", self.calls.register_scalable_target, **about("targets"), MinCapacity=3, MaxCapacity=2)
        self.refused("ObjectNotFoundException", "No scalable target", self.calls.deregister_scalable_target, **about("targets"))
        arn = self.calls.register_scalable_target(**about("targets"), MinCapacity=1, MaxCapacity=4, Tags={"a": "b"})["ScalableTargetARN"]
        self.assertEqual(self.calls.register_scalable_target(**about("targets"), MaxCapacity=5, SuspendedState={"ScheduledScalingSuspended": True})["ScalableTargetARN"], arn)
        found = self.calls.describe_scalable_targets(ServiceNamespace="sagemaker", ResourceIds=["endpoint/targets/variant/main"])["ScalableTargets"][0]
        self.assertEqual((found["MinCapacity"], found["MaxCapacity"], found["ScalableTargetARN"]), (1, 5, arn))
        self.assertEqual(found["SuspendedState"], {"DynamicScalingInSuspended": False, "DynamicScalingOutSuspended": False, "ScheduledScalingSuspended": True})
        self.assertTrue(found["RoleARN"].endswith("AWSServiceRoleForApplicationAutoScaling_SageMakerEndpoint"))
        self.calls.tag_resource(ResourceARN=arn, Tags={"c": "d"})
        self.calls.untag_resource(ResourceARN=arn, TagKeys=["a"])
        self.assertEqual(self.calls.list_tags_for_resource(ResourceARN=arn)["Tags"], {"c": "d"})
        self.calls.deregister_scalable_target(**about("targets"))
        self.assertEqual(self.calls.describe_scalable_targets(ServiceNamespace="sagemaker", ResourceIds=["endpoint/targets/variant/main"])["ScalableTargets"], [])
        self.refused("ResourceNotFoundException", "", self.calls.list_tags_for_resource, ResourceARN=arn)
        self.assertEqual(control("violations"), [])

    def test_policies_and_their_alarms(self):
        self.endpoint("policies")
        given = {**about("policies"), "PolicyName": "p", "PolicyType": "TargetTrackingScaling", "TargetTrackingScalingPolicyConfiguration": POLICY}
        self.refused("ObjectNotFoundException", "No scalable target", self.calls.put_scaling_policy, **given)
        self.calls.register_scalable_target(**about("policies"), MinCapacity=1, MaxCapacity=4)
        made = self.calls.put_scaling_policy(**given)
        self.assertEqual([one["AlarmName"].split("-Alarm")[0] for one in made["Alarms"]], ["TargetTracking-endpoint/policies/variant/main"] * 2)
        alarm = self.cloudwatch.describe_alarms(AlarmNames=[made["Alarms"][0]["AlarmName"]])["MetricAlarms"][0]
        self.assertEqual((alarm["Threshold"], alarm["AlarmActions"]), (70.0, [made["PolicyARN"]]))
        again = self.calls.put_scaling_policy(**{**given, "TargetTrackingScalingPolicyConfiguration": {**POLICY, "TargetValue": 90.0}})
        self.assertEqual((again["PolicyARN"], again["Alarms"]), (made["PolicyARN"], made["Alarms"]))
        found = self.calls.describe_scaling_policies(ServiceNamespace="sagemaker", ResourceId="endpoint/policies/variant/main")["ScalingPolicies"][0]
        self.assertEqual((found["TargetTrackingScalingPolicyConfiguration"]["TargetValue"], found["PolicyType"], found["Alarms"]), (90.0, "TargetTrackingScaling", made["Alarms"]))
        self.calls.delete_scaling_policy(**about("policies"), PolicyName="p")
        self.refused("ObjectNotFoundException", "No scaling policy", self.calls.delete_scaling_policy, **about("policies"), PolicyName="p")
        self.assertEqual(self.cloudwatch.describe_alarms(AlarmNamePrefix="TargetTracking-endpoint/policies")["MetricAlarms"], [])

    def test_scheduled_actions(self):
        self.endpoint("scheduled")
        given = {**about("scheduled"), "ScheduledActionName": "night", "Schedule": "cron(0 22 * * ? *)", "ScalableTargetAction": {"MinCapacity": 1, "MaxCapacity": 1}}
        self.refused("ObjectNotFoundException", "No scalable target", self.calls.put_scheduled_action, **given)
        self.calls.register_scalable_target(**about("scheduled"), MinCapacity=1, MaxCapacity=4)
        self.calls.put_scheduled_action(**given)
        self.calls.put_scheduled_action(**about("scheduled"), ScheduledActionName="night", Timezone="Europe/Berlin")
        listed = lambda: [one for one in self.calls.describe_scheduled_actions(ServiceNamespace="sagemaker")["ScheduledActions"] if "/scheduled/" in one["ResourceId"]]  # noqa: E731
        found = listed()[0]
        self.assertEqual((found["Schedule"], found["Timezone"], found["ScalableTargetAction"]["MaxCapacity"]), (given["Schedule"], "Europe/Berlin", 1))
        self.calls.delete_scheduled_action(**about("scheduled"), ScheduledActionName="night")
        self.refused("ObjectNotFoundException", "No scheduled action", self.calls.delete_scheduled_action, **about("scheduled"), ScheduledActionName="night")
        self.calls.put_scheduled_action(**given)
        self.calls.deregister_scalable_target(**about("scheduled"))
        self.assertEqual(listed(), [])

    def test_updates_and_deletion_of_a_scaled_endpoint(self):
        self.endpoint("scaled")
        self.calls.register_scalable_target(**about("scaled"), MinCapacity=1, MaxCapacity=4)
        self.calls.put_scaling_policy(**about("scaled"), PolicyName="p", PolicyType="TargetTrackingScaling", TargetTrackingScalingPolicyConfiguration=POLICY)
        for config in ("other-type", "removed"):
            self.refused("ValidationException", 'The variant(s) "[main]" must be deregistered as scalable target', self.sagemaker.update_endpoint, EndpointName="scaled", EndpointConfigName=config)
        self.sagemaker.update_endpoint(EndpointName="scaled", EndpointConfigName="other-model")
        self.assertEqual(self.settled("scaled")["EndpointConfigName"], "other-model")
        self.sagemaker.delete_endpoint(EndpointName="scaled")
        self.assertEqual([one for one in self.calls.describe_scalable_targets(ServiceNamespace="sagemaker")["ScalableTargets"] if "/scaled/" in one["ResourceId"]], [])
        self.assertEqual(self.cloudwatch.describe_alarms(AlarmNamePrefix="TargetTracking-endpoint/scaled")["MetricAlarms"], [])


if __name__ == "__main__":
    unittest.main()
