//! Small machines: roles, languages, bounds.

use proptest::prelude::*;

use super::*;

fn machine(states: Value) -> Value {
    let start = states.as_object().and_then(|states| states.keys().next().cloned());
    json!({ "StartAt": start, "States": states })
}

/// What a role with one statement lacks for one task.
fn lacks(task: Value, actions: Value, resources: Value) -> Vec<String> {
    let mut task = task;
    change(&mut task, "Type", Some(json!("Task")));
    change(&mut task, "End", Some(json!(true)));
    let statement = json!({ "Effect": "Allow", "Action": actions, "Resource": resources });
    let policies = [json!({ "Version": "2012-10-17", "Statement": [statement] })];
    shown(&findings(&machine(json!({ "A": task })), Some(Role { name: "r", policies: &policies })))
}

#[test]
fn knows_what_tasks_need() {
    let train = || {
        json!({ "Resource": "arn:aws:states:::sagemaker:createTrainingJob.sync",
            "Parameters": { "TrainingJobName.$": "$.s3_key", "Tags": [],
                "RoleArn": "arn:aws:iam::123456789012:role/sagemaker" } })
    };
    let found = lacks(train(), json!("sagemaker:CreateTrainingJob"), json!("*"));
    assert_eq!(found.len(), 2, "the account, and the role: {found:#?}");
    for action in [
        "DescribeTrainingJob",
        "StopTrainingJob",
        "AddTags",
        "events:PutTargets",
        "events:PutRule",
        "events:DescribeRule",
        "iam:PassRole",
    ] {
        assert!(found[1].contains(action), "{action}: {found:#?}");
    }
    let cases = [
        ("sns:publish", json!({ "TopicArn.$": "$.x", "Message": "m" }), "sns:Publish"),
        ("aws-sdk:s3:putObject", json!({ "Bucket": "b", "Key": "k", "Body": "x" }), "s3:PutObject"),
        ("aws-sdk:s3:listObjectsV2", json!({ "Bucket": "b" }), "s3:ListBucket"),
        ("aws-sdk:sagemaker:createModelPackage", json!({}), "sagemaker:CreateModelPackage"),
        ("aws-sdk:cloudwatch:putMetricData", json!({}), "cloudwatch:PutMetricData"),
        ("aws-sdk:sfn:describeExecution", json!({}), "states:DescribeExecution"),
        ("states:startExecution.sync:2", json!({}), "states:DescribeExecution"),
        ("dynamodb:getItem", json!({}), "dynamodb:GetItem"),
        ("sqs:sendMessage", json!({}), "sqs:SendMessage"),
        ("events:putEvents", json!({}), "events:PutEvents"),
        ("lambda:invoke", json!({ "FunctionName.$": "$.s3_key" }), "lambda:InvokeFunction"),
    ];
    for (resource, parameters, action) in cases {
        let task = |parameters: &Value| json!({ "Resource": format!("arn:aws:states:::{resource}"), "Parameters": parameters });
        let found = lacks(task(&parameters), json!("ec2:*"), json!("*"));
        assert!(found.iter().any(|finding| finding.contains(action)), "{resource}: {found:#?}");
        let all = lacks(task(&parameters), json!(["*"]), json!("*"));
        assert!(!all.iter().any(|finding| finding.contains("lacks")), "{resource}: {all:#?}");
    }
}

#[test]
fn a_version_to_come_needs_leave_for_versions() {
    let call = || {
        json!({ "Resource": "arn:aws:states:::lambda:invoke",
            "Parameters": { "FunctionName": "${functions.image-classification.version_arn}", "Payload.$": "$" } })
    };
    let arn = arn("image-classification");
    let of_role = |resources: &str| {
        let found = lacks(call(), json!("lambda:InvokeFunction"), json!(resources));
        found.into_iter().filter(|finding| finding.contains("lacks")).collect::<Vec<_>>()
    };
    assert!(of_role(&format!("{arn}:*")).is_empty());
    for narrow in [format!("{arn}:live"), arn.clone()] {
        let found = of_role(&narrow);
        assert!(found.len() == 1 && found[0].contains(&format!("{arn}:*")), "{narrow}: {found:#?}");
    }
    // Its contract counts as that of the alias does.
    let machine =
        machine(json!({ "A": { "Type": "Task", "End": true, "Resource": "${functions.filter-inference-result.version_arn}",
        "Catch": [{ "ErrorEquals": ["NoSuchError"], "Next": "A" }] } }));
    assert!(shown(&findings(&machine, None)).iter().any(|finding| finding.contains("NoSuchError")));
}

#[test]
fn starting_by_an_alias_needs_leave_for_the_machine() {
    let machine = "arn:aws:states:us-east-1:123456789012:stateMachine:m";
    let start = || {
        json!({ "Resource": "arn:aws:states:::aws-sdk:sfn:startExecution",
            "Parameters": { "StateMachineArn": format!("{machine}:live"), "Input.$": "$" } })
    };
    let of_role = |resource: &str| {
        let found = lacks(start(), json!("states:StartExecution"), json!(resource));
        found.into_iter().filter(|finding| finding.contains("lacks")).count()
    };
    assert_eq!((of_role(machine), of_role(&format!("{machine}:live"))), (0, 1));
}

#[test]
fn holds_resources_against_what_is_known_of_them() {
    let put = |key: &str| {
        json!({ "Resource": "arn:aws:states:::aws-sdk:s3:putObject",
        "Parameters": { "Bucket": "b", key: "$.s3_key" } })
    };
    assert!(lacks(put("Key.$"), json!("s3:PutObject"), json!("arn:aws:s3:::b/reports/*")).is_empty());
    assert!(lacks(put("Key"), json!("s3:Put*"), json!("arn:aws:s3:::b/*")).is_empty());
    assert_eq!(lacks(put("Key.$"), json!("s3:PutObject"), json!("arn:aws:s3:::c/*")).len(), 1);
    assert_eq!(lacks(put("Key.$"), json!("s3:PutObject"), json!("arn:aws:s3:::b")).len(), 1);
    let other = json!({ "Resource": "arn:aws:states:::aws-sdk:s3:putObject", "Credentials": { "RoleArn.$": "$.s3_key" } });
    assert!(lacks(other, json!("ec2:*"), json!("*")).is_empty());
}

#[test]
fn follows_plain_ways_of_jsonata() {
    let states = |output: &str, payload: &str| {
        let mut machine = machine(json!({
            "A": { "Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "Next": "B", "Output": output,
                "Arguments": { "FunctionName": "${functions.serialize-image-data.live_arn}", "Payload": "{% $states.input %}" } },
            "B": { "Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "End": true,
                "Arguments": { "FunctionName": "${functions.image-classification.live_arn}", "Payload": payload } }
        }));
        machine["QueryLanguage"] = json!("JSONata");
        findings(&machine, None).iter().map(|finding| finding.path.join(".")).collect::<Vec<_>>()
    };
    assert!(states("{% $states.result.Payload.body %}", "{% $states.input %}").is_empty());
    assert!(states("{% $merge([$states.input, $states.result.Payload]) %}", "{% $states.input.what.ever %}").is_empty());
    assert_eq!(states("{% $states.result.Payload %}", "{% $states.input %}"), ["States.B.Arguments"]);
    assert_eq!(states("{% $states.result.body %}", "{% $states.input %}"), ["States.A.Output"]);
    assert_eq!(states("{% $states.result.Payload.body %}", "{% $states.input.body %}"), ["States.B.Arguments.Payload"]);
}

#[test]
fn a_large_picture_without_a_limit_is_too_large() {
    let source = machine(json!({
        "A": { "Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "OutputPath": "$.Payload.body", "End": true,
            "Parameters": { "FunctionName": "${functions.serialize-image-data.live_arn}", "Payload.$": "$" } }
    }));
    let mut functions = functions();
    let contract = functions[0].contract.as_mut().expect("it has one");
    contract.sizes = [("body.image_data".to_owned(), Size::Picture { up_to: None })].into();
    contract.largest_output = None;
    let of = |largest_picture| {
        let definition = resolved(&source);
        let workflow = Workflow {
            definition: &definition,
            source: &source,
            functions: &functions,
            input: None,
            largest_input: None,
            largest_picture,
            role: None,
        };
        shown(&check(&workflow))
    };
    assert!(of(Some(150_000)).is_empty());
    assert!(of(None).is_empty());
    let found = of(Some(250_000));
    assert!(found.len() == 1 && found[0].contains("262144"), "{found:#?}");
}

#[test]
fn the_first_input_counts() {
    let source = machine(json!({ "A": { "Type": "Pass", "Parameters": { "a.$": "$", "b.$": "$" }, "End": true } }));
    let of = |largest_input| {
        let workflow = Workflow {
            definition: &source,
            source: &source,
            functions: &[],
            input: None,
            largest_input,
            largest_picture: None,
            role: None,
        };
        check(&workflow).len()
    };
    assert_eq!((of(Some(100_000)), of(Some(150_000)), of(None)), (0, 1, 0));
}

/// Machines that double what they carry with each state, or loop for ever, take neither time nor memory.
#[test]
fn bounds_what_it_remembers() {
    let mut states = json!({});
    for number in 0..100 {
        let (choice, next) = (format!("C{number}"), format!("S{}", (number + 1) % 100));
        let parameters = json!({ "a.$": "$", "b.$": "$", "c.$": "$.a.b", "d.$": "$$.x" });
        states[format!("S{number}")] = json!({ "Type": "Pass", "Parameters": parameters, "ResultPath": "$.r", "Next": &choice });
        let rule = json!({ "Variable": "$$.x", "IsPresent": true, "Next": "S0" });
        states[choice] = json!({ "Type": "Choice", "Choices": [rule], "Default": next });
    }
    let begun = std::time::Instant::now();
    let _ = findings(&machine(states), None);
    assert!(begun.elapsed().as_secs() < 20, "{:?}", begun.elapsed());
}

#[test]
fn bounds_machines_within_machines() {
    let mut inner = machine(json!({ "S": { "Type": "Pass", "End": true } }));
    for depth in 0..40 {
        inner = machine(json!({ format!("P{depth}"): { "Type": "Parallel", "Branches": [inner], "End": true } }));
    }
    let begun = std::time::Instant::now();
    let workflow = Workflow {
        definition: &inner,
        source: &inner,
        functions: &[],
        input: None,
        largest_input: None,
        largest_picture: None,
        role: None,
    };
    assert!(check(&workflow).is_empty());
    assert!(begun.elapsed().as_secs() < 20, "{:?}", begun.elapsed());
}

proptest! {
    #[test]
    fn takes_any_definition(
        path in "[$.\\[\\]()'a-c0{}% ]{0,12}",
        other in "(\\$(\\.[abx]){0,3})|null",
        kind in "Task|Pass|Map|Parallel|Choice|Fail|Wait|Succeed",
    ) {
        let state = json!({
            "Type": kind, "InputPath": &path,
            "Parameters": { "a.$": &path, "FunctionName": &path, "Payload.$": &other },
            "ResultPath": &other,
            "OutputPath": &path, "ResultSelector": { "x.$": &other }, "Resource": "arn:aws:states:::lambda:invoke", "Next": "A",
            "Catch": [{ "ErrorEquals": [&path], "ResultPath": &other, "Next": "A" }],
            "ErrorPath": &path, "Output": &path, "Arguments": &path,
            "Choices": [{ "Variable": &path, "StringEqualsPath": &other, "Next": "A" }],
        });
        for language in ["JSONPath", "JSONata"] {
            let mut machine = machine(json!({ "A": &state }));
            machine["QueryLanguage"] = json!(language);
            let _ = findings(&machine, None);
        }
    }
}
