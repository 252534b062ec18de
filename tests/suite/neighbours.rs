//! Resources that are named like the environment's without being its own are listed, and left alone.

use aws_sdk_cloudformation::client::Waiters as _;

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

/// A package of one file.
fn zip_of(name: &str, text: &str) -> Vec<u8> {
    use std::io::Write as _;
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(vec![]));
    zip.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
    zip.write_all(text.as_bytes()).unwrap();
    zip.finish().unwrap().into_inner()
}
