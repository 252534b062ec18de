//! Resources that are named like the environment's without being its own are listed, and left alone.

use aws_sdk_cloudformation::client::Waiters as _;

use serde_json::Value;

use crate::permissions;
use crate::support::{Project, assert_no_violations, sdk, wait};

const TRUST: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#;

#[test]
fn what_only_bears_the_name_is_listed() {
    let project = Project::from_fixture("toy", "crowd").destroyed_at_end("toy");
    project.scones(&["apply", "toy", "--yes"]).expect(0);
    let drift = project.scones(&["drift", "toy", "--format", "json"]).expect(0).json();
    assert_eq!(drift["neighbours"].as_array().map_or(0, Vec::len), 0, "{:#}", drift["neighbours"]);

    let cloudwatch = aws_sdk_cloudwatch::Client::new(sdk());
    let (iam, lambda) = (aws_sdk_iam::Client::new(sdk()), aws_sdk_lambda::Client::new(sdk()));
    let (states, sagemaker) = (aws_sdk_sfn::Client::new(sdk()), aws_sdk_sagemaker::Client::new(sdk()));
    let stacks = aws_sdk_cloudformation::Client::new(sdk());
    let role = "arn:aws:iam::123456789012:role/scones/crowd/toy/crowd-toy-run";
    wait(async {
        let alarm = cloudwatch.put_metric_alarm().alarm_name("crowd-toy-by-hand").namespace("AWS/Lambda").metric_name("Errors");
        let alarm = alarm.statistic(aws_sdk_cloudwatch::types::Statistic::Sum).period(60).evaluation_periods(1).threshold(1.0);
        let above = aws_sdk_cloudwatch::types::ComparisonOperator::GreaterThanThreshold;
        alarm.comparison_operator(above).send().await.unwrap();
        cloudwatch
            .put_composite_alarm()
            .alarm_name("crowd-toy-both")
            .alarm_rule("ALARM(crowd-toy-by-hand)")
            .send()
            .await
            .unwrap();
        cloudwatch.put_dashboard().dashboard_name("crowd-toy-mine").dashboard_body(r#"{"widgets":[]}"#).send().await.unwrap();
        let made = iam.create_role().role_name("crowd-extra").path("/scones/crowd/toy/");
        made.assume_role_policy_document(TRUST).send().await.unwrap();
        let zip = aws_sdk_lambda::primitives::Blob::new(zip_of("main.py", "def handler(event, context):\n    return 1\n"));
        let code = aws_sdk_lambda::types::FunctionCode::builder().zip_file(zip).build();
        let made = lambda.create_function().function_name("crowd-toy-debug").runtime("python3.12".into()).handler("main.handler");
        made.role(role).code(code).send().await.unwrap();
        let definition = r#"{"StartAt":"A","States":{"A":{"Type":"Pass","End":true}}}"#;
        states.create_state_machine().name("crowd-toy-try").definition(definition).role_arn(role).send().await.unwrap();
        sagemaker.create_model_package_group().model_package_group_name("crowd-toy-old").send().await.unwrap();
        let template = r#"{"Resources":{"T":{"Type":"AWS::SNS::Topic","Properties":{"TopicName":"crowd-elsewhere"}}}}"#;
        stacks.create_stack().stack_name("crowd-toy-own").template_body(template).send().await.unwrap();
        let made = stacks.wait_until_stack_create_complete().stack_name("crowd-toy-own");
        made.wait(std::time::Duration::from_secs(30)).await.unwrap();
    });
    let drift = project.scones(&["drift", "toy", "--format", "json"]).expect(0).json();
    let mut found: Vec<(String, String)> = drift["neighbours"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (one["section"].as_str().unwrap().to_owned(), one["name"].as_str().unwrap().to_owned()))
        .collect();
    found.sort();
    let wanted = [
        ("alarms", "crowd-toy-by-hand"),
        ("composite_alarms", "crowd-toy-both"),
        ("dashboards", "crowd-toy-mine"),
        ("functions", "crowd-toy-debug"),
        ("model_package_groups", "crowd-toy-old"),
        ("roles", "crowd-extra"),
        ("stacks", "crowd-toy-own"),
        ("state_machines", "crowd-toy-try"),
    ];
    assert_eq!(found, wanted.map(|(section, name)| (section.to_owned(), name.to_owned())));
    let text = project.scones(&["drift", "toy"]).expect(0).stdout;
    assert!(text.contains("named like this environment's") && text.contains("crowd-toy-by-hand"), "{text}");
    let text = project.scones(&["plan", "toy"]).expect(0).stdout;
    assert!(text.lines().last().unwrap().contains("8 unmanaged"), "{text}");

    // Neither pruning nor destroying takes them.
    project.scones(&["apply", "toy", "--prune", "--yes"]).expect(0);
    project.scones(&["destroy", "toy", "--yes"]).expect(0);
    wait(async {
        lambda.get_function().function_name("crowd-toy-debug").send().await.unwrap();
        stacks.delete_stack().stack_name("crowd-toy-own").send().await.unwrap();
        lambda.delete_function().function_name("crowd-toy-debug").send().await.unwrap();
        iam.delete_role().role_name("crowd-extra").send().await.unwrap();
        cloudwatch.delete_alarms().alarm_names("crowd-toy-both").send().await.unwrap();
        cloudwatch.delete_alarms().alarm_names("crowd-toy-by-hand").send().await.unwrap();
        cloudwatch.delete_dashboards().dashboard_names("crowd-toy-mine").send().await.unwrap();
        sagemaker.delete_model_package_group().model_package_group_name("crowd-toy-old").send().await.unwrap();
        let machine = "arn:aws:states:us-east-1:123456789012:stateMachine:crowd-toy-try";
        states.delete_state_machine().state_machine_arn(machine).send().await.unwrap();
    });
    assert_no_violations();
}

/// The neighbours that a look finds: what each is, and its name.
fn neighbours(project: &Project) -> Vec<(String, String)> {
    let drift = project.scones(&["drift", "toy", "--format", "json"]).expect(0).json();
    let of = |one: &Value, key: &str| one[key].as_str().map(str::to_owned);
    let all = drift["neighbours"].as_array().cloned().unwrap_or_default();
    let sort = |one: &Value| of(one, "what").or(of(one, "section")).unwrap();
    let mut found: Vec<(String, String)> = all.iter().map(|one| (sort(one), of(one, "name").unwrap())).collect();
    found.sort();
    found
}

fn pairs<const N: usize>(wanted: [(&str, &str); N]) -> Vec<(String, String)> {
    wanted.map(|(sort, name)| (sort.to_owned(), name.to_owned())).to_vec()
}

/// A project whose endpoint and model have generations, with what each of them was made of.
fn with_generations(app: &str) -> Project {
    let project = Project::from_fixture("toy", app).destroyed_at_end("toy");
    project.scones(&["apply", "toy", "--yes"]).expect(0);
    project.edit("environments/toy.yaml", "net:1", "net:2");
    project.scones(&["apply", "toy", "--yes"]).expect(0);
    project
}

const ROLE: &str = "arn:aws:iam::123456789012:role/service-role/somebody";

async fn make_model(client: &aws_sdk_sagemaker::Client, name: &str) {
    let image = "123456789012.dkr.ecr.us-east-1.amazonaws.com/net:1";
    let container = aws_sdk_sagemaker::types::ContainerDefinition::builder().image(image);
    let container = container.model_data_url("s3://scones-local-models/classifier/model.tar.gz").build();
    client.create_model().model_name(name).primary_container(container).execution_role_arn(ROLE).send().await.unwrap();
}

async fn make_config(client: &aws_sdk_sagemaker::Client, name: &str, model: &str) {
    let variant = aws_sdk_sagemaker::types::ProductionVariant::builder().variant_name("All").model_name(model);
    let variant = variant.instance_type("ml.m5.large".into()).initial_instance_count(1).build();
    client.create_endpoint_config().endpoint_config_name(name).production_variants(variant).send().await.unwrap();
}

#[test]
fn models_and_configurations_made_by_hand_are_listed_and_generations_are_not() {
    let project = with_generations("handmade");
    assert_eq!(neighbours(&project), []);

    let client = aws_sdk_sagemaker::Client::new(sdk());
    // The latter two are named as generations of what is declared are.
    let models = ["handmade-toy-try", "handmade-toy-try-0a1b2c3d", "handmade-toy-net-0a1b2c3d", "other-handmade-toy-net"];
    let configs = ["handmade-toy-net-config", "handmade-toy-net-0a1b2c3d"];
    wait(async {
        for name in models {
            make_model(&client, name).await;
        }
        for name in configs {
            make_config(&client, name, models[0]).await;
        }
    });
    let wanted = [
        ("endpoint configuration", "handmade-toy-net-0a1b2c3d"),
        ("endpoint configuration", "handmade-toy-net-config"),
        ("models", "handmade-toy-net-0a1b2c3d"),
        ("models", "handmade-toy-try"),
        ("models", "handmade-toy-try-0a1b2c3d"),
    ];
    assert_eq!(neighbours(&project), pairs(wanted));
    for command in ["plan", "drift", "status"] {
        let text = project.scones(&[command, "toy"]).stdout;
        assert!(text.contains("endpoint configuration") && text.contains("handmade-toy-net-config"), "{text}");
    }

    // More generations than are kept: those of ours go, the others stay.
    for image in ["net:3", "net:4", "net:5"] {
        let text = project.read("environments/toy.yaml");
        let at = text.find("amazonaws.com/net:").unwrap() + "amazonaws.com/".len();
        project.write("environments/toy.yaml", &format!("{}{image}{}", &text[..at], &text[at + image.len()..]));
        project.scones(&["apply", "toy", "--yes"]).expect(0);
    }
    project.scones(&["plan", "toy"]).expect(0);
    assert_eq!(neighbours(&project), pairs(wanted));
    wait(async {
        for name in configs {
            client.delete_endpoint_config().endpoint_config_name(name).send().await.unwrap();
        }
        for name in models {
            client.delete_model().model_name(name).send().await.unwrap();
        }
    });
    assert_no_violations();
}

#[test]
fn rules_made_by_hand_are_listed_and_those_of_monitors_and_schedules_are_not() {
    let project = Project::from_fixture("toy", "ruled").destroyed_at_end("toy");
    project.scones(&["apply", "toy", "--yes"]).expect(0);
    let client = aws_sdk_eventbridge::Client::new(sdk());
    let rules = wait(client.list_rules().name_prefix("ruled-toy-").send()).unwrap().rules.unwrap();
    let mut rules: Vec<&str> = rules.iter().filter_map(|rule| rule.name()).collect();
    rules.sort_unstable();
    assert_eq!(rules, ["ruled-toy-nightly", "ruled-toy-predictions"], "one of a schedule, one of a monitor");
    assert_eq!(neighbours(&project), []);

    // The second is named like a monitor that runs on a schedule of SageMaker's.
    for name in ["ruled-toy-extra", "ruled-toy-features"] {
        wait(client.put_rule().name(name).schedule_expression("rate(1 day)").send()).unwrap();
    }
    let wanted = [("EventBridge rule", "ruled-toy-extra"), ("EventBridge rule", "ruled-toy-features")];
    assert_eq!(neighbours(&project), pairs(wanted));
    // What is declared no more is an orphan, and no neighbour.
    let text = project.read("environments/toy.yaml");
    let schedules = text.find("schedules:\n").unwrap();
    let permission = r#"      nightly: { principal: events.amazonaws.com, source_arn: "${schedules.nightly.arn}" }"#;
    project.write("environments/toy.yaml", &text[..schedules].replace(permission, ""));
    let plan = project.scones(&["plan", "toy", "--format", "json"]).expect(2).json();
    let orphans: Vec<&str> = plan["orphans"].as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!((orphans, plan["neighbours"].as_array().map(Vec::len)), (vec!["schedules.nightly"], Some(2)));
    project.scones(&["apply", "toy", "--prune", "--yes"]).expect(0);
    assert_eq!(neighbours(&project), pairs(wanted));
    for (_, name) in wanted {
        wait(client.delete_rule().name(name).send()).unwrap();
    }
    assert_no_violations();
}

#[test]
fn monitoring_schedules_made_by_hand_are_listed() {
    let project = Project::from_fixture("toy", "watched").destroyed_at_end("toy");
    project.scones(&["apply", "toy", "--yes"]).expect(0);
    assert_eq!(neighbours(&project), []);
    let client = aws_sdk_sagemaker::Client::new(sdk());
    wait(async {
        let ours = client.describe_monitoring_schedule().monitoring_schedule_name("watched-toy-features").send().await.unwrap();
        let config = ours.monitoring_schedule_config.unwrap();
        let made = client.create_monitoring_schedule().monitoring_schedule_name("watched-toy-mine");
        made.monitoring_schedule_config(config).send().await.unwrap();
    });
    assert_eq!(neighbours(&project), pairs([("monitoring schedule", "watched-toy-mine")]));
    wait(client.delete_monitoring_schedule().monitoring_schedule_name("watched-toy-mine").send()).unwrap();
    assert_no_violations();
}

/// An environment that declares one role alone looks for all of it, and may.
#[test]
fn a_small_environment_has_neighbours_of_all_sorts() {
    let project = Project::of_text(
        "app: lonely\nenvironment: toy\naccount: \"123456789012\"\nregion: us-east-1\nschedules: {}\nroles:\n  run: { assumed_by: [lambda.amazonaws.com] }\n",
    )
    .destroyed_at_end("toy");
    project.scones(&["apply", "toy", "--yes"]).expect(0);
    let (events, sagemaker) = (aws_sdk_eventbridge::Client::new(sdk()), aws_sdk_sagemaker::Client::new(sdk()));
    let cloudwatch = aws_sdk_cloudwatch::Client::new(sdk());
    wait(async {
        events.put_rule().name("lonely-toy-rule").schedule_expression("rate(1 day)").send().await.unwrap();
        make_model(&sagemaker, "lonely-toy-model").await;
        make_config(&sagemaker, "lonely-toy-config", "lonely-toy-model").await;
        cloudwatch.put_composite_alarm().alarm_name("lonely-toy-both").alarm_rule("TRUE").send().await.unwrap();
    });
    let wanted = [
        ("EventBridge rule", "lonely-toy-rule"),
        ("composite_alarms", "lonely-toy-both"),
        ("endpoint configuration", "lonely-toy-config"),
        ("models", "lonely-toy-model"),
    ];
    assert_eq!(neighbours(&project), pairs(wanted));
    let client = permissions::client("lonely");
    project.command(&["plan", "toy"]).env("AWS_SDK_UA_APP_ID", &client).output().unwrap();
    let allowed = permissions::allowed(&project.scones(&["permissions", "toy", "--for", "plan"]).expect(0).json());
    let more: Vec<String> = permissions::sent(&client).difference(&allowed).cloned().collect();
    assert!(more.is_empty(), "{more:?}");
    wait(async {
        events.delete_rule().name("lonely-toy-rule").send().await.unwrap();
        sagemaker.delete_endpoint_config().endpoint_config_name("lonely-toy-config").send().await.unwrap();
        sagemaker.delete_model().model_name("lonely-toy-model").send().await.unwrap();
        cloudwatch.delete_alarms().alarm_names("lonely-toy-both").send().await.unwrap();
    });
    assert_no_violations();
}

/// A package of one file.
fn zip_of(name: &str, text: &str) -> Vec<u8> {
    use std::io::Write as _;
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(vec![]));
    zip.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
    zip.write_all(text.as_bytes()).unwrap();
    zip.finish().unwrap().into_inner()
}
