//! That the code keeps to `contract.yaml`, which workflows are checked against.

use std::collections::BTreeSet;

use serde_json::json;

use crate::handler;

const CONTRACT: &str = include_str!("../contract.yaml");

/// The error names that the code gives to Lambda.
fn names_in_code() -> BTreeSet<&'static str> {
    let code = include_str!("failure.rs");
    let body =
        code.split("fn error_type").nth(1).expect("there is such a function").split("\n    }\n").next().unwrap_or_default();
    body.split('"').skip(1).step_by(2).collect()
}

/// The names behind a key of the contract, in brackets or one to a line.
fn names_in_contract(key: &str) -> BTreeSet<&'static str> {
    let rest = CONTRACT.split_once(&format!("\n{key}:")).map_or("", |(_, rest)| rest);
    let list = match rest.trim_start().strip_prefix('[') {
        Some(inside) => inside.split(']').next().unwrap_or_default(),
        None => rest.split_once("\n").map_or("", |(_, lines)| lines),
    };
    let names = list.split([',', '\n']).map(|name| name.trim().trim_start_matches("- "));
    names.take_while(|name| name.chars().all(char::is_alphanumeric)).filter(|name| !name.is_empty()).collect()
}

/// The fields of the body that the contract promises.
fn fields_in_contract() -> BTreeSet<&'static str> {
    let body = CONTRACT.split_once("\n  body:\n").map_or("", |(_, body)| body);
    let lines = body.lines().take_while(|line| line.starts_with("    "));
    let keys = lines.filter_map(|line| Some(line.trim().split_once(':')?.0));
    keys.filter(|key| !key.starts_with('#') && *key != "\"*\"").collect()
}

#[test]
fn raises_what_it_declares() {
    assert_eq!(names_in_code(), names_in_contract("errors"));
}

#[test]
fn answers_what_it_promises() {
    let event = json!({"s3_bucket": "b", "s3_key": "k", "inferences": [0.97, 0.03]});
    let answer = serde_json::to_value(handler::handle(&event, Some("0.93")).expect("it is confident")).expect("it is JSON");
    let fields: BTreeSet<&str> = answer["body"].as_object().expect("an object").keys().map(String::as_str).collect();
    assert_eq!(fields, fields_in_contract());
}

#[test]
fn outcomes_are_errors() {
    assert_eq!(names_in_contract("business"), BTreeSet::from(["ThresholdNotMet"]));
}
