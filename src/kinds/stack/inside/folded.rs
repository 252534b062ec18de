//! Differences that CloudFormation reports and that are none. Pure.

use std::collections::BTreeMap;

use aws_sdk_cloudformation::types::{DifferenceType, PropertyDifference};
use serde_json::Value;

use super::{same, text};
use crate::policy;

/// Why a report is not believed as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rule {
    /// A list that is a set: CloudFormation compares place by place.
    Unordered,
    /// "It is gone" is looked up: CloudFormation is known to report it of what is there.
    LookedUp,
}

/// (type, or `*` for all; property; rule; where it is known from).
const KNOWN: &[(&str, &str, Rule, &str)] = &[
    ("*", "/Tags", Rule::Unordered, "services list tags in an order of their own"),
    ("AWS::S3::Bucket", "/LifecycleConfiguration/Rules", Rule::Unordered, "rules have no order; like origins in #1369"),
    ("AWS::S3::Bucket", "/LifecycleConfiguration", Rule::LookedUp, "#965, #966, #1317 of the coverage roadmap"),
    ("AWS::S3::Bucket", "/BucketEncryption", Rule::LookedUp, "#2554 of the coverage roadmap"),
    ("AWS::S3::Bucket", "/OwnershipControls", Rule::LookedUp, "#1106 of the coverage roadmap"),
];

/// What is made of a reported difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is none.
    None,
    /// It may be none: what is there decides.
    Doubtful,
    Real,
}

/// Judges one difference. The properties are those that CloudFormation compared, as JSON.
pub fn judge(type_name: &str, difference: &PropertyDifference, expected: &Value, actual: &Value) -> Verdict {
    let path = difference.property_path().unwrap_or_default();
    let (should, is) = (difference.expected_value().unwrap_or_default(), difference.actual_value().unwrap_or_default());
    match difference.difference_type {
        Some(DifferenceType::NotEqual) if is_same_text(should, is) => return Verdict::None,
        Some(DifferenceType::Add) if is_tag_of_aws(path, is, actual) => return Verdict::None,
        _ => {}
    }
    let rules = |rule: Rule| known(type_name, path).filter(move |(_, one)| *one == rule).map(|(property, _)| property);
    let side = |side: &Value, property: &str| members(side.pointer(property));
    if rules(Rule::Unordered).any(|property| {
        let (should, is) = (side(expected, property), side(actual, property));
        should.is_some() && should == is
    }) {
        return Verdict::None;
    }
    match difference.difference_type {
        Some(DifferenceType::Remove) if rules(Rule::LookedUp).next().is_some() => Verdict::Doubtful,
        _ => Verdict::Real,
    }
}

/// Whether CloudFormation is known to call a property gone that is there.
pub fn is_doubtful(type_name: &str, path: &str) -> bool {
    known(type_name, path).any(|(_, rule)| rule == Rule::LookedUp)
}

fn known(type_name: &str, path: &str) -> impl Iterator<Item = (&'static str, Rule)> {
    let holds = move |kind: &str, property: &str| {
        let below = path.strip_prefix(property).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        below && (kind == "*" || kind == type_name)
    };
    KNOWN.iter().filter(move |(kind, property, ..)| holds(kind, property)).map(|(_, property, rule, _)| (*property, *rule))
}

/// The members of a list and how often each is there, but for what AWS adds.
fn members(list: Option<&Value>) -> Option<BTreeMap<String, usize>> {
    let mut counts = BTreeMap::new();
    for member in list?.as_array()?.iter().filter(|member| !is_of_aws(member)) {
        *counts.entry(as_text(member).to_string()).or_default() += 1;
    }
    Some(counts)
}

/// A value in which all scalars are text and keys are sorted.
fn as_text(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let mut sorted: serde_json::Map<String, Value> =
                members.iter().map(|(key, value)| (key.clone(), as_text(value))).collect();
            sorted.sort_keys();
            Value::Object(sorted)
        }
        Value::Array(items) => Value::Array(items.iter().map(as_text).collect()),
        scalar => Value::from(text(scalar)),
    }
}

/// Tags such as `aws:cloudformation:stack-name` are put on by AWS, and nobody can take them off.
fn is_tag_of_aws(path: &str, value: &str, actual: &Value) -> bool {
    let tag = path.strip_prefix("/Tags/").and_then(|rest| rest.split('/').next());
    let listed = tag.and_then(|place| actual.pointer(&format!("/Tags/{place}")));
    tag.is_some_and(|key| key.starts_with("aws:")) || listed.is_some_and(is_of_aws) || is_of_aws(&parsed(value))
}

fn is_of_aws(tag: &Value) -> bool {
    tag.get("Key").and_then(Value::as_str).is_some_and(|key| key.starts_with("aws:"))
}

/// Whether two values say the same in other words: `30` and `"30"`, a policy with its members in another order, and
/// JSON with other spaces.
fn is_same_text(should: &str, is: &str) -> bool {
    let (should, is) = (parsed(should), parsed(is));
    same(&as_text(&should), &as_text(&is)) || (should.get("Statement").is_some() && policy::equivalent(&should, &is))
}

/// A reported value: JSON if it is a map or a list, else the text itself.
pub fn parsed(value: &str) -> Value {
    let parsed = |text: &str| serde_json::from_str::<Value>(text).ok();
    match parsed(value) {
        Some(found @ (Value::Object(_) | Value::Array(_))) => found,
        // A document inside of a text.
        Some(Value::String(text)) => match parsed(&text) {
            Some(found @ (Value::Object(_) | Value::Array(_))) => found,
            _ => Value::String(text),
        },
        _ => Value::from(value),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn difference(path: &str, kind: DifferenceType, expected: &str, actual: &str) -> PropertyDifference {
        PropertyDifference::builder()
            .property_path(path)
            .difference_type(kind)
            .expected_value(expected)
            .actual_value(actual)
            .build()
    }

    fn verdict(type_name: &str, path: &str, kind: DifferenceType, expected: &str, actual: &str) -> Verdict {
        judge(type_name, &difference(path, kind, expected, actual), &json!({}), &json!({}))
    }

    #[test]
    fn other_words_for_the_same_are_no_difference() {
        let equal = |a: &str, b: &str| verdict("AWS::X::Y", "/P", DifferenceType::NotEqual, a, b) == Verdict::None;
        assert!(equal("30", "\"30\"") && equal("true", "\"true\"") && equal(r#"{"a": 1}"#, r#"{"a":"1"}"#));
        assert!(equal(
            r#"{"Statement":{"Effect":"Allow","Action":["s3:Get*"],"Principal":"*","Resource":"*"}}"#,
            r#""{\"Statement\":[{\"Action\":\"s3:Get*\",\"Resource\":\"*\",\"Principal\":\"*\",\"Effect\":\"Allow\"}]}""#
        ));
        assert!(!equal("30", "31") && !equal("Enabled", "enabled") && !equal(r#"["a","b"]"#, r#"["b","a"]"#));
    }

    #[test]
    fn tags_of_aws_are_passed_over_and_no_others() {
        let added = |path: &str, tag: &str| verdict("AWS::SNS::Topic", path, DifferenceType::Add, "null", tag);
        assert_eq!(added("/Tags/3", r#"{"Key":"aws:cloudformation:stack-id","Value":"x"}"#), Verdict::None);
        assert_eq!(added("/Tags/3", r#"{"Key":"owner","Value":"aws:x"}"#), Verdict::Real);
        assert_eq!(verdict("AWS::SNS::Topic", "/Tags/0", DifferenceType::Remove, r#"{"Key":"a"}"#, "null"), Verdict::Real);
    }

    #[test]
    fn order_counts_but_where_a_list_is_a_set() {
        let (a, b) = (json!({ "Key": "a", "Value": "1" }), json!({ "Key": "b", "Value": "2" }));
        let swapped = difference("/Tags/0/Key", DifferenceType::NotEqual, "a", "b");
        let sides = |key: &str, left: &[&Value], right: &[&Value]| (json!({ key: left }), json!({ key: right }));
        let (expected, actual) = sides("Tags", &[&a, &b], &[&b, &a]);
        assert_eq!(judge("AWS::SNS::Topic", &swapped, &expected, &actual), Verdict::None);
        let (expected, actual) = sides("Tags", &[&a, &b], &[&b, &b]);
        assert_eq!(judge("AWS::SNS::Topic", &swapped, &expected, &actual), Verdict::Real);
        let (expected, actual) = sides("Layers", &[&a, &b], &[&b, &a]);
        let swapped = difference("/Layers/0/Key", DifferenceType::NotEqual, "a", "b");
        assert_eq!(judge("AWS::Lambda::Function", &swapped, &expected, &actual), Verdict::Real);
    }

    #[test]
    fn what_is_said_to_be_gone_is_looked_up_where_that_is_known_to_be_wrong() {
        let gone = |kind: &str, path: &str| verdict(kind, path, DifferenceType::Remove, "true", "null");
        let marker = "/LifecycleConfiguration/Rules/1/ExpiredObjectDeleteMarker";
        assert_eq!(gone("AWS::S3::Bucket", marker), Verdict::Doubtful);
        assert_eq!(gone("AWS::S3::Bucket", "/BucketEncryption"), Verdict::Doubtful);
        assert_eq!(gone("AWS::S3::Bucket", "/VersioningConfiguration"), Verdict::Real);
        assert_eq!(gone("AWS::S3::Bucket", "/BucketEncryptionOfOther"), Verdict::Real);
        assert_eq!(gone("AWS::SNS::Topic", "/OwnershipControls"), Verdict::Real);
        assert_eq!(verdict("AWS::S3::Bucket", marker, DifferenceType::NotEqual, "true", "false"), Verdict::Real);
    }
}
