//! Monitors that would see nothing.

use super::{HEAD, says};
use crate::support::Project;

/// An endpoint that captures, a function, and a monitor: its keys from line 16 on.
fn monitored(monitor: &[&str], capture: &str) -> String {
    let role = "\"arn:aws:iam::123456789012:role/x\"";
    let mut text = format!(
        "models:\n  net: {{ image: image-classification, artifact: \"s3://bucket/model.tar.gz\", role: {role} }}\n\
         endpoints:\n  net:\n    variants: {{ AllTraffic: {{ model: net, instance: ml.m5.large }} }}\n    capture: {capture}\n\
         functions:\n  look: {{ source: app, runtime: python3.13, handler: main.handler, role: {role}, permissions: {{ drift: {{ principal: events.amazonaws.com }} }} }}\n\
         \nmonitors:\n  drift:\n"
    );
    monitor.iter().for_each(|line| text += &format!("    {line}\n"));
    text
}

#[test]
fn monitors_that_would_see_nothing() {
    const CAPTURE: &str = "{ percent: 100, to: \"s3://bucket/capture\" }";
    let folders = "baseline: \"s3://bucket/baseline.json\", reports: \"s3://bucket/reports\"";
    let lambda = |rest: &str| {
        format!("{{ engine: lambda, endpoint: net, function: look, classes: [a, b], {folders}, {rest} }}").replacen("{ ", "", 1)
    };
    // One line, from column 12 on.
    let one = |rest: &str| monitored(&[], CAPTURE).replace("  drift:\n", &format!("  drift: {{ {}\n", lambda(rest)));
    says(&one("window: 1h"), "toy.yaml:15:3", &["this monitor never runs", "`every:`"]);
    says(&one("every: 1h, schedule: \"cron(0 6 * * ? *)\""), "toy.yaml:15:", &["two ways"]);
    says(&one("every: 90s"), "toy.yaml:15:", &["whole minutes"]);
    says(&one("schedule: \"cron(0 6 * * * *)\", window: 1d"), "toy.yaml:15:", &["must be `?`", "each day at 6:00 UTC"]);
    says(&one("schedule: \"cron(0 6 * * ? *)\""), "toy.yaml:15:3", &["`window` is needed"]);
    says(&one("every: 8d"), "toy.yaml:15:", &["up to seven days"]);
    says(&one("every: 1h, variant: AllTrafic"), "toy.yaml:15:", &["no variant AllTrafic", "did you mean `AllTraffic`?"]);
    says(&one("every: 1h, capture: \"s3://other/capture\""), "toy.yaml:15:", &["does not capture to", "s3://bucket/capture"]);
    says(&one("every: 1h, low_confidence: 80"), "toy.yaml:15:", &["80"]);
    let without_permission = one("every: 1h").replace("events.amazonaws.com", "sns.amazonaws.com");
    says(&without_permission, "toy.yaml:15:", &["lets no rule of EventBridge invoke it", "${monitors.drift.rule_arn}"]);
    let same = one("every: 1h") + "schedules:\n  drift: { function: look, every: 1h }\n";
    says(&same, "toy.yaml:17:3", &["monitors.drift has the name toy-toy-drift too"]);
    says(&one("every: 1h").replace("[a, b]", "[a]"), "toy.yaml:15:", &["2 to 100 classes"]);
    says(&one("every: 1h").replace("[a, b]", "[a, A]"), "toy.yaml:15:", &["the same metric"]);
    says(&one("every: 1h").replace("    capture: {", "    kms_key: x # {"), "toy.yaml:15:", &["captures nothing"]);
    says(&one("every: 1h").replace("bucket/capture\" }", "bucket/capture\", output: false }"), "toy.yaml:15:", &["no answers"]);
}

#[test]
fn windows_longer_than_captures_are_kept() {
    let text = "stacks:\n  base: { template: stacks/bucket.yaml, parameters: { Name: toy, Days: 2 } }\n\
        models:\n  net: { image: image-classification, artifact: \"s3://bucket/model.tar.gz\", role: \"arn:aws:iam::123456789012:role/x\" }\n\
        endpoints:\n  net: { variants: { AllTraffic: { model: net, instance: ml.m5.large } }, capture: { percent: 100, to: \"s3://${stacks.base.Bucket}/capture\" } }\n\
        functions:\n  look: { source: app, runtime: python3.13, handler: main.handler, role: \"arn:aws:iam::123456789012:role/x\", permissions: { drift: { principal: events.amazonaws.com } } }\n\
        monitors:\n  drift: { engine: lambda, endpoint: net, function: look, every: 1h, window: 3d, classes: [a, b], baseline: \"s3://bucket/baseline.json\", reports: \"s3://bucket/reports\" }\n";
    let project = Project::of_text(&format!("{HEAD}{text}"));
    project.write("app/main.py", "def handler(event, context):\n    return event\n");
    project.write(
        "stacks/bucket.yaml",
        "Parameters: { Name: { Type: String }, Days: { Type: Number } }\nResources:\n  Bucket:\n    Type: AWS::S3::Bucket\n    Properties:\n      BucketName: !Sub \"${Name}-${AWS::AccountId}\"\n      LifecycleConfiguration:\n        Rules: [{ Status: Enabled, Prefix: capture/, ExpirationInDays: !Ref Days }]\nOutputs:\n  Bucket: { Value: !Ref Bucket }\n",
    );
    let run = project.offline(&["validate", "toy"]).expect(1);
    assert!(run.stderr.contains("toy.yaml:14:") && run.stderr.contains("keeps captures for 2 days"), "{}", run.stderr);
    project.edit("environments/toy.yaml", "Days: 2", "Days: 3");
    project.offline(&["validate", "toy"]).expect(0);
}

#[test]
fn monitors_that_sagemaker_would_fail_at() {
    const CAPTURE: &str = "{ percent: 100, to: \"s3://bucket/capture\" }";
    let one = |rest: &str| {
        let keys =
            "engine: sagemaker, endpoint: net, role: \"arn:aws:iam::123456789012:role/x\", reports: \"s3://bucket/reports\"";
        let text = monitored(&[], CAPTURE).replace("  drift:\n", &format!("  drift: {{ {keys}, {rest} }}\n"));
        text.replace("image: image-classification", "image: \"123456789012.dkr.ecr.us-east-1.amazonaws.com/net:1\"")
    };
    let good = "baseline: { data: \"s3://bucket/training.csv\" }";
    let pictures = one(&format!("every: 1h, {good}"))
        .replace("image: \"123456789012.dkr.ecr.us-east-1.amazonaws.com/net:1\"", "image: image-classification");
    says(&pictures, "toy.yaml:15:", &["pictures in base64 and answers in JSON", "use `engine: lambda`"]);
    says(&pictures.replace("/capture\" }", "/capture\", output: false }"), "toy.yaml:15:", &["captures pictures, which"]);
    says(&one(&format!("every: 1h, content: image, {good}")), "toy.yaml:15:", &["pictures in base64"]);
    says(&one(&format!("every: 90m, {good}")), "toy.yaml:15:", &["whole hours"]);
    says(&one(&format!("every: 5h, {good}")), "toy.yaml:15:", &["one of 1h, 2h, 3h"]);
    says(&one(&format!("schedule: \"cron(0 6 * * ? *)\", {good}")), "toy.yaml:15:", &["cron(0 6 ? * * *), each day"]);
    says(&one(&format!("every: 1h, max_runtime: 2h, {good}")), "toy.yaml:15:", &["ends before the next"]);
    says(&one(&format!("every: 1h, instance: ml.m5.larg, {good}")), "toy.yaml:15:", &["did you mean `ml.m5.large`?"]);
    says(&one("every: 1h, baseline: \"s3://bucket/baseline.json\""), "toy.yaml:15:", &["statistics"]);
    says(
        &one("every: 1h, baseline: { data: \"s3://bucket/a.csv\", statistics: \"s3://bucket/s.json\" }"),
        "toy.yaml:15:",
        &["either `data`"],
    );
    says(&one(&format!("every: 1h, classes: [a, b], {good}")), "toy.yaml:15:", &["`classes` is for engine lambda"]);
    let roleless = one(&format!("every: 1h, {good}")).replacen(
        "endpoint: net, role: \"arn:aws:iam::123456789012:role/x\"",
        "endpoint: net",
        1,
    );
    says(&roleless, "toy.yaml:15:3", &["engine sagemaker needs the key `role`"]);
    // Answers alone can be read.
    let project = Project::of_text(&format!("{HEAD}{}", pictures.replace("/capture\" }", "/capture\", input: false }")));
    project.write("app/main.py", "def handler(event, context):\n    return event\n");
    project.offline(&["validate", "toy"]).expect(0);
}
