"""Tests of versions and aliases: which of them runs, and what goes with a state machine."""

import json
import unittest

from running import CloudTest, client, package, until


def says(word):
    return json.dumps({"StartAt": "Wait", "States": {"Wait": {"Type": "Wait", "Seconds": 1, "Next": "Say"}, "Say": {"Type": "Pass", "Result": word, "End": True}}})


class Releases(CloudTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.calls = client("stepfunctions")
        cls.role_arn = cls().role("releases")

    def machine(self, name):
        arn = self.calls.create_state_machine(name=name, definition=says("one"), roleArn=self.role_arn, tracingConfiguration={"enabled": True})["stateMachineArn"]
        return arn, self.calls.publish_state_machine_version(stateMachineArn=arn)["stateMachineVersionArn"]

    def second(self, arn):
        revision = self.calls.update_state_machine(stateMachineArn=arn, definition=says("two"), tracingConfiguration={"enabled": False})["revisionId"]
        return self.calls.publish_state_machine_version(stateMachineArn=arn, revisionId=revision)["stateMachineVersionArn"]

    def done(self, execution):
        return until(lambda: self.calls.describe_execution(executionArn=execution), lambda one: one["status"] != "RUNNING", 20)

    def test_an_execution_keeps_the_version_that_it_began_with(self):
        arn, one = self.machine("kept")
        alias = self.calls.create_state_machine_alias(name="live", routingConfiguration=[{"stateMachineVersionArn": one, "weight": 100}])["stateMachineAliasArn"]
        begun = self.calls.start_execution(stateMachineArn=alias)["executionArn"]
        unqualified = self.calls.start_execution(stateMachineArn=arn)["executionArn"]
        two = self.second(arn)
        by_alias = self.calls.start_execution(stateMachineArn=alias)["executionArn"]
        by_version = self.calls.start_execution(stateMachineArn=two)["executionArn"]
        found = [self.done(execution) for execution in (begun, unqualified, by_alias, by_version)]
        self.assertEqual([json.loads(one["output"]) for one in found], ["one", "one", "one", "two"])
        self.assertEqual([(one.get("stateMachineVersionArn"), one.get("stateMachineAliasArn")) for one in found], [(one, alias), (None, None), (one, alias), (two, None)])

    def test_weights_decide_by_chance(self):
        arn, one = self.machine("weighted")
        two = self.second(arn)
        routing = [{"stateMachineVersionArn": one, "weight": 50}, {"stateMachineVersionArn": two, "weight": 50}]
        alias = self.calls.create_state_machine_alias(name="live", routingConfiguration=routing)["stateMachineAliasArn"]
        started = [self.calls.start_execution(stateMachineArn=alias)["executionArn"] for _ in range(40)]
        self.assertEqual({self.calls.describe_execution(executionArn=one)["stateMachineVersionArn"] for one in started}, {one, two})
        self.calls.update_state_machine_alias(stateMachineAliasArn=alias, routingConfiguration=[{"stateMachineVersionArn": one, "weight": 0}, {"stateMachineVersionArn": two, "weight": 100}])
        started = [self.calls.start_execution(stateMachineArn=alias)["executionArn"] for _ in range(10)]
        self.assertEqual({self.calls.describe_execution(executionArn=one)["stateMachineVersionArn"] for one in started}, {two})

    def test_versions_are_published_once_and_go_with_their_machine(self):
        arn, one = self.machine("once")
        self.assertEqual(self.calls.publish_state_machine_version(stateMachineArn=arn)["stateMachineVersionArn"], one)
        two = self.second(arn)
        self.assertEqual([self.calls.describe_state_machine(stateMachineArn=version)["tracingConfiguration"]["enabled"] for version in (one, two)], [True, False])
        routing = [{"stateMachineVersionArn": one, "weight": 100}]
        alias = self.calls.create_state_machine_alias(name="live", routingConfiguration=routing)["stateMachineAliasArn"]
        self.assertEqual(self.calls.create_state_machine_alias(name="live", routingConfiguration=routing)["stateMachineAliasArn"], alias)
        self.refused("ConflictException", "", self.calls.create_state_machine_alias, name="live", routingConfiguration=[{"stateMachineVersionArn": two, "weight": 100}])
        self.refused("ConflictException", "", self.calls.delete_state_machine_version, stateMachineVersionArn=one)
        self.refused("ConflictException", "", self.calls.publish_state_machine_version, stateMachineArn=arn, revisionId="another")
        self.refused("ResourceNotFound", "", self.calls.delete_state_machine_alias, stateMachineAliasArn=arn + ":other")
        self.calls.delete_state_machine(stateMachineArn=arn)
        self.refused("ResourceNotFound", "", self.calls.describe_state_machine_alias, stateMachineAliasArn=alias)
        self.refused("StateMachineDoesNotExist", "", self.calls.describe_state_machine, stateMachineArn=one)
        arn, one = self.machine("once")
        self.assertEqual([one["stateMachineVersionArn"] for one in self.calls.list_state_machine_versions(stateMachineArn=arn)["stateMachineVersions"]], [one])
        self.assertEqual(self.calls.list_state_machine_aliases(stateMachineArn=arn)["stateMachineAliases"], [])

    def test_aliases_of_functions_are_routed_by_weight(self):
        functions = client("lambda")

        def ready():
            return until(lambda: functions.get_function(FunctionName="w")["Configuration"], lambda one: (one["State"], one["LastUpdateStatus"]) == ("Active", "Successful"))

        role = self.role("weighted-function")
        source = "def h(e, c): return %d"
        functions.create_function(FunctionName="w", Runtime="python3.12", Handler="app.h", Role=role, Code={"ZipFile": package(source % 1)})
        ready()
        functions.publish_version(FunctionName="w")
        functions.update_function_code(FunctionName="w", ZipFile=package(source % 2))
        ready()
        functions.publish_version(FunctionName="w")
        functions.create_alias(FunctionName="w", Name="live", FunctionVersion="1", RoutingConfig={"AdditionalVersionWeights": {"2": 0.5}})
        answers = {functions.invoke(FunctionName="w", Qualifier="live", Payload=b"{}")["Payload"].read() for _ in range(40)}
        self.assertEqual(answers, {b"1", b"2"})
        task = {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "Parameters": {"FunctionName": functions.get_alias(FunctionName="w", Name="live")["AliasArn"], "Payload": {}}, "OutputPath": "$.Payload", "End": True}
        arn = self.calls.create_state_machine(name="calls-weighted", definition=json.dumps({"StartAt": "T", "States": {"T": task}}), roleArn=self.role_arn)["stateMachineArn"]
        started = [self.calls.start_execution(stateMachineArn=arn)["executionArn"] for _ in range(30)]
        self.assertEqual({self.done(execution)["output"] for execution in started}, {"1", "2"})


if __name__ == "__main__":
    unittest.main()
