mod changes;

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::finding::Finding;

fn shown(findings: &[Finding]) -> Vec<String> {
    findings.iter().map(ToString::to_string).collect()
}

fn assert_only(findings: &[Finding], path: &str, word: &str) {
    let all = shown(findings);
    assert_eq!(findings.len(), 1, "{all:#?}");
    assert_eq!(findings[0].path.join("."), path, "{all:#?}");
    assert!(all[0].contains(word), "{all:#?} lacks {word}");
}

fn given(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// A template like the one that this project ships.
fn foundation() -> Value {
    json!({
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": "What an environment stands on",
        "Parameters": {
            "Application": { "Type": "String", "AllowedPattern": "[a-z]+" },
            "Days": { "Type": "Number", "Default": 30, "MinValue": 1, "MaxValue": 3650 },
            "Stage": { "Type": "String", "Default": "dev", "AllowedValues": ["dev", "prod"] },
            "Zones": { "Type": "CommaDelimitedList", "Default": "a, b" },
            "Secret": { "Type": "String", "NoEcho": true, "Default": "hush" },
        },
        "Mappings": { "Sizes": { "dev": { "Count": 1 }, "prod": { "Count": 3 } } },
        "Conditions": {
            "IsProd": { "Fn::Equals": [{ "Ref": "Stage" }, "prod"] },
            "NotProd": { "Fn::Not": [{ "Condition": "IsProd" }] },
            "Either": { "Fn::Or": [{ "Condition": "IsProd" }, { "Condition": "NotProd" }] },
        },
        "Resources": {
            "Bucket": {
                "Type": "AWS::S3::Bucket",
                "DeletionPolicy": "Retain",
                "Properties": {
                    "BucketName": { "Fn::Sub": "${Application}-data-${AWS::AccountId}-${AWS::Region}" },
                    "LifecycleConfiguration": { "Rules": [{ "ExpirationInDays": { "Ref": "Days" } }] },
                },
            },
            "Policy": {
                "Type": "AWS::S3::BucketPolicy",
                "Properties": {
                    "Bucket": { "Ref": "Bucket" },
                    "PolicyDocument": { "Statement": [{
                        "Resource": [{ "Fn::GetAtt": ["Bucket", "Arn"] }, { "Fn::Sub": "${Bucket.Arn}/*" }],
                        "Condition": { "Bool": { "aws:SecureTransport": "false" } },
                    }] },
                },
            },
            "Topic": { "Type": "AWS::SNS::Topic", "Properties": { "TopicName": { "Fn::Join": ["-", [{ "Ref": "Application" }, "alarms"]] } } },
            "Unnamed": { "Type": "AWS::SNS::Topic", "Condition": "IsProd", "DependsOn": ["Bucket", "Topic"] },
            "Instance": { "Type": "AWS::EC2::Instance" },
        },
        "Outputs": {
            "BucketArn": { "Value": { "Fn::GetAtt": ["Bucket", "Arn"] } },
            "Topic": { "Value": { "Ref": "Topic" }, "Export": { "Name": { "Fn::Sub": "${AWS::StackName}-topic" } } },
        },
    })
}

fn with_outputs(outputs: Value) -> Value {
    let mut template = foundation();
    template["Outputs"] =
        outputs.as_object().into_iter().flatten().map(|(name, value)| (name.clone(), json!({ "Value": value }))).collect();
    template
}

fn resolved(template: &Value, parameters: &[(&str, &str)]) -> BTreeMap<String, Output> {
    let parameters = given(parameters);
    let context = Context {
        stack_name: "shop-dev-foundation",
        account: "123456789012",
        region: "eu-west-1",
        partition: "aws",
        parameters: &parameters,
    };
    outputs(template, &context)
}

/// Asserts what single values resolve to; one that starts with `?` is unknown, and its why contains the rest.
fn assert_resolves(cases: &[(Value, &str)]) {
    for (value, expected) in cases {
        let template = with_outputs(json!({ "One": value }));
        match (resolved(&template, &[("Application", "shop")]).remove("One"), expected.strip_prefix('?')) {
            (Some(Output::Unknown { why }), Some(word)) => assert!(why.contains(word), "{value}: {why} lacks {word}"),
            (Some(Output::Known(text)), None) => assert_eq!(text, *expected, "{value}"),
            (other, _) => panic!("{value}: {other:?}, not {expected}"),
        }
    }
}

#[test]
fn accepts_a_good_template() {
    assert_eq!(shown(&check(&foundation())), Vec::<String>::new());
}

#[test]
fn finds_what_is_wrong() {
    let cases = [
        ("/Resource", json!({}), "Resource", "`Resources`"),
        ("/AWSTemplateFormatVersion", json!("2010-09-10"), "AWSTemplateFormatVersion", "2010-09-09"),
        ("/Description", json!(3), "Description", "string"),
        ("/Parameters/Bad-Name", json!({ "Type": "String" }), "Parameters.Bad-Name", "letters and digits"),
        ("/Parameters/Days/Type", json!("Numbr"), "Parameters.Days.Type", "`Number`"),
        ("/Parameters/Days/Default", json!(0), "Parameters.Days.Default", "1 to 3650"),
        ("/Parameters/Days/Defualt", json!(1), "Parameters.Days.Defualt", "`Default`"),
        ("/Parameters/Stage/Default", json!("test"), "Parameters.Stage.Default", "allowed"),
        ("/Conditions/New", json!({ "Condition": "IsPord" }), "Conditions.New.Condition", "`IsProd`"),
        (
            "/Conditions/New",
            json!({ "Fn::Equals": [{ "Ref": "Bucket" }, "a"] }),
            "Conditions.New.Fn::Equals.0.Ref",
            "cannot refer",
        ),
        ("/Resources/Bucket/Type", json!("S3Bucket"), "Resources.Bucket.Type", "AWS::S3::Bucket"),
        ("/Resources/Bucket/Propertys", json!({}), "Resources.Bucket.Propertys", "`Properties`"),
        ("/Resources/Bucket/DeletionPolicy", json!("Keep"), "Resources.Bucket.DeletionPolicy", "Keep"),
        ("/Resources/Bucket/Condition", json!("IsPrd"), "Resources.Bucket.Condition", "`IsProd`"),
        ("/Resources/Bucket/DependsOn", json!("Topik"), "Resources.Bucket.DependsOn", "`Topic`"),
        (
            "/Resources/Topic/Properties/TopicName",
            json!({ "Ref": "Aplication" }),
            "Resources.Topic.Properties.TopicName.Ref",
            "`Application`",
        ),
        (
            "/Resources/Topic/Properties/TopicName",
            json!({ "Ref": "AWS::Regon" }),
            "Resources.Topic.Properties.TopicName.Ref",
            "`AWS::Region`",
        ),
        (
            "/Resources/Topic/Properties/TopicName",
            json!({ "Fn::Sub": "${Buckt.Arn}" }),
            "Resources.Topic.Properties.TopicName.Fn::Sub",
            "`Bucket`",
        ),
        (
            "/Resources/Topic/Properties/TopicName",
            json!({ "Fn::Sub": "${Bucket" }),
            "Resources.Topic.Properties.TopicName.Fn::Sub",
            "not closed",
        ),
        (
            "/Resources/Topic/Properties/TopicName",
            json!({ "Fn::GetAtt": "Bucket" }),
            "Resources.Topic.Properties.TopicName.Fn::GetAtt",
            "attribute",
        ),
        (
            "/Resources/Topic/Properties/TopicName",
            json!({ "Fn::GetAtt": ["Stage", "Arn"] }),
            "Resources.Topic.Properties.TopicName.Fn::GetAtt.0",
            "use `Ref`",
        ),
        (
            "/Resources/Topic/Properties/TopicName",
            json!({ "Fn::Jion": ["", []] }),
            "Resources.Topic.Properties.TopicName.Fn::Jion",
            "`Fn::Join`",
        ),
        (
            "/Resources/Topic/Properties/TopicName",
            json!({ "Fn::Sub": "a", "b": "c" }),
            "Resources.Topic.Properties.TopicName.Fn::Sub",
            "alone",
        ),
        (
            "/Resources/Topic/Properties/TopicName",
            json!({ "Fn::If": ["IsPrd", "a", "b"] }),
            "Resources.Topic.Properties.TopicName.Fn::If.0",
            "`IsProd`",
        ),
        (
            "/Resources/Topic/Properties/TopicName",
            json!({ "Fn::FindInMap": ["Size", "a", "b"] }),
            "Resources.Topic.Properties.TopicName.Fn::FindInMap.0",
            "`Sizes`",
        ),
        ("/Outputs/Topic/Value", json!({ "Ref": "Topics" }), "Outputs.Topic.Value.Ref", "`Topic`"),
        ("/Outputs/New", json!({ "Description": "x" }), "Outputs.New", "`Value`"),
    ];
    for (place, value, path, word) in cases {
        let mut template = foundation();
        let (parent, key) = place.rsplit_once('/').unwrap_or_default();
        template.pointer_mut(parent).expect("the place exists")[key] = value;
        assert_only(&check(&template), path, word);
    }
    assert_only(&check(&json!({})), "", "`Resources`");
    assert_only(&check(&json!([])), "", "map");
}

#[test]
fn shows_the_way_round_a_cycle() {
    let mut template = foundation();
    template["Resources"]["Topic"]["DependsOn"] = json!("Policy");
    template["Resources"]["Bucket"]["Properties"]["Tags"] = json!([{ "Fn::Sub": "${Topic.TopicName}" }]);
    assert_only(&check(&template), "Resources.Bucket", "Bucket → Topic → Policy → Bucket");
    let own = json!({ "Resources": { "A": { "Type": "AWS::SNS::Topic", "Properties": { "X": { "Ref": "A" } } } } });
    assert_only(&check(&own), "Resources.A", "A → A");
}

#[test]
fn reads_parameters() {
    let declared = parameters(&foundation());
    assert_eq!(declared["Days"].default.as_deref(), Some("30"));
    assert_eq!(declared["Days"].type_name, "Number");
    assert_eq!(declared["Stage"].allowed_values, ["dev", "prod"]);
    assert!(declared["Secret"].no_echo);
    assert_eq!(declared["Application"].default, None);
}

#[test]
fn checks_given_parameters() {
    let template = foundation();
    let with = |pairs: &[(&str, &str)]| check_parameters(&template, &given(pairs));
    assert_eq!(shown(&with(&[("Application", "shop")])), Vec::<String>::new());
    assert_only(&with(&[]), "", "`Application`");
    assert_only(&with(&[("Application", "shop"), ("Day", "3")]), "Day", "`Days`");
    assert_only(&with(&[("Application", "shop"), ("Days", "0")]), "Days", "1 to 3650");
    assert_only(&with(&[("Application", "shop"), ("Days", "many")]), "Days", "no number");
    assert_only(&with(&[("Application", "shop"), ("Stage", "test")]), "Stage", "dev, prod");
    assert_eq!(shown(&with(&[("Application", "${app}"), ("Stage", "${environment}")])), Vec::<String>::new());
}

#[test]
fn resolves_outputs() {
    let bucket = "shop-data-123456789012-eu-west-1";
    assert_resolves(&[
        (json!("plain"), "plain"),
        (json!(3), "3"),
        (json!({ "Ref": "Days" }), "30"),
        (json!({ "Ref": "AWS::Region" }), "eu-west-1"),
        (json!({ "Ref": "AWS::URLSuffix" }), "amazonaws.com"),
        (json!({ "Ref": "AWS::StackId" }), "?AWS::StackId"),
        (json!({ "Ref": "Secret" }), "?hidden"),
        (json!({ "Ref": "Bucket" }), bucket),
        (json!({ "Fn::GetAtt": "Bucket.Arn" }), &format!("arn:aws:s3:::{bucket}")),
        (json!({ "Fn::GetAtt": ["Bucket", "DomainName"] }), &format!("{bucket}.s3.amazonaws.com")),
        (json!({ "Fn::GetAtt": ["Bucket", "RegionalDomainName"] }), &format!("{bucket}.s3.eu-west-1.amazonaws.com")),
        (json!({ "Fn::Sub": "${Bucket.Arn}/${!x}/*" }), &format!("arn:aws:s3:::{bucket}/${{x}}/*")),
        (json!({ "Fn::Sub": ["${A}-${Stage}", { "A": { "Ref": "AWS::AccountId" } }] }), "123456789012-dev"),
        (json!({ "Ref": "Topic" }), "arn:aws:sns:eu-west-1:123456789012:shop-alarms"),
        (json!({ "Fn::GetAtt": ["Topic", "TopicName"] }), "shop-alarms"),
        (json!({ "Fn::Select": [1, { "Ref": "Zones" }] }), "b"),
        (json!({ "Fn::Select": ["2", { "Fn::Split": ["-", "a-b-c"] }] }), "c"),
        (json!({ "Fn::Select": [5, ["a"]] }), "?no item 5"),
        (json!({ "Fn::Join": ["/", { "Ref": "Zones" }] }), "a/b"),
        (json!({ "Fn::Join": ["/", ["a", { "Ref": "AWS::NoValue" }, "b"]] }), "a/b"),
        (json!({ "Fn::If": ["IsProd", "yes", "no"] }), "no"),
        (json!({ "Fn::If": ["Either", "yes", "no"] }), "yes"),
        (json!({ "Fn::FindInMap": ["Sizes", { "Ref": "Stage" }, "Count"] }), "1"),
        (json!({ "Fn::FindInMap": ["Sizes", "test", "Count"] }), "?no `test`"),
        (json!({ "Ref": "Instance" }), "?`Instance` (AWS::EC2::Instance)"),
        (json!({ "Ref": "Unnamed" }), "?`IsProd` is false"),
        (json!({ "Fn::ImportValue": "x" }), "?Fn::ImportValue"),
        (json!({ "Ref": "Zones" }), "?single text"),
    ]);
}

#[test]
fn leaves_out_outputs_whose_condition_is_false() {
    let mut template = with_outputs(json!({ "One": "1", "Two": "2" }));
    template["Outputs"]["One"]["Condition"] = json!("IsProd");
    template["Outputs"]["Two"]["Condition"] = json!("NotProd");
    assert_eq!(resolved(&template, &[]), [("Two".to_owned(), Output::Known("2".to_owned()))].into_iter().collect());
}

#[test]
fn knows_names_and_arns_of_other_types() {
    let resource = |kind: &str, properties: Value| json!({ "Type": kind, "Properties": properties });
    let template = json!({
        "Resources": {
            "Role": resource("AWS::IAM::Role", json!({ "RoleName": "r", "Path": "/a/b/" })),
            "Group": resource("AWS::Scheduler::ScheduleGroup", json!({ "Name": "g" })),
            "Schedule": resource("AWS::Scheduler::Schedule", json!({ "Name": "s", "GroupName": { "Ref": "Group" } })),
            "Queue": resource("AWS::SQS::Queue", json!({ "QueueName": "q" })),
            "Logs": resource("AWS::Logs::LogGroup", json!({ "LogGroupName": "/x/y" })),
            "Images": resource("AWS::ECR::Repository", json!({ "RepositoryName": "i" })),
            "Rule": resource("AWS::Events::Rule", json!({ "Name": "e", "EventBusName": "bus" })),
            "Plain": resource("AWS::Events::Rule", json!({ "Name": "p" })),
            "Table": resource("AWS::DynamoDB::Table", json!({ "TableName": "t" })),
            "Key": resource("AWS::KMS::Alias", json!({ "AliasName": "alias/k" })),
            "Models": resource("AWS::SageMaker::ModelPackageGroup", json!({ "ModelPackageGroupName": "m" })),
            "Alarm": resource("AWS::CloudWatch::Alarm", json!({ "AlarmName": "a" })),
            "Unnamed": resource("AWS::SQS::Queue", json!({})),
        },
    });
    let cases = [
        ("Role", "", "r"),
        ("Role", "Arn", "arn:aws:iam::123456789012:role/a/b/r"),
        ("Group", "Arn", "arn:aws:scheduler:eu-west-1:123456789012:schedule-group/g"),
        ("Schedule", "Arn", "arn:aws:scheduler:eu-west-1:123456789012:schedule/g/s"),
        ("Queue", "Arn", "arn:aws:sqs:eu-west-1:123456789012:q"),
        ("Queue", "QueueName", "q"),
        ("Queue", "", "?`Queue`"),
        ("Logs", "Arn", "arn:aws:logs:eu-west-1:123456789012:log-group:/x/y:*"),
        ("Images", "RepositoryUri", "123456789012.dkr.ecr.eu-west-1.amazonaws.com/i"),
        ("Images", "Arn", "arn:aws:ecr:eu-west-1:123456789012:repository/i"),
        ("Rule", "Arn", "arn:aws:events:eu-west-1:123456789012:rule/bus/e"),
        ("Rule", "", "?`Rule`"),
        ("Plain", "", "p"),
        ("Plain", "Arn", "arn:aws:events:eu-west-1:123456789012:rule/p"),
        ("Table", "Arn", "arn:aws:dynamodb:eu-west-1:123456789012:table/t"),
        ("Table", "StreamArn", "?`Table`"),
        ("Key", "", "alias/k"),
        ("Models", "", "arn:aws:sagemaker:eu-west-1:123456789012:model-package-group/m"),
        ("Alarm", "Arn", "arn:aws:cloudwatch:eu-west-1:123456789012:alarm:a"),
        ("Unnamed", "Arn", "?sets no `QueueName`"),
    ];
    for (name, attribute, expected) in cases {
        let value = if attribute.is_empty() { json!({ "Ref": name }) } else { json!({ "Fn::GetAtt": [name, attribute] }) };
        let mut template = template.clone();
        template["Outputs"] = json!({ "One": { "Value": value } });
        match (resolved(&template, &[]).remove("One"), expected.strip_prefix('?')) {
            (Some(Output::Unknown { why }), Some(word)) => assert!(why.contains(word), "{value}: {why}"),
            (Some(Output::Known(text)), None) => assert_eq!(text, expected, "{value}"),
            (other, _) => panic!("{value}: {other:?}, not {expected}"),
        }
    }
}

#[test]
fn gives_up_on_hostile_templates() {
    // A chain of names, a chain of conditions, a circle, and references that multiply.
    let mut template = json!({ "Resources": {}, "Conditions": {}, "Outputs": {} });
    for index in 0..3_000 {
        let next = index + 1;
        template["Resources"][format!("R{index}")] =
            json!({ "Type": "AWS::S3::Bucket", "Properties": { "BucketName": { "Ref": format!("R{next}") } } });
        template["Conditions"][format!("C{index}")] = json!({ "Fn::Not": [{ "Condition": format!("C{next}") }] });
        let twice = json!({ "Fn::Sub": format!("${{M{next}}}${{M{next}}}") });
        template["Resources"][format!("M{index}")] = json!({ "Type": "AWS::S3::Bucket", "Properties": { "BucketName": twice } });
    }
    template["Resources"]["Own"] = json!({ "Type": "AWS::S3::Bucket", "Properties": { "BucketName": { "Ref": "Own" } } });
    for (name, value) in [
        ("Chain", json!({ "Ref": "R0" })),
        ("Twice", json!({ "Ref": "M0" })),
        ("Own", json!({ "Ref": "Own" })),
        ("If", json!({ "Fn::If": ["C0", "a", "b"] })),
    ] {
        template["Outputs"][name] = json!({ "Value": value });
    }
    let all = resolved(&template, &[]);
    assert!(all.values().all(|output| matches!(output, Output::Unknown { .. })), "{all:?}");
    assert!(check(&template).len() >= 2);
    let none = BTreeMap::new();
    assert_eq!(resource_changes(&template, &template, &none, &none), Vec::new());
}

/// JSON with the words that mean something in templates.
fn anything() -> impl Strategy<Value = Value> {
    let word = || {
        prop::sample::select(vec![
            "A",
            "B",
            "Ref",
            "Fn::Sub",
            "Fn::If",
            "Type",
            "Condition",
            "Properties",
            "${A}",
            "${",
            "AWS::SNS::Topic",
            "",
        ])
    };
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        word().prop_map(Value::from)
    ];
    leaf.prop_recursive(5, 60, 4, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((word(), inner), 0..4)
                .prop_map(|members| Value::Object(members.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())),
        ]
    })
}

proptest! {
    #[test]
    fn takes_anything(sections in prop::collection::vec(anything(), 5)) {
        let names = ["Parameters", "Mappings", "Conditions", "Resources", "Outputs"];
        let template: Value = Value::Object(names.iter().map(|name| (*name).to_owned()).zip(sections).collect());
        let _ = (check(&template), parameters(&template), resolved(&template, &[]), check_parameters(&template, &given(&[("A", "")])));
        let none = BTreeMap::new();
        prop_assert_eq!(resource_changes(&template, &template, &none, &none), Vec::new());
    }
}
