//! Resources that AWS would refuse, or that could never do their work.

use super::says;
use crate::support::Project;

#[test]
fn names_too_long_or_of_bad_characters() {
    let long = "a".repeat(60);
    says(
        &format!("roles:\n  {long}: {{ assumed_by: lambda.amazonaws.com }}\n"),
        "toy.yaml:6:3",
        &["68 characters", "at most 64", "`name:`"],
    );
    says("roles:\n  a_b: { assumed_by: lambda.amazonaws.com }\n", "toy.yaml:6:3", &["cannot be a name"]);
    says("roles:\n  a: { assumed_by: lambda.amazonaws.com, name: \"a b\" }\n", "toy.yaml:6:48", &["has not the right form"]);
}

#[test]
fn policies_that_iam_would_refuse() {
    let allow = |actions: &str, resources: &str| {
        format!(
            "roles:\n  run:\n    assumed_by: lambda.amazonaws.com\n    allow:\n      - {{ actions: [{actions}], resources: [{resources}] }}\n"
        )
    };
    says(&allow("GetObject", "\"*\""), "toy.yaml:9:", &["GetObject"]);
    says(&allow("\"s3:GetObject\"", "bucket"), "toy.yaml:9:", &["bucket"]);
    says("roles:\n  run: { assumed_by: somebody }\n", "toy.yaml:6:", &["somebody"]);
    says("roles:\n  run: { description: x }\n", "toy.yaml:6:3", &["nobody may assume this role", "assumed_by"]);
}

#[test]
fn workflows_that_step_functions_would_refuse() {
    let project = Project::from_fixture("toy", "broken");
    project.edit("stacks/pass.asl.yaml", "End: true", "Next: Nowhere");
    let run = project.offline(&["validate", "toy"]).expect(1);
    assert!(run.stderr.contains("stacks/pass.asl.yaml:10:") && run.stderr.contains("Nowhere"), "{}", run.stderr);
}

#[test]
fn templates_that_cloudformation_would_refuse() {
    let project = Project::from_fixture("toy", "broken");
    project.edit("stacks/bucket.yaml", "!Ref Name", "!Ref Nmae");
    let run = project.offline(&["validate", "toy"]).expect(1);
    assert!(run.stderr.contains("stacks/bucket.yaml:") && run.stderr.contains("Nmae"), "{}", run.stderr);
}

#[test]
fn missing_templates_and_packages() {
    says("stacks:\n  base: { template: nowhere.yaml }\n", "toy.yaml:6:21", &["nowhere.yaml"]);
    says("stacks:\n  base: { template: ../nowhere.yaml }\n", "toy.yaml:6:21", &["leaves the project's folder"]);
    let function = "functions:\n  f: { source: nowhere, role: \"arn:aws:iam::123456789012:role/x\" }\n";
    says(function, "toy.yaml:6:16", &["nowhere"]);
}

#[test]
fn alarms_on_expressions_that_watch_nothing() {
    let alarm = |text: &str| format!("alarms:\n  a:\n    comparison: \">\"\n    threshold: 1\n{text}");
    let calls = "      - { id: calls, metric: AWS/Lambda Invocations, statistic: Sum, period: 1m }\n";
    let metrics = |queries: &str| alarm(&format!("    metrics:\n{calls}{queries}"));
    says(&alarm(""), "toy.yaml:6:3", &["`metric`, `statistic`, `period` is missing"]);
    says(&metrics(""), "toy.yaml:9:", &["there is no expression to watch"]);
    says(&metrics("      - { id: e, expression: cals * 2 }\n"), "toy.yaml:11:30", &["no query `cals`", "did you mean `calls`?"]);
    says(&metrics("      - { id: e, expression: e + calls }\n"), "toy.yaml:11:30", &["made of itself"]);
    says(&metrics("      - { id: e, expression: calls, statistic: Sum }\n"), "toy.yaml:11:48", &["`statistic` is for metrics"]);
    says(&metrics("      - { id: e, expression: calls }\n    period: 1m\n"), "toy.yaml:12:13", &["beside `metrics`"]);
    says(&metrics("      - { id: calls, expression: \"1\" }\n"), "toy.yaml:11:15", &["two queries with the id calls"]);
    says(
        &metrics("      - { id: e, expression: calls }\n      - { id: f, expression: calls }\n"),
        "toy.yaml:9:",
        &["return: true"],
    );
    says(
        &metrics("      - { id: e, metric: AWS/Lambda Errors }\n      - { id: f, expression: e }\n"),
        "toy.yaml:11:",
        &["`statistic`, `period` is missing"],
    );
    says(&metrics("      - { id: e, expression: \"SEARCH('x', 'Sum')\" }\n"), "toy.yaml:11:30", &["SEARCH"]);
}

#[test]
fn composite_alarms_that_cloudwatch_would_refuse() {
    let alarm = |rule: &str| format!("composite_alarms:\n  c: {{ rule: '{rule}' }}\n");
    says(&alarm("ALRAM(a)"), "toy.yaml:6:14", &["`ALRAM`", "did you mean `ALARM`?"]);
    says(&alarm("ALARM(a) ALARM(b)"), "toy.yaml:6:14", &["where AND, OR or the end belongs"]);
    says(&alarm("ALARM(${alarms.a.name})"), "toy.yaml:6:", &["alarms.a is not declared"]);
    says(&alarm("ALARM(${app}-toy-c)"), "toy.yaml:6:14", &["cannot watch itself"]);
    let both = "alarms:\n  c: { metric: A B, statistic: Sum, period: 1m, comparison: \">\", threshold: 1 }\n";
    says(&format!("{both}{}", alarm("TRUE")), "toy.yaml:8:3", &["alarms.c has the name toy-toy-c too"]);
    let ring =
        "composite_alarms:\n  a: { rule: 'OK(${composite_alarms.b.name})' }\n  b: { rule: 'OK(${composite_alarms.a.name})' }\n";
    says(ring, "toy.yaml:6:3", &["composite_alarms.a → composite_alarms.b → composite_alarms.a"]);
}

#[test]
fn scaling_that_aws_would_refuse() {
    let endpoint = |text: &str| {
        format!(
            "models:\n  m: {{ role: arn:aws:iam::123456789012:role/r, image: image-classification, artifact: s3://bucket/m.tar.gz }}\nendpoints:\n  e:\n    variants:\n      A: {{ model: m, {text} }}\n"
        )
    };
    says(&endpoint("instance: ml.m5.large, scaling: { min: 3, max: 2, target: 70 }"), "toy.yaml:10:", &["fewer than 3"]);
    says(
        &endpoint("instance: ml.m5.large, count: 3, scaling: { min: 1, max: 2, target: 70 }"),
        "toy.yaml:10:",
        &["which is 1 to 2"],
    );
    says(&endpoint("instance: ml.m5.large, scaling: { min: 1, max: 2, target: 0 }"), "toy.yaml:10:", &["more than 0"]);
    says(&endpoint("instance: ml.t2.medium, scaling: { min: 1, max: 2, target: 7 }"), "toy.yaml:10:", &["burstable"]);
    let serverless = "serverless: { memory: 1024, max_concurrency: 5 }, scaling: { min: 1, max: 2, target: 7 }";
    says(&endpoint(serverless), "toy.yaml:10:", &["no instances to scale"]);
}

#[test]
fn models_have_one_source() {
    let model = |text: &str| format!("models:\n  m: {{ role: arn:aws:iam::123456789012:role/r, {text} }}\n");
    says(&model("image: image-classification"), "toy.yaml:6:3", &["the key `artifact` is missing", "`package`"]);
    let package = "arn:aws:sagemaker:us-east-1:123456789012:model-package/m/1";
    says(
        &model(&format!("package: '{package}', artifact: s3://bucket/model.tar.gz")),
        "toy.yaml:6:",
        &["`package` gives the artifact already"],
    );
    says(&model("package: m/1"), "toy.yaml:6:", &["has not the right form"]);
    says(
        &model("package: '${model_package_groups.m.latest_approved}'"),
        "toy.yaml:6:",
        &["model_package_groups.m is not declared"],
    );
}

#[test]
fn dashboards_that_cloudwatch_would_refuse() {
    says("dashboards:\n  d: {}\n", "toy.yaml:6:3", &["`body:`", "`widgets:`"]);
    let widget = |text: &str| format!("dashboards:\n  d:\n    widgets:\n      - {text}\n");
    says(&widget("{ type: metrik, properties: {} }"), "toy.yaml:8:17", &["did you mean `metric`?"]);
    says(&widget("{ type: text, width: 30, properties: { markdown: a } }"), "toy.yaml:8:30", &["from 1 to 24"]);
    says(&widget("{ type: text, properties: { markdown: \"${app\" } }"), "toy.yaml:8:", &["has no `}`"]);
    let project = Project::from_fixture("toy", "broken");
    project.edit("stacks/overview.yaml", "markdown:", "markdwn:");
    let run = project.offline(&["validate", "toy"]).expect(1);
    assert!(run.stderr.contains("stacks/overview.yaml:3:") && run.stderr.contains("markdown"), "{}", run.stderr);
}
#[test]
fn runtimes_past_their_end() {
    let function = |runtime: &str| {
        format!(
            "functions:\n  f: {{ source: app, handler: main.handler, role: \"arn:aws:iam::123456789012:role/x\", runtime: {runtime} }}\n"
        )
    };
    says(&function("python3.8"), "toy.yaml:6:", &["deprecated the runtime python3.8", "python3.13"]);
    says(&function("pyton3.13"), "toy.yaml:6:", &["did you mean python3.13?"]);
}
