//! Bad input gets a clear error with its place, within seconds, and nothing is changed.

use std::time::{Duration, Instant};

use crate::support::{Project, Run};

const HEAD: &str = "app: toy\nenvironment: toy\naccount: \"123456789012\"\nregion: us-east-1\n";

/// Validates a file made of the usual head and the text given.
#[track_caller]
fn refused(text: &str) -> Run {
    let project = Project::of_text(&format!("{HEAD}{text}"));
    project.write("main.yaml", "Resources: { T: { Type: AWS::SNS::Topic } }\n");
    project.write("app/main.py", "def handler(event, context):\n    return event\n");
    let begun = Instant::now();
    let run = project.offline(&["validate", "toy"]).expect(1);
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    assert!(!run.stderr.contains("panicked"), "{}", run.stderr);
    run
}

/// Each case: the text, the place the error must name, and words it must hold.
#[track_caller]
fn says(text: &str, place: &str, words: &[&str]) {
    let run = refused(text);
    assert!(run.stderr.contains(place), "{place} is not in\n{}", run.stderr);
    for word in words {
        assert!(run.stderr.contains(word), "{word:?} is not in\n{}", run.stderr);
    }
}

#[test]
fn unknown_and_misspelt_keys_name_the_nearest() {
    says("regoin: x\n", "toy.yaml:5:1", &["regoin", "did you mean `region`?"]);
    says(
        "roles:\n  run: { assumed_by: lambda.amazonaws.com, descripton: x }\n",
        "toy.yaml:6:44",
        &["did you mean `description`?"],
    );
    says("roles:\n  run: { assumed_by: lambda.amazonaws.com, zebra: x }\n", "toy.yaml:6:44", &["known keys", "boundary"]);
}

#[test]
fn duplicate_keys_show_both_places() {
    says(
        "roles:\n  run: { assumed_by: lambda.amazonaws.com }\n  run: { assumed_by: lambda.amazonaws.com }\n",
        "toy.yaml:7:3",
        &["twice", "the first is here"],
    );
}

#[test]
fn wrong_types_say_what_belongs_there() {
    says("tags: [a]\n", "toy.yaml:5:7", &["a list", "a mapping belongs here"]);
    says("pins: { a: 012 }\nassume_role: 5\n", "toy.yaml:6:14", &["put it in quotes"]);
    says("protect: \"yes\"\n", "toy.yaml:5:10", &["true or false"]);
}

#[test]
fn several_errors_come_in_one_run() {
    let run = refused("regoin: x\nprotect: 1\nroles:\n  run: { assumd_by: x }\n");
    for place in ["toy.yaml:5:1", "toy.yaml:6:10", "toy.yaml:8:10"] {
        assert!(run.stderr.contains(place), "{place} is not in\n{}", run.stderr);
    }
    assert!(run.stderr.contains("3 errors found; nothing was changed"), "{}", run.stderr);
}

#[test]
fn dangling_references_are_found_at_their_column() {
    let role = |resource: &str| {
        format!(
            "roles:\n  run:\n    assumed_by: lambda.amazonaws.com\n    allow:\n      - {{ actions: [\"s3:GetObject\"], resources: [\"x${{{resource}}}\"] }}\n"
        )
    };
    says(&role("roles.rum.arn"), "toy.yaml:9:52", &["roles.rum is not declared", "did you mean `run`?"]);
    says(&role("roles.run.arm"), "toy.yaml:9:52", &["no attribute `arm`", "did you mean `arn`?"]);
    says(&role("rolls.run.arn"), "toy.yaml:9:52", &["leads nowhere", "did you mean `roles`?"]);
    says(&role("environmnt"), "toy.yaml:9:52", &["did you mean `environment`?"]);
}

#[test]
fn outputs_that_no_template_has_are_dangling() {
    let text = "stacks:\n  base: { template: main.yaml }\nroles:\n  run:\n    assumed_by: lambda.amazonaws.com\n    description: \"${stacks.base.Nothing}\"\n";
    says(text, "toy.yaml:10:19", &["stacks.base has no output `Nothing`"]);
}

#[test]
fn a_true_cycle_shows_its_path() {
    let project = Project::of_text(&format!(
        "{HEAD}stacks:\n  a: {{ template: t.yaml, parameters: {{ In: \"${{stacks.b.Out}}\" }} }}\n  b: {{ template: t.yaml, parameters: {{ In: \"${{stacks.a.Out}}\" }} }}\n"
    ));
    project.write("t.yaml", "Parameters: { In: { Type: String } }\nResources: { T: { Type: AWS::SNS::Topic } }\nOutputs: { Out: { Value: !Ref T } }\n");
    let run = project.offline(&["validate", "toy"]).expect(1);
    assert!(run.stderr.contains("stacks.a → stacks.b → stacks.a"), "{}", run.stderr);
}

#[test]
fn extending_oneself_goes_round() {
    let project = Project::of_text("extends: toy.yaml\napp: toy\n");
    let run = project.offline(&["validate", "toy"]).expect(1);
    assert!(run.stderr.contains("goes round") && run.stderr.contains("toy.yaml:1:10"), "{}", run.stderr);
    project.write("environments/toy.yaml", "extends: other.yaml\n");
    project.write("environments/other.yaml", "extends: toy.yaml\n");
    let run = project.offline(&["validate", "toy"]).expect(1);
    assert!(run.stderr.contains("environments/toy.yaml → environments/other.yaml → environments/toy.yaml"), "{}", run.stderr);
}

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

#[test]
fn missing_templates_and_packages() {
    says("stacks:\n  base: { template: nowhere.yaml }\n", "toy.yaml:6:21", &["nowhere.yaml"]);
    says("stacks:\n  base: { template: ../nowhere.yaml }\n", "toy.yaml:6:21", &["leaves the project's folder"]);
    let function = "functions:\n  f: { source: nowhere, role: \"arn:aws:iam::123456789012:role/x\" }\n";
    says(function, "toy.yaml:6:16", &["nowhere"]);
}

#[test]
fn hostile_files_are_refused_quickly() {
    let mut bomb = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for level in 1..12 {
        let inner = vec![format!("*a{}", level - 1); 10].join(", ");
        bomb += &format!("a{level}: &a{level} [{inner}]\n");
    }
    says(&bomb, "toy.yaml:", &["once its aliases are expanded"]);
    says(&format!("tags: {}{}\n", "[".repeat(5000), "]".repeat(5000)), "toy.yaml:5:", &["deep"]);
    says(
        &format!("tags:\n{}", (0..300).map(|depth| format!("{}a:\n", " ".repeat(depth + 1))).collect::<String>()),
        "toy.yaml:",
        &[],
    );
    says("tags: { a: *b }\n", "toy.yaml:5:", &[]);
    says("tags: { a: \"unclosed }\n", "toy.yaml:", &["not YAML"]);
    says("tags: !!python/object:os.system { a: b }\n", "toy.yaml:5:", &["tag"]);
    says("---\nx: 1\n", "toy.yaml:", &["second document"]);
}

#[test]
fn large_files_are_not_even_read() {
    let project = Project::of_text("");
    let file = std::fs::File::create(project.path("environments/toy.yaml")).unwrap();
    file.set_len(60 << 20).unwrap();
    let begun = Instant::now();
    let run = project.offline(&["validate", "toy"]).expect(1);
    assert!(run.stderr.contains("62914560 bytes") && begun.elapsed() < Duration::from_secs(2), "{}", run.stderr);
}

#[test]
fn what_is_no_mapping_or_no_text() {
    for (bytes, words) in [
        (&b"- a\n"[..], "a mapping belongs here"),
        (b"", "a mapping belongs here"),
        (b"\xff\xfe", "not UTF-8"),
        (b"\0", "toy.yaml"),
    ] {
        let project = Project::of_text("");
        std::fs::write(project.path("environments/toy.yaml"), bytes).unwrap();
        let run = project.offline(&["validate", "toy"]).expect(1);
        assert!(run.stderr.contains(words) && !run.stderr.contains("panicked"), "{}", run.stderr);
    }
}

#[test]
fn wrong_usage_exits_1() {
    let project = Project::of_text(HEAD);
    for arguments in [
        &["plan"][..],
        &["plan", "toy", "--nonsense"],
        &["nonsense"],
        &["plan", "toy", "--format", "xml"],
        &["validate", "nowhere"],
        &[],
    ] {
        project.offline(arguments).expect(1);
    }
    let run = project.offline(&["validate", "tooy"]).expect(1);
    assert!(run.stderr.contains("did you mean toy?"), "{}", run.stderr);
}

#[test]
fn no_credentials_says_how_to_get_some() {
    let project = Project::of_text(&format!("{HEAD}roles:\n  run: {{ assumed_by: lambda.amazonaws.com }}\n"));
    let mut command = project.command(&["plan", "toy"]);
    command
        .env_remove("AWS_ACCESS_KEY_ID")
        .env_remove("AWS_SECRET_ACCESS_KEY")
        .env("HOME", project.path(""))
        .env("AWS_EC2_METADATA_DISABLED", "true");
    let begun = Instant::now();
    let run = Run::from(command.output().unwrap()).expect(1);
    assert!(run.stderr.contains("AWS_PROFILE"), "{}", run.stderr);
    assert!(begun.elapsed() < Duration::from_secs(8), "{:?}", begun.elapsed());
}

#[test]
fn nobody_answers_says_so() {
    let project = Project::of_text(&format!("{HEAD}roles:\n  run: {{ assumed_by: lambda.amazonaws.com }}\n"));
    let mut command = project.command(&["plan", "toy"]);
    // Port 9 on loopback: nothing listens there.
    command.env("AWS_ENDPOINT_URL", "http://127.0.0.1:9");
    let run = Run::from(command.output().unwrap()).expect(1);
    assert!(run.stderr.contains("sts:GetCallerIdentity") && run.stderr.contains("AWS_ENDPOINT_URL"), "{}", run.stderr);
}

#[test]
fn another_account_is_refused() {
    let project = Project::of_text(&HEAD.replace("123456789012", "999999999999"));
    let run = project.scones(&["apply", "toy", "--yes"]).expect(1);
    assert!(run.stderr.contains("account 123456789012") && run.stderr.contains("belongs to 999999999999"), "{}", run.stderr);
}

#[test]
fn nobody_to_ask_wants_yes() {
    let project = Project::from_fixture("toy", "unasked");
    let run = project.scones(&["apply", "toy"]).expect(1);
    assert!(run.stderr.contains("add --yes"), "{}", run.stderr);
    let plan = project.scones(&["plan", "toy", "--format", "json"]).expect(2).json();
    assert_eq!(plan["summary"]["unchanged"], 0);
}

#[test]
fn readers_that_go_away_are_no_error() {
    use std::process::Stdio;
    let project = Project::of_text(HEAD);
    let mut child = project.command(&["schema"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert!(!String::from_utf8_lossy(&output.stderr).contains("panicked"));
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

/// A function that a schedule invokes: the schedule's keys from line 10 on.
fn scheduled(keys: &str, permission: &str) -> String {
    format!(
        "roles: {{ run: {{ assumed_by: lambda.amazonaws.com }} }}\n\
         functions:\n  look: {{ source: app, role: run, permissions: {{ {permission} }} }}\n\
         schedules:\n  nightly: {{ function: look, {keys} }}\n"
    )
}

#[test]
fn schedules_that_would_never_run() {
    const LET_IN: &str = "nightly: { principal: events.amazonaws.com, source_arn: \"${schedules.nightly.arn}\" }";
    says(&scheduled("enabled: true", LET_IN), "toy.yaml:9:3", &["this schedule never runs", "`every:`"]);
    says(&scheduled("every: 1h, schedule: \"cron(0 6 * * ? *)\"", LET_IN), "toy.yaml:9:", &["write one of them"]);
    says(&scheduled("every: 90s", LET_IN), "toy.yaml:9:", &["whole minutes"]);
    says(&scheduled("schedule: \"cron(0 6 * * * *)\"", LET_IN), "toy.yaml:9:", &["must be `?`"]);
    says(&scheduled("every: 1h", ""), "toy.yaml:9:", &["lets no rule of EventBridge invoke it", "${schedules.nightly.arn}"]);
    let long = format!("every: 1h, input: {{ text: \"{}\" }}", "x".repeat(8200));
    says(&scheduled(&long, LET_IN), "toy.yaml:9:", &["8192 characters"]);
    says(&scheduled("every: 1h", LET_IN).replace("function: look", "function: lok"), "toy.yaml:9:", &["did you mean `look`?"]);
}

#[test]
fn drift_checks_that_cannot_be() {
    says("drift_check: {}\n", "toy.yaml:5:1", &["`every` is missing"]);
    says("drift_check: { every: 1m }\n", "toy.yaml:5:23", &["5m to every 1d"]);
    says("drift_check: { every: 2d }\n", "toy.yaml:5:23", &["5m to every 1d"]);
    says("drift_check: { every: 301s }\n", "toy.yaml:5:23", &["whole minutes"]);
    says("drift_check: { every: 1h, alarm_actions: [topic] }\n", "toy.yaml:5:43", &["`topic` has not the right form"]);
    says("drift_check: { every: 1h, callers: [root] }\n", "toy.yaml:5:37", &["`root` has not the right form"]);
    says("drift_check: { every: 1h, architecture: mips }\n", "toy.yaml:5:41", &["x86_64"]);
    says(
        "drift_check: { every: 1h, alarm_actions: [\"${stacks.base.Topic}\"] }\n",
        "toy.yaml:5:",
        &["stacks.base is not declared"],
    );
    let taken = "drift_check: { every: 1h }\nroles: { drift-check: { assumed_by: lambda.amazonaws.com } }\n";
    says(taken, "toy.yaml:6:10", &["`drift_check` makes roles.drift-check itself", "another name"]);
}
