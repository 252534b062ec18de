//! What `validate` accepts, AWS's models accept: environments made at random, valid and almost valid, are applied if they
//! pass, and none may send a request that botocore's models forbid.

use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde_json::{Value, json};

use crate::support::{Project, gateway};

/// Text with what people paste: line ends, quotes, other alphabets, too much of it.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => "[A-Za-z0-9 .,:/_-]{0,40}",
        1 => select(vec!["", " ", "line\nbreak", "tab\there", "späte Brötchen", "日本", "\"quoted\"", "a{b}", "<x>", "é\u{301}", "🚲", "\u{1}", "50% & more"]).prop_map(str::to_owned),
        1 => (0usize..1200).prop_map(|length| "x".repeat(length)),
    ]
}

/// Numbers around the limits that services have.
fn number() -> impl Strategy<Value = i64> {
    prop_oneof![
        select(vec![
            -1, 0, 1, 2, 3, 10, 30, 59, 60, 61, 90, 100, 101, 120, 127, 128, 129, 200, 256, 300, 365, 511, 512, 900, 901, 1000,
            3599, 3600
        ]),
        select(vec![3600, 7200, 10240, 10241, 43200, 43201, 86400, 100_000, 604_800, 604_801, 5_000_000_000]),
        0i64..20_000,
    ]
}

fn duration() -> impl Strategy<Value = String> {
    (number(), select(vec!["s", "m", "h", "d", "", "x"])).prop_map(|(value, unit)| format!("{value}{unit}"))
}

fn map() -> impl Strategy<Value = Value> {
    let key = prop_oneof![3 => "[A-Za-z_][A-Za-z0-9_]{0,20}", 1 => text()];
    prop::collection::btree_map(key, text(), 0..4).prop_map(|map| json!(map))
}

/// A field that is there or not.
fn optional<S: Strategy<Value = Value> + 'static>(name: &'static str, value: S) -> BoxedStrategy<Vec<(String, Value)>> {
    prop_oneof![Just(vec![]), value.prop_map(move |value| vec![(name.to_owned(), value)])].boxed()
}

fn object(fixed: Value, fields: Vec<BoxedStrategy<Vec<(String, Value)>>>) -> impl Strategy<Value = Value> {
    fields.prop_map(move |groups| {
        let mut object = fixed.clone();
        for (key, value) in groups.into_iter().flatten() {
            object[key] = value;
        }
        object
    })
}

fn role() -> impl Strategy<Value = Value> {
    let action = select(vec!["s3:GetObject", "s3:*", "*", "logs:Put*", "s3:Get Object", "s3", "iam:PassRole"]);
    let resource = select(vec!["*", "arn:aws:s3:::b/*", "arn:aws:s3:::", "b", "arn:aws:sns:us-east-1:123456789012:t"]);
    let statement = (action, resource, text()).prop_map(|(action, resource, text)| {
        json!({ "actions": [action], "resources": [resource], "condition": { "StringEquals": { "aws:SourceAccount": text } } })
    });
    object(
        json!({ "assumed_by": ["lambda.amazonaws.com", "states.amazonaws.com", "sagemaker.amazonaws.com"] }),
        vec![
            optional("description", text().prop_map(Value::from)),
            optional("max_session_duration", number().prop_map(Value::from)),
            optional("allow", prop::collection::vec(statement, 0..3).prop_map(Value::from)),
            optional("name", "[A-Za-z0-9+=,.@_-]{1,70}".prop_map(|name| Value::from(format!("gen-{name}")))),
        ],
    )
}

fn function() -> impl Strategy<Value = Value> {
    object(
        json!({ "source": "app", "runtime": "python3.12", "handler": "main.handler", "role": "run" }),
        vec![
            optional("memory", number().prop_map(Value::from)),
            optional("timeout", duration().prop_map(Value::from)),
            optional("description", text().prop_map(Value::from)),
            optional("environment", map()),
            optional("ephemeral_storage", number().prop_map(Value::from)),
            optional("reserved_concurrency", select(vec![-1, 0, 1, 5]).prop_map(Value::from)),
            optional("log_retention", number().prop_map(Value::from)),
            optional("log_format", select(vec!["Text", "JSON", "json"]).prop_map(Value::from)),
            optional("architecture", select(vec!["x86_64", "arm64", "mips"]).prop_map(Value::from)),
            optional("handler", text().prop_map(Value::from)),
        ],
    )
}

fn alarm() -> impl Strategy<Value = Value> {
    let metric =
        prop_oneof![Just("AWS/Lambda Errors".to_owned()), text(), (text(), text()).prop_map(|(a, b)| format!("{a} {b}"))];
    object(
        json!({ "metric": "AWS/Lambda Errors", "of": "functions.echo", "statistic": "Sum", "period": "1m", "comparison": ">", "threshold": 1 }),
        vec![
            optional("metric", metric.prop_map(Value::from)),
            optional("description", text().prop_map(Value::from)),
            optional(
                "statistic",
                select(vec!["Sum", "p99", "p99.9", "p101", "tm90", "TM(10%:90%)", "p", "IQM", "Average"]).prop_map(Value::from),
            ),
            optional("period", duration().prop_map(Value::from)),
            optional("evaluation_periods", number().prop_map(Value::from)),
            optional("datapoints_to_alarm", number().prop_map(Value::from)),
            optional("threshold", (-1e9f64..1e9).prop_map(Value::from)),
            optional("comparison", select(vec![">", ">=", "<", "=", "LessThanThreshold"]).prop_map(Value::from)),
            optional("missing_data", select(vec!["missing", "ignore", "breaching", "no"]).prop_map(Value::from)),
            optional("unit", select(vec!["Seconds", "Count", "Bytes/Second", "Pounds"]).prop_map(Value::from)),
            optional("dimensions", map()),
        ],
    )
}

fn expression() -> impl Strategy<Value = Value> {
    let expression = prop_oneof![
        select(vec!["errors / 2", "IF(errors > 1, errors, 0)", "nothing", "100*errors", "errors;", "share"])
            .prop_map(str::to_owned),
        text(),
    ];
    (expression, text(), duration(), "[A-Za-z_][a-z0-9_]{0,8}").prop_map(|(expression, label, period, id)| {
        json!({ "comparison": ">", "threshold": 1, "metrics": [
            { "id": id, "expression": expression, "label": label },
            { "id": "errors", "metric": "AWS/Lambda Errors", "of": "functions.echo", "statistic": "Sum", "period": period },
        ] })
    })
}

fn composite_alarm() -> impl Strategy<Value = Value> {
    let rule = select(vec!["ALARM(\"${alarms.errors.name}\")", "NOT OK(${alarms.errors.arn}) OR FALSE", "TRUE", "(TRUE", "AND"]);
    object(
        json!({ "rule": "ALARM(${alarms.errors.name})" }),
        vec![
            optional("rule", rule.prop_map(Value::from)),
            optional("description", text().prop_map(Value::from)),
            optional("enabled", any::<bool>().prop_map(Value::from)),
            optional(
                "suppressor",
                (duration(), duration()).prop_map(
                    |(wait, extension)| json!({ "alarm": "${alarms.errors.name}", "wait": wait, "extension": extension }),
                ),
            ),
        ],
    )
}

fn dashboard() -> impl Strategy<Value = Value> {
    (text(), number(), number()).prop_map(|(markdown, width, height)| {
        json!({ "widgets": [{ "type": "text", "width": width % 30, "height": height, "properties": { "markdown": markdown } }] })
    })
}

fn endpoint() -> impl Strategy<Value = Value> {
    let variant = object(
        json!({ "model": "net", "instance": "ml.m5.large" }),
        vec![
            optional(
                "scaling",
                (number(), number(), number(), duration()).prop_map(
                    |(min, max, target, wait)| json!({ "min": min, "max": max, "target": target, "scale_in_cooldown": wait }),
                ),
            ),
            optional("count", select(vec![0, 1, 2, 10]).prop_map(Value::from)),
            optional("weight", select(vec![json!(0), json!(1), json!(0.5), json!(-1)])),
            optional(
                "instance",
                select(vec!["ml.m5.xlarge", "ml.nonsense.large", "m5.large", "ml.t2.medium"]).prop_map(Value::from),
            ),
        ],
    );
    let name = prop_oneof![Just("AllTraffic".to_owned()), "[A-Za-z0-9-]{1,70}"];
    let capture = object(
        json!({ "percent": 100, "to": "s3://capture-bucket/x" }),
        vec![
            optional("percent", number().prop_map(Value::from)),
            optional("to", select(vec!["s3://b", "s3://bucket-name/with/prefix", "https://x"]).prop_map(Value::from)),
            optional("input", any::<bool>().prop_map(Value::from)),
            optional("output", any::<bool>().prop_map(Value::from)),
        ],
    );
    (name, variant, optional("capture", capture)).prop_map(|(name, variant, capture)| {
        let mut endpoint = json!({ "variants": { name: variant } });
        for (key, value) in capture {
            endpoint[key] = value;
        }
        endpoint
    })
}

fn monitor() -> impl Strategy<Value = Value> {
    object(
        json!({
            "engine": "lambda", "endpoint": "net", "function": "echo", "every": "1h", "classes": ["a", "b"],
            "baseline": "s3://bucket/baseline.json", "reports": "s3://bucket/reports",
        }),
        vec![
            optional("every", duration().prop_map(Value::from)),
            optional("window", duration().prop_map(Value::from)),
            optional("classes", prop::collection::vec(text(), 1..12).prop_map(Value::from)),
            optional("low_confidence", select(vec![json!(0), json!(0.5), json!(1), json!(2)])),
            optional("minimum_records", number().prop_map(Value::from)),
            optional("reports", select(vec!["s3://b", "s3://bucket-name/a/b/", "https://x"]).prop_map(Value::from)),
            optional("enabled", any::<bool>().prop_map(Value::from)),
        ],
    )
}

fn schedule() -> impl Strategy<Value = Value> {
    let cron = select(vec!["cron(0 6 * * ? *)", "cron(0/5 8-17 ? * MON-FRI *)", "cron(0 6 * * * *)", "rate(1 hour)", ""]);
    let when = prop_oneof![
        2 => duration().prop_map(|every| json!({ "function": "echo", "every": every })),
        1 => cron.prop_map(|cron| json!({ "function": "echo", "schedule": cron })),
    ];
    let fields = vec![
        optional("input", map()),
        optional("enabled", any::<bool>().prop_map(Value::from)),
        optional("name", select(vec!["gen.rule_1", "a b", "x"]).prop_map(Value::from)),
    ];
    (when, fields).prop_map(|(mut schedule, groups)| {
        for (key, value) in groups.into_iter().flatten() {
            schedule[key] = value;
        }
        schedule
    })
}

fn quality_monitor() -> impl Strategy<Value = Value> {
    object(
        json!({
            "engine": "sagemaker", "endpoint": "net", "role": "run", "every": "1h", "reports": "s3://bucket-name/reports",
            "baseline": { "statistics": "s3://bucket-name/statistics.json", "constraints": "s3://bucket-name/constraints.json" },
        }),
        vec![
            optional("every", (1u32..26).prop_map(|hours| Value::from(format!("{hours}h")))),
            optional("volume", number().prop_map(Value::from)),
            optional("max_runtime", duration().prop_map(Value::from)),
            optional("instance", select(vec!["ml.m5.large", "ml.m5.larger", "m5.large"]).prop_map(Value::from)),
            optional("preprocessor", select(vec!["s3://bucket-name/a b.py", "s3://bucket-name/", "x"]).prop_map(Value::from)),
            optional("network_isolation", any::<bool>().prop_map(Value::from)),
            optional("enabled", any::<bool>().prop_map(Value::from)),
        ],
    )
}

/// A model, and an endpoint that serves it.
fn served(environment: &mut Value, endpoint: Value) {
    environment["models"] = json!({ "net": {
        "image": "123456789012.dkr.ecr.us-east-1.amazonaws.com/net:1",
        "artifact": "s3://scones-local-models/classifier/model.tar.gz",
        "role": "run",
    } });
    environment["endpoints"] = json!({ "net": endpoint });
}

fn environment() -> impl Strategy<Value = Value> {
    let tags = prop_oneof![Just(json!({})), map()];
    let machine = object(
        json!({ "definition": "stacks/pass.asl.yaml", "role": "run" }),
        vec![
            optional("tracing", any::<bool>().prop_map(Value::from)),
            optional("type", select(vec!["STANDARD", "EXPRESS", "FAST"]).prop_map(Value::from)),
            optional(
                "logging",
                (select(vec!["OFF", "ALL", "ERROR"]), number())
                    .prop_map(|(level, days)| json!({ "level": level, "retention": days })),
            ),
        ],
    );
    // Each environment is unusual in one place, so that most of its requests are really sent.
    let usual = || {
        json!({
            "roles": { "run": { "assumed_by": ["lambda.amazonaws.com", "states.amazonaws.com", "sagemaker.amazonaws.com"] } },
            "functions": { "echo": { "source": "app", "runtime": "python3.12", "handler": "main.handler", "role": "run" } },
        })
    };
    let with = move |change: &dyn Fn(&mut Value)| {
        let mut environment = usual();
        change(&mut environment);
        environment
    };
    prop_oneof![
        tags.prop_map(move |tags| with(&|environment| environment["tags"] = tags.clone())),
        role().prop_map(move |role| with(&|environment| environment["roles"]["run"] = role.clone())),
        function().prop_map(move |function| with(&|environment| environment["functions"]["echo"] = function.clone())),
        alarm().prop_map(move |alarm| with(&|environment| environment["alarms"] = json!({ "errors": alarm }))),
        expression().prop_map(move |alarm| with(&|environment| environment["alarms"] = json!({ "errors": alarm }))),
        composite_alarm().prop_map(move |alarm| with(&|environment| {
            environment["alarms"] =
                json!({ "errors": { "metric": "A B", "statistic": "Sum", "period": "1m", "comparison": ">", "threshold": 1 } });
            environment["composite_alarms"] = json!({ "c": alarm });
        })),
        dashboard().prop_map(move |dashboard| with(&|environment| environment["dashboards"] = json!({ "d": dashboard }))),
        text().prop_map(move |text| with(
            &|environment| environment["model_package_groups"] = json!({ "g": { "description": text } })
        )),
        machine.prop_map(move |machine| with(&|environment| environment["state_machines"] = json!({ "flow": machine }))),
        endpoint().prop_map(move |endpoint| with(&|environment| served(environment, endpoint.clone()))),
        prop_oneof![monitor().boxed(), quality_monitor().boxed()].prop_map(move |monitor| with(&|environment| {
            served(
                environment,
                json!({
                    "variants": { "AllTraffic": { "model": "net", "instance": "ml.m5.large" } },
                    "capture": { "percent": 100, "to": "s3://capture-bucket/x" },
                }),
            );
            environment["functions"]["echo"]["permissions"] = json!({ "look": { "principal": "events.amazonaws.com" } });
            environment["monitors"] = json!({ "look": monitor });
        })),
        schedule().prop_map(move |schedule| with(&|environment| {
            environment["functions"]["echo"]["permissions"] = json!({ "look": { "principal": "events.amazonaws.com" } });
            environment["schedules"] = json!({ "look": schedule });
        })),
    ]
}

#[test]
fn what_validate_accepts_aws_models_accept() {
    let project = Project::from_fixture("toy", "gen");
    let client = format!("scones-generated-{}", std::process::id());
    let config = Config { max_shrink_iters: 40, failure_persistence: None, ..Config::with_cases(60) };
    // One seed, so that a red run is about the change at hand; `make soak` tries others.
    let mut runner = match std::env::var("SCONES_SOAK") {
        Ok(cases) => TestRunner::new(Config { cases: cases.parse().expect("SCONES_SOAK is a number of cases"), ..config }),
        Err(_) => TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha)),
    };
    let accepted = std::cell::Cell::new(0);
    let result = runner.run(&environment(), |mut environment| {
        environment["app"] = json!("gen");
        environment["environment"] = json!("toy");
        environment["account"] = json!("123456789012");
        environment["region"] = json!("us-east-1");
        // JSON is YAML.
        project.write("environments/toy.yaml", &environment.to_string());
        let valid = project.offline(&["validate", "toy"]);
        prop_assert!(!valid.stderr.contains("panicked"), "{}", valid.stderr);
        prop_assert!([0, 1].contains(&valid.code));
        if valid.code == 1 {
            return Ok(());
        }
        accepted.set(accepted.get() + 1);
        let run = |arguments: &[&str]| -> crate::support::Run {
            project.command(arguments).env("AWS_SDK_UA_APP_ID", &client).output().unwrap().into()
        };
        let applied = run(&["apply", "toy", "--yes"]);
        let again = run(&["plan", "toy"]);
        let drift = run(&["drift", "toy"]);
        let destroyed = run(&["destroy", "toy", "--yes"]);
        let violations = gateway("/__cloud__/violations");
        let ours: Vec<&Value> = violations
            .as_array()
            .unwrap()
            .iter()
            .filter(|one| one["user_agent"].as_str().is_some_and(|agent| agent.contains(&client)))
            .collect();
        prop_assert!(ours.is_empty(), "{environment}: {ours:#?}");
        prop_assert_eq!(applied.code, 0, "{}: {}", environment, applied.stderr);
        prop_assert_eq!(again.code, 0, "{}: {}", environment, again.stdout);
        prop_assert_eq!(drift.code, 0, "{}: {}", environment, drift.stdout);
        prop_assert_eq!(destroyed.code, 0, "{}: {}", environment, destroyed.stderr);
        Ok(())
    });
    if let Err(error) = result {
        panic!("{error}");
    }
    println!("{} environments were applied, planned, looked at for drift and destroyed", accepted.get());
    assert!(accepted.get() >= 10, "only {} environments passed validate: the generator makes nonsense", accepted.get());
}
