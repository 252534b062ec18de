//! Nothing that a service tells escapes: each member of each answer that a kind reads is compared, folded or left out with a
//! reason. botocore's service models say what there is.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use scones::kind::AnyKind;
use scones::kind::answer::{Fate, Member};
use scones::kinds::registry;
use scones::{desired, environment};
use serde_json::Value;

use crate::oracles::oracle;
use crate::support::{Project, repository};

/// Requests that read and whose answers are no part of a state, each with what they are for.
const ELSEWHERE: &[(&str, &str)] = &[
    ("cloudformation:ListStacks", "never sent: IAM asks for it where all stacks are described"),
    ("cloudformation:DescribeChangeSet", "apply watches the change set that it made"),
    ("cloudformation:DescribeStackDriftDetectionStatus", "whether CloudFormation has looked"),
    ("cloudformation:DescribeStackEvents", "what a stack is doing, and why it failed"),
    ("cloudformation:DescribeStackResourceDrifts", "each difference that CloudFormation reports becomes one of the state"),
    ("cloudformation:DescribeStackResources", "which stack of the environment holds a bucket or topic"),
    ("cloudformation:ListImports", "a failed deletion says who is in the way"),
    ("cloudformation:ListStackResources", "destroy looks for buckets to empty"),
    ("cloudwatch:ListDashboards", "only names are taken"),
    ("cloudwatch:ListTagsForResource", "tags are compared whole"),
    ("events:ListTagsForResource", "tags are compared whole"),
    ("iam:ListInstanceProfilesForRole", "delete takes the role out of them"),
    ("lambda:GetLayerVersion", "Lambda asks it of whoever lays a layer into a function"),
    ("lambda:ListFunctions", "only names are taken"),
    ("lambda:ListTags", "names the permission that GetFunction lacked"),
    ("s3:GetBucketOwnershipControls", "judges what CloudFormation reports as gone"),
    ("s3:GetBucketPolicy", "compared whole with what the template says"),
    ("s3:GetEncryptionConfiguration", "judges what CloudFormation reports as gone"),
    ("s3:GetLifecycleConfiguration", "judges what CloudFormation reports as gone"),
    ("s3:GetObject", "whether an artifact is there"),
    ("s3:ListBucket", "whether an artifact or a bucket is there"),
    ("s3:ListBucketMultipartUploads", "destroy empties buckets"),
    ("s3:ListBucketVersions", "destroy empties buckets"),
    ("sagemaker:DescribeModelPackage", "whether a package is approved"),
    ("sagemaker:DescribeProcessingJob", "apply waits for the baseline"),
    ("sagemaker:ListEndpoints", "only names are taken"),
    ("sagemaker:ListModelPackageGroups", "only names are taken"),
    ("sagemaker:ListTags", "tags are compared whole"),
    ("scheduler:GetSchedule", "compared with the template's properties; a target with more is listed as not looked at"),
    ("sns:GetSubscriptionAttributes", "CloudFormation asks it when it looks for drift"),
    ("sns:GetTopicAttributes", "of these the policy is compared; CloudFormation looks at the others"),
    ("sns:ListSubscriptionsByTopic", "what no stack made becomes a difference of the state"),
    ("states:ListStateMachines", "only names are taken"),
    ("states:ListTagsForResource", "tags are compared whole"),
];

/// What else than the state a member may become: the parts of `Live`.
const BESIDES: [&str; 6] = ["name", "arn", "tags", "status", "attributes", "generations"];

/// The deepest members of answers, by operation.
fn botocore(operations: &BTreeSet<&str>) -> BTreeMap<String, Vec<String>> {
    let mut command = oracle("python");
    command.arg(repository().join("tests/oracles/members.py")).args(operations);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The members that a kind lists, by operation; an answer may come in parts.
fn listed(kind: &dyn AnyKind) -> BTreeMap<&'static str, Vec<Member>> {
    let mut found: BTreeMap<&str, Vec<Member>> = BTreeMap::new();
    for answer in kind.answers() {
        found.entry(answer.operation).or_default().extend(answer.members);
    }
    found
}

fn covers(member: &str, leaf: &str) -> bool {
    leaf == member || leaf.strip_prefix(member).is_some_and(|rest| rest.starts_with('.'))
}

/// What is wrong with a list of members beside those that there are.
fn faults(listed: &[Member], there: &[String]) -> Vec<String> {
    let mut faults = vec![];
    for leaf in there {
        match listed.iter().filter(|member| covers(member.path, leaf)).count() {
            0 => faults.push(format!("{leaf} is neither compared nor folded nor ignored")),
            1 => {}
            _ => faults.push(format!("{leaf} is listed more than once")),
        }
    }
    let gone = listed.iter().filter(|member| !there.iter().any(|leaf| covers(member.path, leaf)));
    faults.extend(gone.map(|member| format!("{} is no member", member.path)));
    faults
}

#[test]
fn every_member_of_every_answer_is_decided() {
    let registry = registry();
    let operations: BTreeSet<&str> = registry.iter().flat_map(|kind| kind.answers()).map(|answer| answer.operation).collect();
    let there = botocore(&operations);
    let count: usize = there.values().map(Vec::len).sum();
    assert!(operations.len() >= 30 && count >= 700, "{} operations, {count} members", operations.len());
    let mut found = vec![];
    for kind in registry.iter() {
        for (operation, members) in listed(kind) {
            let faults = faults(&members, &there[operation]);
            found.extend(faults.into_iter().map(|fault| format!("{} {operation}: {fault}", kind.section())));
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn a_member_that_is_new_or_gone_or_named_twice_is_found() {
    use scones::kind::answer::{compared, ignored};
    let there = ["A.B", "A.C", "D"].map(str::to_owned);
    assert_eq!(faults(&[ignored("A", ""), compared("D", "d")], &there), Vec::<String>::new());
    assert_eq!(faults(&[ignored("A.B", ""), ignored("D", "")], &there), ["A.C is neither compared nor folded nor ignored"]);
    assert_eq!(faults(&[ignored("A", ""), ignored("A.B", ""), ignored("D", "")], &there), ["A.B is listed more than once"]);
    assert_eq!(faults(&[ignored("A", ""), ignored("D", ""), ignored("AB", "")], &there), ["AB is no member"]);
}

/// Whether a state has a field; what is absent has whatever it would have.
fn has(state: &Value, path: &[&str]) -> bool {
    match (path, state) {
        ([], _) | (_, Value::Null) => true,
        (["*", rest @ ..], Value::Object(map)) => map.is_empty() || map.values().any(|value| has(value, rest)),
        ([key, rest @ ..], Value::Object(map)) => match map.get(*key) {
            Some(value) => has(value, rest),
            // What no spec can say is not written where there is none of it.
            None => rest.is_empty() && is_written_when_set(key),
        },
        _ => false,
    }
}

/// Whether some state has a field of this name that is left out where it is empty.
fn is_written_when_set(key: &str) -> bool {
    let declared = format!(r#"skip_serializing_if = "[A-Za-z_:]+"\)\]\s+(pub )?{key}: "#);
    let declared = regex_lite::Regex::new(&declared).unwrap();
    sources(&repository().join("src/kinds")).iter().any(|text| declared.is_match(text))
}

/// The sources below a folder, but for the lists of members.
fn sources(folder: &Path) -> Vec<String> {
    let mut found = vec![];
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if !path.ends_with("members.rs") {
            found.push(std::fs::read_to_string(&path).unwrap());
        }
    }
    found
}

#[test]
fn what_is_compared_is_a_field_of_the_state() {
    let project = Project::from_fixture("toy", "members");
    let registry = registry();
    let environment = environment::load(&project.path("environments/toy.yaml"), &registry).unwrap();
    let resources = desired::desired(&environment, "123456789012", &registry).unwrap().resources;
    let mut wrong = vec![];
    for kind in registry.iter() {
        let states: Vec<&Value> = resources
            .iter()
            .filter(|(address, _)| address.section == kind.section())
            .map(|(_, resource)| &resource.state)
            .collect();
        assert!(!states.is_empty(), "no {} in the toy environment", kind.section());
        for (operation, members) in listed(kind) {
            for member in members {
                let field = match member.fate {
                    Fate::Compared { field } | Fate::Folded { field, .. } => field,
                    Fate::Ignored { .. } => continue,
                };
                let path: Vec<&str> = field.split('.').collect();
                if !BESIDES.contains(&field) && !states.iter().any(|state| has(state, &path)) {
                    wrong.push(format!("{} {operation} {}: there is no field {field}", kind.section(), member.path));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let state = serde_json::json!({ "memory": 1, "vpc": null });
    assert!(has(&state, &["vpc", "subnets"]) && has(&state, &["other"]) && !has(&state, &["memroy"]));
}

/// Every request of the kinds that reads is either listed with its members, or named above.
#[test]
fn every_answer_is_listed() {
    let registry = registry();
    let known: BTreeSet<&str> = registry.iter().flat_map(|kind| kind.answers()).map(|answer| answer.operation).collect();
    let pattern = regex_lite::Regex::new(r#""([a-z0-9-]+:(Get|List|Describe)[A-Za-z]+)""#).unwrap();
    let mut asked: BTreeSet<String> = BTreeSet::new();
    for text in sources(&repository().join("src/kinds")) {
        asked.extend(pattern.captures_iter(&text).map(|found| found[1].to_owned()));
    }
    let unlisted: Vec<&String> = asked
        .iter()
        .filter(|operation| !known.contains(operation.as_str()) && ELSEWHERE.iter().all(|(other, _)| other != operation))
        .collect();
    assert!(unlisted.is_empty(), "{unlisted:?}");
    let never: Vec<&&str> = known.iter().filter(|operation| !asked.contains(**operation)).collect();
    assert!(never.is_empty(), "{never:?}");
    assert!(ELSEWHERE.iter().all(|(operation, _)| asked.contains(*operation) && !known.contains(operation)));
}
