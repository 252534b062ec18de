//! The printed policies are held against the requests that are really sent, and against a cloud that enforces them.

mod enforced;

use std::collections::{BTreeMap, BTreeSet};

use aws_config::SdkConfig;
use scones::address::Address;
use scones::kinds::registry;
use scones::permissions::Job;
use scones::template::{Context, Requirement, requirements};
use scones::{desired, environment};
use serde_json::{Value, json};

use crate::architecture::sources;
use crate::support::{Project, Run, assert_no_violations, gateway, repository, sdk, wait};

/// Actions that no request of the same name shows, with why.
const UNSEEN: &[(&str, &str)] = &[
    ("lambda:ListTags", "GetFunction asks it of whoever calls"),
    ("cloudformation:ListStacks", "asked of whoever describes stacks without naming one"),
    ("states:ListStateMachineVersions", "only where more versions may be there than are kept"),
    ("cloudformation:DescribeStackEvents", "of stacks that are busy or failed, which the emulator is never seen to be"),
];
/// Requests for which IAM asks no permission.
const FREE: &[&str] = &["sts:GetCallerIdentity"];
/// Where an action of IAM has another name than the operation. Source: the Service Authorization Reference.
const OTHERWISE: &[(&str, &str)] = &[
    ("s3:HeadBucket", "s3:ListBucket"),
    ("s3:HeadObject", "s3:GetObject"),
    ("s3:ListObjectVersions", "s3:ListBucketVersions"),
    ("s3:ListMultipartUploads", "s3:ListBucketMultipartUploads"),
    ("s3:DeleteObjects", "s3:DeleteObjectVersion"),
    ("s3:PutBucketEncryption", "s3:PutEncryptionConfiguration"),
    ("s3:PutPublicAccessBlock", "s3:PutBucketPublicAccessBlock"),
];

/// The toy environment with a second rule and someone's own name, so that each way of reading is taken.
pub fn project(app: &str) -> Project {
    let project = Project::from_fixture("toy", app);
    let file = "environments/toy.yaml";
    project.edit(
        file,
        "  features:\n    engine: sagemaker",
        "  more:
    engine: lambda
    endpoint: net
    function: echo
    every: 1h
    classes: [bicycle, motorcycle]
    baseline: \"s3://${stacks.base.Bucket}/baseline.json\"
    reports: \"s3://${stacks.base.Bucket}/monitoring/more\"
  features:
    engine: sagemaker",
    );
    project.edit(
        file,
        "      predictions: { principal",
        "      more: { principal: events.amazonaws.com, source_arn: \"${monitors.more.rule_arn}\" }\n      predictions: { principal",
    );
    project
}

/// A name for one client, so that its requests are told apart.
pub fn client(name: &str) -> String {
    format!("scones-{name}-{}", std::process::id())
}

fn run(project: &Project, client: &str, arguments: &[&str]) -> Run {
    project.command(arguments).env("AWS_SDK_UA_APP_ID", client).output().unwrap().into()
}

/// What a client sent, as IAM names it.
pub fn sent(client: &str) -> BTreeSet<String> {
    let actions = actions_sent(&gateway(&format!("/__cloud__/cost?user_agent={client}")));
    assert!(!actions.is_empty(), "{client} sent nothing");
    actions
}

/// What a gateway counted, as IAM names it.
fn actions_sent(cost: &Value) -> BTreeSet<String> {
    let operations = cost["by_operation"].as_object().unwrap().keys();
    let actions = operations.map(|operation| action(operation)).filter(|action| !FREE.contains(&action.as_str()));
    actions.collect()
}

fn action(operation: &str) -> String {
    if let Some((_, action)) = OTHERWISE.iter().find(|(other, _)| *other == operation) {
        return (*action).to_owned();
    }
    // Lambda's operations carry the date of their API.
    let name = operation.trim_end_matches(|c: char| c.is_ascii_digit() || c == '_');
    name.replacen("tagging:", "tag:", 1)
}

/// The policy that is printed for an environment.
pub fn printed(project: &Project, environment: &str, job: &str) -> Value {
    project.offline(&["permissions", environment, "--for", job]).expect(0).json()
}

/// All actions of a policy.
pub fn allowed(policy: &Value) -> BTreeSet<String> {
    let statements = policy["Statement"].as_array().unwrap().iter();
    let texts =
        |value: &Value| value.as_array().unwrap().iter().map(|text| text.as_str().unwrap().to_owned()).collect::<Vec<_>>();
    statements.flat_map(|statement| texts(&statement["Action"])).collect()
}

/// What CloudFormation reads of the toy's resources when it looks for drift: no client sends that.
fn read_by_cloudformation(project: &Project) -> BTreeSet<String> {
    let registry = registry();
    let environment = environment::load(&project.path("environments/toy.yaml"), &registry).unwrap();
    let desired = desired::desired(&environment, "123456789012", &registry).unwrap();
    let template = &desired.resources[&Address::new("stacks", "base")].state["template"];
    let parameters = BTreeMap::new();
    let context =
        Context { stack_name: "s", account: "123456789012", region: "us-east-1", partition: "aws", parameters: &parameters };
    let reads = requirements(template, &context).into_iter().flat_map(|one| match one {
        Requirement::Actions { reads, .. } => reads,
        _ => vec![],
    });
    reads.map(str::to_owned).collect()
}

/// Plan and drift in all situations that read otherwise: nothing there, all there, changed outside, declared no more.
#[test]
fn reading_takes_what_is_printed_and_nothing_else() {
    let project = project("leastread").destroyed_at_end("toy");
    let before: Vec<BTreeSet<String>> =
        ["plan", "drift"].map(|job| allowed(&printed(&project, "toy", job))).into_iter().collect();
    let reads = |code: i32, drifted: i32| {
        run(&project, &client("least-plan"), &["plan", "toy"]).expect(code);
        run(&project, &client("least-drift"), &["drift", "toy"]).expect(drifted);
    };
    reads(2, 0);
    project.scones(&["apply", "toy", "--yes"]).expect(0);
    reads(0, 0);
    wait(change_tags(sdk(), "leastread"));
    reads(2, 2);
    project.scones(&["apply", "toy", "--yes"]).expect(0);
    let passed_on = read_by_cloudformation(&project);
    for (job, allowed) in ["plan", "drift"].iter().zip(before) {
        let sent = sent(&client(&format!("least-{job}")));
        let more: Vec<&String> = sent.difference(&allowed).collect();
        assert!(more.is_empty(), "{job} sent without leave: {more:?}");
        let seen = |action: &&String| UNSEEN.iter().all(|(unseen, _)| unseen != action) && !passed_on.contains(*action);
        let less: Vec<&String> = allowed.difference(&sent).filter(seen).collect();
        assert!(less.is_empty(), "{job} is allowed what it never sends: {less:?}");
    }
    // What is declared no more is read with the same permissions.
    let allowed = allowed(&printed(&project, "toy", "drift"));
    project.edit("environments/toy.yaml", "throttles", "others");
    run(&project, &client("least-orphans"), &["plan", "toy"]).expect(2);
    let more: Vec<String> = sent(&client("least-orphans")).difference(&allowed).cloned().collect();
    assert!(more.is_empty(), "{more:?}");
    assert_no_violations();
}

/// Takes a tag away from whatever has its tags read by a search, which then is not relied on, subscribes to a topic, and
/// publishes a workflow.
async fn change_tags(sdk: &SdkConfig, app: &str) {
    let arn = |service: &str, resource: &str| format!("arn:aws:{service}:us-east-1:123456789012:{resource}");
    let key = "cost-centre";
    let topic = arn("sns", &format!("{app}-toy"));
    let subscribe = aws_sdk_sns::Client::new(sdk).subscribe().topic_arn(topic).protocol("sqs");
    subscribe.endpoint("arn:aws:sqs:us-east-1:123456789012:stranger").send().await.unwrap();
    let machine = arn("states", &format!("stateMachine:{app}-toy-flow"));
    let states = aws_sdk_sfn::Client::new(sdk);
    states.untag_resource().resource_arn(&machine).tag_keys(key).send().await.unwrap();
    // So many versions of the workflow that they are listed.
    let mut newest = String::new();
    for name in ["A", "B"] {
        let definition = json!({ "StartAt": name, "States": { name: { "Type": "Succeed" } } }).to_string();
        states.update_state_machine().state_machine_arn(&machine).definition(definition).send().await.unwrap();
        let published = states.publish_state_machine_version().state_machine_arn(&machine).send().await.unwrap();
        newest = published.state_machine_version_arn;
    }
    let served = aws_sdk_sfn::types::RoutingConfigurationListItem::builder().state_machine_version_arn(newest).weight(100);
    let alias = states.update_state_machine_alias().state_machine_alias_arn(format!("{machine}:live"));
    alias.routing_configuration(served.build().unwrap()).send().await.unwrap();
    let alarm = arn("cloudwatch", &format!("alarm:{app}-toy-errors"));
    aws_sdk_cloudwatch::Client::new(sdk).untag_resource().resource_arn(alarm).tag_keys(key).send().await.unwrap();
    let rule = arn("events", &format!("rule/{app}-toy-predictions"));
    aws_sdk_eventbridge::Client::new(sdk).untag_resource().resource_arn(rule).tag_keys(key).send().await.unwrap();
    let endpoint = arn("sagemaker", &format!("endpoint/{app}-toy-net"));
    aws_sdk_sagemaker::Client::new(sdk).delete_tags().resource_arn(endpoint).tag_keys(key).send().await.unwrap();
}

/// Everything made, changed, adopted and deleted.
#[test]
fn writing_takes_no_more_than_is_printed() {
    let project = project("leastwrite").destroyed_at_end("toy");
    let client = client("least-apply");
    let mut allowed = allowed(&printed(&project, "toy", "apply"));
    run(&project, &client, &["apply", "toy", "--yes"]).expect(0);
    for (from, to) in [
        ("description: Runs all of it", "description: Runs everything"),
        ("memory: 128", "memory: 256"),
        ("role: run }\n\nmodel", "role: run, tracing: true }\n\nmodel"),
        ("percent: 50", "percent: 60"),
        ("threshold: 0\n", "threshold: 4\n"),
        ("wait: 1m, extension: 2m }", "wait: 3m, extension: 2m }\n    enabled: false"),
        ("{ body: stacks/overview.yaml }", "{ widgets: [{ type: text, properties: { markdown: moved } }] }"),
        ("every: 6h", "every: 12h"),
        ("{ Name: \"${app}-toy\" }", "{ Name: \"${app}-toy\", Days: 9 }"),
        ("cost-centre: bakery", "team: bakery"),
    ] {
        project.edit("environments/toy.yaml", from, to);
    }
    allowed.extend(self::allowed(&printed(&project, "toy", "apply")));
    run(&project, &client, &["apply", "toy", "--yes"]).expect(0);
    run(&project, &client, &["destroy", "toy", "--yes"]).expect(0);
    let sent = sent(&client);
    let more: Vec<&String> = sent.difference(&allowed).collect();
    assert!(more.is_empty(), "sent without leave: {more:?}");
    assert!(sent.len() > 80, "{} actions are few", sent.len());
    assert_no_violations();
}

#[test]
fn a_policy_is_told_of_what_it_lacks() {
    let project = Project::from_fixture("toy", "leastknown");
    let topic = "  Topic:\n    Type: AWS::SNS::Topic";
    project.edit("stacks/bucket.yaml", topic, &format!("  Queue: {{ Type: AWS::SQS::Queue }}\n{topic}"));
    let printed = project.offline(&["permissions", "toy", "--for", "apply"]).expect(0);
    assert!(printed.stderr.contains("AWS::SQS::Queue (Queue of the stack leastknown-toy-base)"), "{}", printed.stderr);
    assert!(printed.json()["Statement"].is_array());
    let reads = project.offline(&["permissions", "toy", "--for", "plan"]).expect(0);
    assert_eq!(reads.stderr, "");
    project.offline(&["permissions", "toy"]).expect(1);
}

/// Names of people's own stand for themselves; the account comes from the file.
#[test]
fn a_policy_speaks_of_the_environment_alone() {
    let project = Project::from_fixture("toy", "leastname");
    project.edit("environments/toy.yaml", "  echo:\n    source: app", "  echo:\n    name: somebody-named-it\n    source: app");
    let policy = printed(&project, "toy", "plan");
    let function = |name: &str| json!(format!("arn:aws:lambda:us-east-1:123456789012:function:{name}"));
    let statements = policy["Statement"].as_array().unwrap();
    let of = |action: &str| statements.iter().find(|one| one["Action"].as_array().unwrap().contains(&json!(action))).unwrap();
    assert_eq!(
        of("lambda:GetFunction")["Resource"],
        json!([function("leastname-toy-*"), function("somebody-named-it"), function("somebody-named-it:*")])
    );
    let everywhere: Vec<&Value> = statements.iter().filter(|one| one["Resource"] == json!(["*"])).collect();
    assert_eq!(everywhere.len(), 2, "{everywhere:#?}");
    assert_eq!(everywhere.iter().filter(|one| one["Condition"].is_null()).count(), 1, "IAM has no region");
}

/// Requests that no fixture leads to, such as rolling a stack back, are found in the sources.
#[test]
fn no_request_of_a_kind_is_forgotten() {
    let registry = registry();
    let mut known: BTreeSet<String> =
        registry.iter().flat_map(|kind| kind.calls()).flat_map(|call| call.actions).map(|action| (*action).to_owned()).collect();
    let file = repository().join("environments/local.yaml");
    let environment = environment::load(&file, &registry).unwrap();
    let desired = desired::desired(&environment, "123456789012", &registry).unwrap();
    known.extend(allowed(&scones::permissions::policy(&desired, &registry, Job::Apply)));
    // What only some states of resources take, what stands in policies that are written, and a key of conditions.
    let elsewhere = [
        "iam:AWSServiceName",
        "iam:CreateServiceLinkedRole",
        "lambda:GetLayerVersion",
        "lambda:InvokeFunction",
        "sagemaker:DescribeModelPackage",
        "sns:GetSubscriptionAttributes",
        "sns:SetSubscriptionAttributes",
        "sts:AssumeRole",
        // Of `drift --who` alone: docs/permissions.md.
        "cloudtrail:LookupEvents",
        // A role is read with its tags.
        "iam:ListRoleTags",
    ];
    let action = regex_lite::Regex::new(r#""([a-z0-9-]+:[A-Z][A-Za-z]+)""#).unwrap();
    let mut forgotten = BTreeSet::new();
    for path in sources(&repository().join("src/kinds")).into_iter().chain(sources(&repository().join("src/aws"))) {
        let text = std::fs::read_to_string(&path).unwrap();
        let code = text.split("#[cfg(test)]").next().unwrap();
        let services = |action: &str| !["kms", "scones", "aws"].contains(&action.split(':').next().unwrap());
        forgotten.extend(
            action
                .captures_iter(code)
                .map(|found| found[1].to_owned())
                .filter(|action| services(action) && !known.contains(action) && !FREE.contains(&action.as_str()))
                .filter(|action| !elsewhere.contains(&action.as_str())),
        );
    }
    assert!(forgotten.is_empty(), "{forgotten:?}");
}
