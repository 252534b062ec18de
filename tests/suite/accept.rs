//! What was changed behind the deployer's back and is right becomes what the files say: `scones drift ENV --accept`.

use std::collections::HashMap;

use aws_sdk_cloudwatch::types::{ComparisonOperator, Statistic};
use aws_sdk_lambda::types::Environment;

use crate::support::{Project, assert_no_violations, changes, sdk, wait};

const BASE: &str = r#"# What all share.
app: APP
account: "123456789012"
region: us-east-1
values: { greeting: hello }

roles:
  run:
    assumed_by: [lambda.amazonaws.com, states.amazonaws.com]
    description: Runs all of it
    managed_policies: ["arn:${partition}:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"]
    allow:
      - { actions: ["lambda:InvokeFunction"], resources: ["${functions.echo.live_arn}"] }

functions:
  echo:
    source: app
    runtime: python3.12
    handler: main.handler
    role: run
    timeout: 10s # of the base
    environment: { GREETING: "${values.greeting}", PLAIN: a }
    permissions:
      topic: { principal: sns.amazonaws.com, source_account: "123456789012" }

state_machines:
  flow: { definition: stacks/pass.asl.yaml, role: run }

alarms:
  errors:
    metric: AWS/Lambda Errors
    of: functions.echo
    statistic: Sum
    period: 1m
    comparison: ">"
    threshold: 0
"#;

const OWN: &str = r#"# At work: what differs from the base.
extends: base.yaml
environment: work
tags: { cost-centre: bakery }   # who pays

functions:
  echo:
    memory: 256 # MB, measured in spring

alarms:
  # Rings at night.
  errors: { threshold: 5 }
"#;

const FILE: &str = "environments/work.yaml";

fn lambda() -> aws_sdk_lambda::Client {
    aws_sdk_lambda::Client::new(sdk())
}
fn iam() -> aws_sdk_iam::Client {
    aws_sdk_iam::Client::new(sdk())
}
fn cloudwatch() -> aws_sdk_cloudwatch::Client {
    aws_sdk_cloudwatch::Client::new(sdk())
}
fn states() -> aws_sdk_sfn::Client {
    aws_sdk_sfn::Client::new(sdk())
}

/// A deployed environment of a function, its role, a workflow and an alarm.
fn deployed(app: &str) -> Project {
    let project = Project::from_fixture("toy", app).destroyed_at_end("work");
    project.write("environments/base.yaml", &BASE.replace("APP", app));
    project.write(FILE, OWN);
    project.scones(&["apply", "work", "--yes"]).expect(0);
    project
}

async fn configure(app: &str, memory: i32, timeout: i32, variables: &[(&str, &str)]) {
    let variables: HashMap<String, String> =
        variables.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    let environment = Environment::builder().set_variables(Some(variables)).build();
    let request = lambda().update_function_configuration().function_name(format!("{app}-work-echo"));
    request.memory_size(memory).timeout(timeout).environment(environment).send().await.unwrap();
}

async fn alarm(app: &str, threshold: f64, comparison: ComparisonOperator, periods: i32) {
    let function = aws_sdk_cloudwatch::types::Dimension::builder().name("FunctionName").value(format!("{app}-work-echo")).build();
    cloudwatch()
        .put_metric_alarm()
        .alarm_name(format!("{app}-work-errors"))
        .namespace("AWS/Lambda")
        .metric_name("Errors")
        .dimensions(function)
        .statistic(Statistic::Sum)
        .period(60)
        .evaluation_periods(periods)
        .threshold(threshold)
        .comparison_operator(comparison)
        .send()
        .await
        .unwrap();
}

#[test]
fn live_values_become_what_the_file_says() {
    let app = "accept";
    let project = deployed(app);
    let role = format!("{app}-work-run");
    wait(async {
        configure(app, 512, 20, &[("GREETING", "bye ${x}"), ("PLAIN", "b")]).await;
        alarm(app, 100.0, ComparisonOperator::LessThanThreshold, 1).await;
        iam().update_role().role_name(&role).description("Runs: half of it").send().await.unwrap();
        let policy = "arn:aws:iam::aws:policy/ReadOnlyAccess";
        iam().attach_role_policy().role_name(&role).policy_arn(policy).send().await.unwrap();
    });
    let run = project.scones(&["drift", "work", "--accept", "functions.echo", "alarms.errors", "roles.run"]).expect(0);
    let expected = r#"# At work: what differs from the base.
extends: base.yaml
environment: work
tags: { cost-centre: bakery }   # who pays

functions:
  echo:
    memory: 512 # MB, measured in spring
    timeout: 20s
    environment:
      GREETING: bye $${x}
      PLAIN: b

alarms:
  # Rings at night.
  errors: { threshold: 100, comparison: "<" }

roles:
  run:
    description: "Runs: half of it"
    managed_policies:
      - arn:${partition}:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole
      - arn:aws:iam::aws:policy/ReadOnlyAccess
"#;
    assert_eq!(project.read(FILE), expected, "{}", run.stdout);
    assert_eq!(project.read("environments/base.yaml"), BASE.replace("APP", app));
    for told in [
        "-    memory: 256 # MB, measured in spring\n+    memory: 512 # MB, measured in spring",
        "functions.echo memory: 256 → 512\n  written to environments/work.yaml:8:13",
        "functions.echo timeout: 10 → 20\n  written to environments/work.yaml:9:14\n  which overrides environments/base.yaml:21:14",
        "in place of the reference ${values.greeting}",
        "left: functions.echo:alias.version\n  apply publishes a version, and moves the alias `live` to it\nTo go on: scones apply work",
    ] {
        assert!(run.stdout.contains(told), "{told:?} is not in\n{}", run.stdout);
    }
    assert!(run.stdout.lines().all(|line| line.chars().count() <= 90), "{}", run.stdout);

    // What callers see still has to follow; after that the files say what is live.
    let plan = project.scones(&["plan", "work", "--format", "json"]).expect(2).json();
    assert_eq!(changes(&plan), [("functions.echo".to_owned(), "alias.version".to_owned())]);
    project.scones(&["apply", "work", "--yes"]).expect(0);
    project.scones(&["plan", "work"]).expect(0);
    let live = wait(lambda().get_function_configuration().function_name(format!("{app}-work-echo")).send()).unwrap();
    assert_eq!((live.memory_size, live.timeout), (Some(512), Some(20)));
    assert_no_violations();
}

#[test]
fn one_path_is_accepted_alone() {
    let app = "accept-path";
    let project = deployed(app);
    let function = format!("{app}-work-echo");
    wait(async {
        alarm(app, 7.5, ComparisonOperator::GreaterThanThreshold, 3).await;
        let other = lambda().add_permission().function_name(&function).qualifier("live").statement_id("bucket");
        let other = other.principal("s3.amazonaws.com").source_account("123456789012").action("lambda:InvokeFunction");
        other.send().await.unwrap();
        lambda().remove_permission().function_name(&function).qualifier("live").statement_id("topic").send().await.unwrap();
        lambda().put_function_concurrency().function_name(&function).reserved_concurrent_executions(2).send().await.unwrap();
    });
    project.scones(&["drift", "work", "--accept", "alarms.errors:threshold"]).expect(0);
    assert!(project.read(FILE).contains("  # Rings at night.\n  errors: { threshold: 7.5 }\n"), "{}", project.read(FILE));
    let drift = project.scones(&["drift", "work", "--format", "json"]).expect(2).json();
    let left: Vec<String> = changes(&drift).into_iter().filter(|(at, _)| at == "alarms.errors").map(|(_, path)| path).collect();
    assert_eq!(left, ["evaluation_periods", "datapoints_to_alarm"]);

    // What a base declares is taken away by `null`.
    project.scones(&["drift", "work", "--accept", "functions.echo", "--accept", "alarms.errors"]).expect(0);
    let file = project.read(FILE);
    assert!(file.contains("    reserved_concurrency: 2\n    permissions:\n      topic: null\n"), "{file}");
    assert!(
        file.contains("      bucket:\n        principal: s3.amazonaws.com\n        source_account: \"123456789012\"\n"),
        "{file}"
    );
    assert!(file.contains("  errors: { threshold: 7.5, evaluation_periods: 3, datapoints_to_alarm: 3 }\n"), "{file}");
    project.scones(&["plan", "work"]).expect(0);

    // What the own file alone declares goes away as a line.
    project.edit(FILE, "reserved_concurrency: 2", "reserved_concurrency: 3");
    project.scones(&["apply", "work", "--yes"]).expect(0);
    wait(lambda().delete_function_concurrency().function_name(&function).send()).unwrap();
    project.scones(&["drift", "work", "--accept", "functions.echo"]).expect(0);
    assert_eq!(project.read(FILE), file.replace("    reserved_concurrency: 2\n", ""));
    project.scones(&["plan", "work"]).expect(0);
    assert_no_violations();
}

#[test]
fn tags_are_accepted_when_all_have_them() {
    let app = "accept-tags";
    let project = deployed(app);
    let arn = |rest: &str| format!("arn:aws:{}", rest.replace("APP", app));
    wait(async {
        let function = arn("lambda:us-east-1:123456789012:function:APP-work-echo");
        lambda().tag_resource().resource(function).tags("cost-centre", "café").send().await.unwrap();
    });
    let refused = project.scones(&["drift", "work", "--accept", "functions.echo:tags.cost-centre"]).expect(1);
    assert!(refused.stderr.contains("alarms.errors:tags.cost-centre: this would change with it"), "{}", refused.stderr);
    assert_eq!(project.read(FILE), OWN);

    wait(async {
        let tag = aws_sdk_cloudwatch::types::Tag::builder().key("cost-centre").value("café").build();
        let alarm = arn("cloudwatch:us-east-1:123456789012:alarm:APP-work-errors");
        cloudwatch().tag_resource().resource_arn(alarm).tags(tag).send().await.unwrap();
        let tag = aws_sdk_sfn::types::Tag::builder().key("cost-centre").value("café").build();
        let machine = arn("states:us-east-1:123456789012:stateMachine:APP-work-flow");
        states().tag_resource().resource_arn(machine).tags(tag).send().await.unwrap();
        let tag = aws_sdk_iam::types::Tag::builder().key("cost-centre").value("café").build().unwrap();
        iam().tag_role().role_name(format!("{app}-work-run")).tags(tag).send().await.unwrap();
    });
    project.scones(&["drift", "work", "--accept", "functions.echo:tags.cost-centre"]).expect(0);
    assert_eq!(project.read(FILE), OWN.replace("bakery", "café"));
    project.scones(&["plan", "work"]).expect(0);
    assert_no_violations();
}

const OPEN_TRUST: &str =
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"999999999999"},"Action":"sts:AssumeRole"}]}"#;

#[test]
fn what_no_file_can_say_is_refused_and_nothing_is_written() {
    let app = "accept-not";
    let project = deployed(app);
    let (function, role) = (format!("{app}-work-echo"), format!("{app}-work-run"));
    wait(async {
        configure(app, 512, 10, &[("GREETING", "hello"), ("PLAIN", "a"), ("EXTRA", "hunter2")]).await;
        lambda().create_alias().function_name(&function).name("beta").function_version("1").send().await.unwrap();
        iam().update_assume_role_policy().role_name(&role).policy_document(OPEN_TRUST).send().await.unwrap();
        iam().put_role_policy().role_name(&role).policy_name("more").policy_document(MORE).send().await.unwrap();
        let machine = format!("arn:aws:states:us-east-1:123456789012:stateMachine:{app}-work-flow");
        let definition = r#"{"StartAt":"A","States":{"A":{"Type":"Succeed"}}}"#;
        states().update_state_machine().state_machine_arn(machine).definition(definition).send().await.unwrap();
        cloudwatch().delete_alarms().alarm_names(format!("{app}-work-errors")).send().await.unwrap();
    });
    let cases = [
        ("functions.echo:environment.EXTRA", "environment.EXTRA: its value is hidden"),
        ("functions.echo", "other_aliases.beta: no key of a file says this"),
        ("functions.echo:alias.version", "apply publishes a version"),
        ("functions.echo:timeout", "timeout has not drifted; these have: alias.version, environment.EXTRA, memory"),
        ("roles.run:trust", "who may assume it follows from `assumed_by` or `trust`: edit that (environments/base.yaml:9:"),
        ("roles.run", "policies: its inline policy follows from `allow` and `deny`"),
        ("state_machines.flow", "the workflow is a file of its own: edit that (environments/base.yaml:"),
        ("alarms.errors", "it is gone: to accept that, take it out of the files (environments/work.yaml:12:3)"),
        ("alarms.missing", "it is not declared"),
    ];
    for (wanted, why) in cases {
        let run = project.scones(&["drift", "work", "--accept", wanted]).expect(1);
        assert!(run.stderr.contains(why), "{wanted}: {why:?} is not in\n{}", run.stderr);
        assert!(run.stderr.contains("No file was changed.") && !run.stderr.contains("hunter2"), "{}", run.stderr);
        assert_eq!(project.read(FILE), OWN, "{wanted}");
    }
    // One of several that cannot be accepted keeps all of them out.
    project.scones(&["drift", "work", "--accept", "functions.echo:memory", "roles.run"]).expect(1);
    assert_eq!(project.read(FILE), OWN);
    project.scones(&["drift", "work", "--accept", "functions.echo:memory"]).expect(0);
    assert_eq!(project.read(FILE), OWN.replace("memory: 256", "memory: 512"));
    assert_no_violations();
}

const MORE: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}]}"#;

#[test]
fn wrong_usage_is_told() {
    let project = Project::of_text("app: accept-usage\n");
    let run = project.offline(&["drift", "toy", "--accept", "echo"]).expect(1);
    assert!(run.stderr.contains("`echo` is no address"), "{}", run.stderr);
    let run = project.offline(&["drift", "toy", "--accept", "functions.echo", "--format", "json"]).expect(1);
    assert!(run.stderr.contains("cannot be used with"), "{}", run.stderr);
    project.offline(&["plan", "toy", "--format", "sarif"]).expect(1);
}
