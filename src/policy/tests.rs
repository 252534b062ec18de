use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::*;
use crate::finding::Finding;

/// A trust policy with nothing wrong.
fn trust() -> Value {
    json!({ "Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Principal": { "Service": "lambda.amazonaws.com" }, "Action": "sts:AssumeRole",
    }] })
}

/// A permission policy with one statement.
fn identity(statement: Value) -> Value {
    json!({ "Version": "2012-10-17", "Statement": [statement] })
}

fn shown(findings: &[Finding]) -> Vec<String> {
    findings.iter().map(ToString::to_string).collect()
}

/// Asserts that a check finds exactly one thing, at a path, with a word in its text.
fn assert_only(findings: &[Finding], path: &str, word: &str) {
    let all = shown(findings);
    assert_eq!(findings.len(), 1, "{all:#?}");
    assert_eq!(findings[0].path.join("."), path, "{all:#?}");
    assert!(all[0].contains(word), "{all:#?} lacks {word}");
}

#[test]
fn folds_what_aws_treats_alike() {
    let written = json!({
        "Statement": {
            "Condition": { "Bool": { "aws:SecureTransport": true }, "NumericLessThan": { "s3:max-keys": [10, "10"] } },
            "Resource": "arn:aws:s3:::b/*", "Action": ["S3:PutObject", "s3:GetObject", "s3:GetObject"],
            "Principal": { "Service": [], "AWS": "123456789012" }, "Effect": "allow", "Sid": "1",
        },
        "Version": "2012-10-17",
    });
    let normal = json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Effect": "Allow",
            "Principal": { "AWS": ["arn:aws:iam::123456789012:root"] },
            "Action": ["s3:GetObject", "s3:PutObject"],
            "Resource": ["arn:aws:s3:::b/*"],
            "Condition": { "Bool": { "aws:SecureTransport": ["true"] }, "NumericLessThan": { "s3:max-keys": ["10"] } },
        }],
    });
    assert_eq!(normalize(&written).to_string(), normal.to_string());
    assert_eq!(normalize(&json!([written])), normal);
}

#[test]
fn keeps_apart_what_differs() {
    let with = |principal: Value| normalize(&identity(json!({ "Effect": "Allow", "Principal": principal })));
    assert_ne!(with(json!("*")), with(json!({ "AWS": "*" })));
    let never = identity(json!({ "Effect": "Allow", "Condition": { "StringEquals": { "aws:PrincipalTag/a": [] } } }));
    assert_ne!(normalize(&never), normalize(&identity(json!({ "Effect": "Allow" }))));
    assert_ne!(
        normalize(&identity(json!({ "Sid": "A1", "Effect": "Allow" }))),
        normalize(&identity(json!({ "Effect": "Allow" })))
    );
}

#[test]
fn collapses_and_orders_statements() {
    let a = json!({ "Sid": "A", "Effect": "Allow", "Action": "s3:GetObject", "Resource": "*" });
    let b = json!({ "Sid": "B", "Effect": "Deny", "Action": "s3:PutObject", "Resource": "*" });
    let one = json!({ "Statement": [b, a, b] });
    let other = json!({ "Statement": [a, b] });
    assert_eq!(normalize(&one), normalize(&other));
}

#[test]
fn ignores_the_case_of_actions_only_in_equivalence() {
    let with = |action: &str| identity(json!({ "Effect": "Allow", "Action": action, "Resource": "*" }));
    assert_ne!(normalize(&with("s3:getobject")), normalize(&with("s3:GetObject")));
    assert!(equivalent(&with("s3:getobject"), &with("s3:GetObject")));
    assert!(!equivalent(&with("s3:getobject"), &with("s3:putobject")));
    let keyed = |key: &str| {
        identity(json!({ "Effect": "Allow", "Action": "s3:*", "Resource": "*",
            "Condition": { "StringEquals": { key: "x" } } }))
    };
    assert!(equivalent(&keyed("aws:sourcearn"), &keyed("aws:SourceArn")));
}

#[test]
fn leaves_what_is_no_policy() {
    for odd in [json!(null), json!(3), json!("x"), json!([1, 2]), json!({ "Statement": 3 })] {
        assert_eq!(normalize(&normalize(&odd)), normalize(&odd));
    }
}

#[test]
fn reads_live_documents() {
    assert_eq!(parse_live("%7B%22Version%22%3A%222012-10-17%22%7D"), Ok(json!({ "Version": "2012-10-17" })));
    assert_eq!(parse_live(" {\"a\": \"100%25+\"}"), Ok(json!({ "a": "100%25+" })));
    assert_eq!(parse_live("%7B%22a%22%3A%22%C3%A9+%22%7D"), Ok(json!({ "a": "é+" })));
    for broken in ["", "%7", "%7B%zz", "%7B%ff%7D", "%é0", "{"] {
        assert!(parse_live(broken).is_err(), "{broken}");
    }
}

#[test]
fn accepts_good_policies() {
    assert_eq!(shown(&check_trust_policy(&trust())), Vec::<String>::new());
    let good = identity(json!({
        "Sid": "ReadData", "Effect": "Allow",
        "Action": ["s3:GetObject", "s3:List*", "*", "execute-api:Invoke"],
        "Resource": [
            "*", "arn:aws:s3:::${stacks.foundation.DataBucket}/*", "${stacks.foundation.DataBucketArn}/*",
            "arn:aws:s3:::home/${aws:username}/*", "arn:${partition}:logs:*:${account}:*", "arn:aws:rds:*",
        ],
        "Condition": {
            "ForAllValues:StringLikeIfExists": { "aws:TagKeys": ["a", "b"] }, "Null": { "aws:TokenIssueTime": false },
        },
    }));
    assert_eq!(shown(&check_identity_policy(&good)), Vec::<String>::new());
    let bucket = json!({ "Version": "2012-10-17", "Statement": { "Sid": "any text here", "Effect": "Deny",
        "Principal": "*", "Action": "s3:*", "Resource": "arn:aws:s3:::b",
        "Condition": { "Bool": { "aws:SecureTransport": "false" } } } });
    assert_eq!(shown(&check_resource_policy(&bucket)), Vec::<String>::new());
}

#[test]
fn finds_what_is_wrong_in_a_document() {
    let good = json!({ "Effect": "Allow", "Action": "s3:GetObject", "Resource": "*" });
    assert_only(&check_identity_policy(&json!([])), "", "map");
    assert_only(&check_identity_policy(&json!({ "Statement": [good] })), "", "no `Version`");
    assert_only(&check_identity_policy(&json!({ "Version": "2012-10-18", "Statement": [good] })), "Version", "2012-10-17");
    assert_only(&check_identity_policy(&json!({ "Version": "2012-10-17" })), "", "Statement");
    assert_only(&check_identity_policy(&json!({ "Version": "2012-10-17", "Statement": [] })), "Statement", "no statements");
    let statements = json!({ "Version": "2012-10-17", "Statements": [], "Statement": [good] });
    assert_only(&check_identity_policy(&statements), "Statements", "`Statement`");
    let old = json!({ "Version": "2008-10-17", "Statement": [
        { "Effect": "Allow", "Action": "s3:*", "Resource": "arn:aws:s3:::b/${aws:username}" }] });
    assert_only(&check_identity_policy(&old), "Version", "literally");
    let twice = json!({ "Version": "2012-10-17", "Statement": [
        { "Sid": "A", "Effect": "Allow", "Action": "s3:*", "Resource": "*" },
        { "Sid": "A", "Effect": "Deny", "Action": "s3:*", "Resource": "*" }] });
    assert_only(&check_identity_policy(&twice), "Statement.1.Sid", "unique");
    let long: Vec<String> = (0..900).map(|n| format!("arn:aws:s3:::b/{n}")).collect();
    let long = identity(json!({ "Effect": "Allow", "Action": "s3:*", "Resource": long }));
    assert_only(&check_identity_policy(&long), "", "10240");
    let snowman = identity(json!({ "Effect": "Allow", "Action": "s3:*", "Resource": "arn:aws:s3:::b/☃" }));
    assert_only(&check_identity_policy(&snowman), "", "Latin-1");
}

#[test]
fn finds_what_is_wrong_in_a_statement() {
    let good = json!({ "Effect": "Allow", "Action": ["s3:GetObject"], "Resource": "*" });
    let cases = [
        ("Effect", json!("allow"), "Effect", "exactly"),
        ("Effect", Value::Null, "Effect", "null"),
        ("Acton", json!("s3:*"), "Acton", "`Action`"),
        ("NotAction", json!("s3:*"), "", "both"),
        ("Action", json!("GetObject"), "Action", "names no service"),
        ("Action", json!(["s3:GetObject", "s3:"]), "Action.1", "no action's name"),
        ("Action", json!("s*:GetObject"), "Action", "prefix"),
        ("Action", json!([]), "Action", "empty"),
        ("Action", json!([3]), "Action.0", "no string"),
        ("Resource", json!("my-bucket"), "Resource", "no ARN"),
        ("Resource", json!("arn:aws:s3:bucket"), "Resource", "too few parts"),
        ("Resource", json!("arn:was:s3:::bucket"), "Resource", "partition"),
        ("Resource", json!("arn:aws::::bucket"), "Resource", "service"),
        ("Resource", json!("arn:aws:sqs:us-east-1:1:"), "Resource", "no resource"),
        ("Principal", json!("*"), "Principal", "may not have"),
        ("Sid", json!("read data"), "Sid", "readdata"),
        ("Condition", json!({ "StringEqual": { "aws:a": "b" } }), "Condition.StringEqual", "`StringEquals`"),
        ("Condition", json!({ "NullIfExists": { "aws:a": "true" } }), "Condition.NullIfExists", "Null"),
        ("Condition", json!({ "Bool": "true" }), "Condition.Bool", "map"),
        ("Condition", json!({ "Bool": { "Secure": true } }), "Condition.Bool.Secure", "service:name"),
        ("Condition", json!({ "Bool": { "aws:a": [{}] } }), "Condition.Bool.aws:a.0", "value"),
        ("Condition", json!([]), "Condition", "map"),
    ];
    for (key, value, path, word) in cases {
        let mut statement = good.clone();
        statement[key] = value;
        let at = ["Statement", "0", path].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(".");
        assert_only(&check_identity_policy(&identity(statement)), &at, word);
    }
    let neither = identity(json!({ "Effect": "Allow", "Action": "s3:*" }));
    assert_only(&check_identity_policy(&neither), "Statement.0", "no `Resource`");
}

#[test]
fn finds_what_is_wrong_in_a_trust_policy() {
    let cases = [
        ("Resource", json!("*"), "Resource", "own role"),
        ("Action", json!("s3:GetObject"), "Action", "STS"),
        ("Action", json!("*"), "Action", "names no service"),
        ("Principal", json!("lambda.amazonaws.com"), "Principal", "map"),
        ("Principal", json!({}), "Principal", "no principal"),
        ("Principal", json!("*"), "Principal", "anyone"),
        ("Principal", json!({ "AWS": ["*"] }), "Principal", "anyone"),
        ("Principal", json!({ "Services": "lambda.amazonaws.com" }), "Principal.Services", "`Service`"),
        ("Principal", json!({ "Service": "lambda" }), "Principal.Service", "lambda.amazonaws.com"),
        ("Principal", json!({ "AWS": "12345" }), "Principal.AWS", "12 digits"),
        ("Principal", json!({ "AWS": "arn:aws:iam::123456789012:role/*" }), "Principal.AWS", "wildcard"),
    ];
    for (key, value, path, word) in cases {
        let mut policy = trust();
        policy["Statement"][0][key] = value;
        assert_only(&check_trust_policy(&policy), &format!("Statement.0.{path}"), word);
    }
    let mut nobody = trust();
    if let Some(statement) = nobody["Statement"][0].as_object_mut() {
        statement.remove("Principal");
    }
    assert_only(&check_trust_policy(&nobody), "Statement.0", "no `Principal`");
    let mut long = trust();
    long["Statement"][0]["Condition"] = json!({ "StringEquals": { "aws:a": "x".repeat(2_048) } });
    assert_only(&check_trust_policy(&long), "", "2048");
}

#[test]
fn counts_no_white_space() {
    assert_eq!(size(&json!({ "a": "b c" })), r#"{"a":"bc"}"#.len());
}

fn words(choices: &'static [&'static str]) -> impl Strategy<Value = Value> {
    prop::collection::vec(prop::sample::select(choices), 1..4).prop_map(|words| json!(words))
}

fn statements() -> impl Strategy<Value = Value> {
    let actions = words(&["s3:GetObject", "S3:PutObject", "s3:getobject", "sqs:*", "*"]);
    let resources = words(&["*", "arn:aws:s3:::a", "arn:aws:s3:::b/*"]);
    let principals = words(&["123456789012", "arn:aws:iam::123456789012:root", "*"]);
    let values = prop_oneof![words(&["a", "true"]), Just(json!(true)), Just(json!([1, 2, 1]))];
    let effect = prop::sample::select(vec!["Allow", "Deny", "allow"]);
    let sid = prop::option::of(prop::sample::select(vec!["", "1", "A", "Read"]));
    (effect, actions, resources, prop::option::of(principals), prop::option::of(values), sid).prop_map(
        |(effect, actions, resources, principals, values, sid)| {
            let mut statement = Map::new();
            statement.insert("Resource".into(), resources);
            statement.insert("Effect".into(), json!(effect));
            statement.insert("Action".into(), actions);
            statement.extend(principals.map(|named| ("Principal".into(), json!({ "AWS": named }))));
            statement.extend(values.map(|values| ("Condition".into(), json!({ "Bool": { "aws:a": values } }))));
            statement.extend(sid.map(|sid| ("Sid".into(), json!(sid))));
            Value::Object(statement)
        },
    )
}

fn documents() -> impl Strategy<Value = Value> {
    prop::collection::vec(statements(), 1..4).prop_map(|all| json!({ "Statement": all, "Version": "2012-10-17" }))
}

/// Rewrites a document without changing what it means: lists and members turn round, lists of one become scalars.
fn rewritten(value: &Value) -> Value {
    match value {
        Value::Array(items) => match items.as_slice() {
            [only] => rewritten(only),
            _ => Value::Array(items.iter().rev().map(rewritten).collect()),
        },
        Value::Object(members) => {
            Value::Object(members.iter().rev().map(|(key, value)| (key.clone(), rewritten(value))).collect())
        }
        scalar => scalar.clone(),
    }
}

proptest! {
    #[test]
    fn normalising_twice_is_normalising_once(document in documents()) {
        let once = normalize(&document);
        prop_assert_eq!(normalize(&once).to_string(), once.to_string());
    }

    #[test]
    fn the_way_of_writing_does_not_matter(document in documents()) {
        let other = rewritten(&document);
        prop_assert_eq!(normalize(&other).to_string(), normalize(&document).to_string());
        prop_assert!(equivalent(&other, &document));
    }

    #[test]
    fn another_action_matters(document in documents(), place in any::<prop::sample::Index>()) {
        let mut other = document.clone();
        if let Some(statements) = other["Statement"].as_array_mut() {
            let chosen = place.index(statements.len());
            statements[chosen]["Action"] = json!(["iam:PassRole"]);
        }
        prop_assert_ne!(normalize(&other), normalize(&document));
        prop_assert!(!equivalent(&other, &document));
    }

    #[test]
    fn checks_take_any_text(text in "\\PC{0,40}") {
        let odd = identity(json!({ "Effect": text, "Action": text, "Resource": text, "Condition": { &text: text } }));
        let _ = (check_identity_policy(&odd), check_trust_policy(&odd), parse_live(&text));
    }
}
