//! What nobody here wrote has the last word: cfn-lint on templates, statelint on workflows, parliament on policies.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use scones::kind::Registry;
use scones::kinds::registry;
use scones::permissions::{Job, policy};
use scones::template::{Context, Requirement, requirements};
use scones::{desired, environment};
use serde_json::{Map, Value, json};
use tempfile::TempDir;

use crate::support::repository;

const ENVIRONMENTS: [&str; 3] = ["dev", "prod", "local"];

/// A program of the oracles' virtual environment.
pub fn oracle(program: &str) -> Command {
    let venvs = std::env::var_os("SCONES_VENVS").map_or_else(|| repository().join("target/cloud-venvs"), PathBuf::from);
    let path = venvs.join("oracles/bin").join(program);
    assert!(path.exists(), "{} is missing: python3 tests/cloud/cloud.py install", path.display());
    let mut command = Command::new(path);
    command.current_dir(repository());
    command
}

#[track_caller]
fn content(mut command: Command) {
    let output = command.output().unwrap();
    let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && text.trim().is_empty(), "{command:?}: {text}");
}

fn desired_of(name: &str, registry: &Registry) -> desired::Desired {
    let file = repository().join(format!("environments/{name}.yaml"));
    let environment = environment::load(&file, registry).unwrap();
    desired::desired(&environment, "123456789012", registry).unwrap()
}

fn states(section: &str) -> Vec<(String, Value)> {
    let registry = registry();
    let mut found = vec![];
    for name in ENVIRONMENTS {
        for (address, resource) in desired_of(name, &registry).resources {
            if address.section == section {
                found.push((format!("{name}-{}", address.name), resource.state));
            }
        }
    }
    assert!(!found.is_empty());
    found
}

fn write(folder: &Path, name: &str, value: &Value) -> PathBuf {
    let path = folder.join(format!("{name}.json"));
    std::fs::write(&path, serde_json::to_string_pretty(value).unwrap()).unwrap();
    path
}

#[test]
fn cfn_lint_passes_the_templates() {
    let templates = ["stacks/foundation.yaml", "stacks/schedules.yaml"];
    let mut command = oracle("cfn-lint");
    command.args(["--regions", "us-east-1", "--"]).args(templates);
    content(command);
}

#[test]
fn statelint_passes_the_workflows() {
    let folder = TempDir::new().unwrap();
    for (name, state) in states("state_machines") {
        let mut command = oracle("statelint");
        command.arg(write(folder.path(), &name, &state["definition"]));
        content(command);
    }
}

#[test]
fn parliament_passes_the_policies() {
    let folder = TempDir::new().unwrap();
    let mut count = 0;
    for (name, state) in states("roles") {
        // What checks for drift read is among the printed policies.
        for (policy, document) in state["policies"].as_object().unwrap().iter().filter(|(policy, _)| *policy != "reads") {
            write(folder.path(), &format!("{name}-{policy}"), document);
            count += 1;
        }
    }
    assert!(count >= 15, "{count} policies");
    assert_eq!(parliament(&folder), Vec::<String>::new());
}

/// What parliament finds in the policies of a folder.
fn parliament(folder: &TempDir) -> Vec<String> {
    let mut command = oracle("parliament");
    command.arg("--directory").arg(folder.path()).arg("--include_policy_extension").arg("json");
    let output = command.output().unwrap();
    // It ends with 1 when it finds something, and then says what.
    let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let severities = ["LOW", "MEDIUM", "HIGH", "CRITICAL"];
    let found: Vec<String> =
        text.lines().filter(|line| severities.iter().any(|word| line.starts_with(word))).map(str::to_owned).collect();
    assert!(output.status.success() || !found.is_empty(), "{text}");
    found
}

/// What parliament says of printed policies although it is right there, with why.
const RIGHT_ALL_THE_SAME: &[(&str, &str)] = &[
    (
        "Unnecessary use of Resource * -  - ['cloudformation:DescribeStackResources', 'cloudwatch:DescribeAlarms'",
        "the stack of a resource is not known beforehand; composite alarms are told of to whoever has it on all",
    ),
    ("Unknown action logs:PutLogGroupDeletionProtection", "it is younger than what parliament knows"),
    ("Unknown action logs:PutBearerTokenAuthentication", "it is younger than what parliament knows"),
];

/// A policy in which a name of resources of any type is one of each: parliament holds a pattern against each type from its
/// first letter on, where IAM takes `*` for all of it.
fn spelled_out(mut policy: Value) -> Value {
    const TYPES: &[&str] = &[
        "data-quality-job-definition",
        "endpoint",
        "endpoint-config",
        "model",
        "model-package",
        "model-package-group",
        "monitoring-schedule",
        "processing-job",
    ];
    for statement in policy["Statement"].as_array_mut().unwrap() {
        let each = |arn: &Value| match arn.as_str().unwrap().split_once(":*/") {
            Some((head, name)) => TYPES.iter().map(|kind| json!(format!("{head}:{kind}/{name}"))).collect(),
            None => vec![arn.clone()],
        };
        statement["Resource"] = statement["Resource"].as_array().unwrap().iter().flat_map(each).collect();
    }
    policy
}

#[test]
fn parliament_passes_the_printed_policies() {
    let folder = TempDir::new().unwrap();
    let registry = registry();
    for name in ENVIRONMENTS {
        let desired = desired_of(name, &registry);
        for (job, word) in [(Job::Plan, "plan"), (Job::Drift, "drift"), (Job::Apply, "apply")] {
            write(folder.path(), &format!("{name}-{word}"), &spelled_out(policy(&desired, &registry, job)));
        }
    }
    let found = parliament(&folder);
    let news: Vec<&String> =
        found.iter().filter(|line| RIGHT_ALL_THE_SAME.iter().all(|(words, _)| !line.contains(words))).collect();
    assert!(news.is_empty(), "{news:#?}");
    for (words, _) in RIGHT_ALL_THE_SAME {
        assert!(found.iter().any(|line| line.contains(words)), "parliament no longer says: {words}");
    }
}

/// What the schemas name and we leave out, with why.
const LEFT_OUT: &[(&str, &[&str], &str)] = &[
    (
        "AWS::S3::Bucket",
        &[
            "s3:DeleteBucketAnalyticsConfiguration",
            "s3:DeleteBucketCors",
            "s3:DeleteBucketEncryption",
            "s3:DeleteBucketLifecycle",
            "s3:DeleteBucketMetricsConfiguration",
            "s3:DeleteBucketReplication",
            "s3:DeleteBucketTagging",
            "s3:PutBucketReplication",
            "s3:PutObjectLockConfiguration",
        ],
        "operations that IAM knows by the action that puts the same",
    ),
    ("AWS::S3::Bucket", &["s3:DeleteObject", "s3:PutObjectAcl"], "a bucket's handler has no business with objects"),
    (
        "AWS::S3::Bucket",
        &[
            "iam:PassRole",
            "s3:CreateBucketMetadataTableConfiguration",
            "s3:DeleteBucketMetadataTableConfiguration",
            "s3:GetBucketAbac",
            "s3:GetBucketMetadataTableConfiguration",
            "s3:PutBucketAbac",
            "s3:PutReplicationConfiguration",
            "s3:UpdateBucketMetadataAnnotationTableConfiguration",
            "s3:UpdateBucketMetadataInventoryTableConfiguration",
            "s3:UpdateBucketMetadataJournalTableConfiguration",
            "s3tables:CreateNamespace",
            "s3tables:CreateTable",
            "s3tables:CreateTableBucket",
            "s3tables:GetTable",
            "s3tables:GetTableMetadataLocation",
            "s3tables:PutTableBucketPolicy",
            "s3tables:PutTableEncryption",
            "s3tables:PutTablePolicy",
            "s3tables:UpdateTableMetadataLocation",
        ],
        "of properties that are said to be unknown",
    ),
    ("AWS::SNS::Topic", &["iam:GetRole", "iam:PassRole"], "of a property that is said to be unknown"),
    ("AWS::SNS::Subscription", &["iam:GetRole", "iam:PassRole"], "of a property that is said to be unknown"),
    ("AWS::Scheduler::Schedule", &["iam:PassRole"], "passing roles is told apart"),
];

/// The actions for each resource type are those of CloudFormation's schemas, and no property is forgotten that has some.
#[test]
fn the_schemas_name_the_actions_of_resource_types() {
    let types = [
        "AWS::S3::Bucket",
        "AWS::S3::BucketPolicy",
        "AWS::SNS::Topic",
        "AWS::SNS::TopicPolicy",
        "AWS::SNS::Subscription",
        "AWS::Scheduler::Schedule",
        "AWS::Scheduler::ScheduleGroup",
    ];
    let mut command = oracle("python");
    command.arg("tests/oracles/handlers.py").args(types);
    let schemas: Value = serde_json::from_slice(&command.output().unwrap().stdout).unwrap();
    for name in types {
        let schema = &schemas[name];
        // All properties at once; what they hold does not matter.
        let all =
            schema["properties"].as_array().unwrap().iter().map(|property| (property.as_str().unwrap().to_owned(), json!("x")));
        let template = json!({ "Resources": { "It": { "Type": name, "Properties": all.collect::<Map<_, _>>() } } });
        let parameters = BTreeMap::new();
        let context =
            Context { stack_name: "s", account: "123456789012", region: "us-east-1", partition: "aws", parameters: &parameters };
        let (mut reads, mut all) = (BTreeSet::new(), BTreeSet::new());
        for requirement in requirements(&template, &context) {
            if let Requirement::Actions { reads: looks, writes, .. } = requirement {
                all.extend(looks.iter().chain(&writes).copied());
                reads.extend(looks);
            }
        }
        let theirs = |key: &str| -> BTreeSet<&str> {
            schema[key].as_array().unwrap().iter().map(|action| action.as_str().unwrap()).collect()
        };
        let left_out: BTreeSet<&str> =
            LEFT_OUT.iter().filter(|(of, ..)| *of == name).flat_map(|(_, actions, _)| actions.iter().copied()).collect();
        let expected = |key: &str| theirs(key).difference(&left_out).copied().collect::<BTreeSet<&str>>();
        assert_eq!(reads, expected("reads"), "{name}");
        assert_eq!(all, expected("permissions"), "{name}");
        assert!(left_out.is_subset(&theirs("permissions")), "{name} no longer has some of {left_out:?}");
    }
}

#[test]
fn the_shipped_schema_is_the_one_the_types_make() {
    let path = repository().join("environments/schema.json");
    let shipped: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
    let made = environment::schema::editor_schema(&registry());
    assert!(shipped == made, "{} is out of date: make schema", path.display());
}
