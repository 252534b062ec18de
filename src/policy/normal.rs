//! The normal form.

use serde_json::{Map, Value};

/// The order in which the normal form writes a document's members.
const DOCUMENT_KEYS: [&str; 3] = ["Version", "Id", "Statement"];

/// The order in which the normal form writes a statement's members.
const STATEMENT_KEYS: [&str; 9] =
    ["Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "NotResource", "Condition"];

/// Returns the normal form of a policy document: documents that AWS treats alike have the same one.
///
/// Statements, actions, resources, principals and condition values become sorted lists without duplicates; booleans
/// and numbers in conditions become strings; account ids become their root's ARN; a `Sid` that is empty or only
/// digits (tools number statements) goes. `Principal: "*"` stays apart from `{"AWS": "*"}`, because AWS stores and
/// answers the two as written, and in some services the first also admits anonymous callers.
///
/// An action keeps its case, but for its service's prefix: the normal form is what people read in a diff and what is
/// written to AWS, and `s3:getobjecttagging` serves neither. Live text equals what was written, so two sides that
/// differ in case alone are rare; [`equivalent`] tells whether that is all they differ in. Duplicates collapse
/// whatever their case.
///
/// An empty list of actions, resources or principals goes, as it stands for nothing; an empty list of condition values
/// stays, because a condition without values never holds, while no condition always does.
///
/// What is no policy document is returned as it is. Normalising twice changes nothing more.
#[must_use]
pub fn normalize(document: &Value) -> Value {
    match document {
        Value::Array(items) => match items.as_slice() {
            [Value::Object(only)] => normal_document(only),
            _ => document.clone(),
        },
        Value::Object(members) => normal_document(members),
        _ => document.clone(),
    }
}

/// Tells whether AWS treats two policy documents alike.
///
/// They are alike when their normal forms are equal but for the case of actions and condition keys, which IAM ignores.
#[must_use]
pub fn equivalent(left: &Value, right: &Value) -> bool {
    folded(&normalize(left)) == folded(&normalize(right))
}

fn normal_document(members: &Map<String, Value>) -> Value {
    let normal = in_order(members, &DOCUMENT_KEYS, |key, value| match key {
        "Statement" => Some(normal_statements(value)),
        _ => Some(value.clone()),
    });
    Value::Object(normal)
}

fn normal_statements(value: &Value) -> Value {
    let mut statements: Vec<Value> = as_list(value).iter().map(normal_statement).collect();
    // By meaning first, so that the case of an action does not move its statement.
    statements.sort_by_cached_key(|statement| (folded_statement(statement).to_string(), statement.to_string()));
    statements.dedup();
    Value::Array(statements)
}

fn normal_statement(value: &Value) -> Value {
    let Value::Object(members) = value else { return value.clone() };
    let normal = in_order(members, &STATEMENT_KEYS, |key, value| match key {
        "Sid" => named_sid(value),
        "Effect" => Some(normal_effect(value)),
        "Principal" | "NotPrincipal" => normal_principal(value),
        "Action" | "NotAction" => non_empty(normal_actions(value)),
        "Resource" | "NotResource" => non_empty(sorted(as_list(value).to_vec())),
        "Condition" => normal_condition(value),
        _ => Some(value.clone()),
    });
    Value::Object(normal)
}

/// Maps the members of an object, the known ones first in their order, the others sorted behind them.
fn in_order(
    members: &Map<String, Value>,
    order: &[&str],
    mut normal: impl FnMut(&str, &Value) -> Option<Value>,
) -> Map<String, Value> {
    let place = |key: &str| order.iter().position(|known| *known == key).unwrap_or(order.len());
    let mut keys: Vec<&String> = members.keys().collect();
    keys.sort_by_key(|key| (place(key), key.as_str()));
    let mapped = keys.into_iter().filter_map(|key| Some((key.clone(), normal(key, members.get(key)?)?)));
    mapped.collect()
}

fn named_sid(value: &Value) -> Option<Value> {
    match value {
        Value::String(sid) if sid.chars().all(|character| character.is_ascii_digit()) => None,
        Value::Number(_) => None,
        _ => Some(value.clone()),
    }
}

fn normal_effect(value: &Value) -> Value {
    match value.as_str().map(str::to_ascii_lowercase).as_deref() {
        Some("allow") => Value::from("Allow"),
        Some("deny") => Value::from("Deny"),
        _ => value.clone(),
    }
}

fn normal_principal(value: &Value) -> Option<Value> {
    let Value::Object(kinds) = value else { return Some(value.clone()) };
    let normal = in_order(kinds, &[], |kind, named| {
        let mut named = as_list(named).to_vec();
        if kind == "AWS" {
            named.iter_mut().for_each(account_as_root);
        }
        non_empty(sorted(named))
    });
    (!normal.is_empty()).then_some(Value::Object(normal))
}

/// Writes a bare account id as the ARN that AWS stores for it.
///
/// An id does not tell its partition, so it is read as the commercial one.
fn account_as_root(principal: &mut Value) {
    if let Value::String(text) = principal
        && text.len() == 12
        && text.bytes().all(|byte| byte.is_ascii_digit())
    {
        *text = format!("arn:aws:iam::{text}:root");
    }
}

fn normal_actions(value: &Value) -> Vec<Value> {
    let mut actions: Vec<Value> = as_list(value).iter().map(with_folded_prefix).collect();
    actions.sort_by_cached_key(|action| (folded_text(action), text_of(action)));
    actions.dedup_by_key(|action| folded_text(action));
    actions
}

fn with_folded_prefix(action: &Value) -> Value {
    match action.as_str().and_then(|text| text.split_once(':')) {
        Some((service, name)) => Value::from(format!("{}:{name}", service.to_ascii_lowercase())),
        None => action.clone(),
    }
}

fn normal_condition(value: &Value) -> Option<Value> {
    let Value::Object(operators) = value else { return Some(value.clone()) };
    let normal = in_order(operators, &[], |_, keys| {
        let Value::Object(keys) = keys else { return Some(keys.clone()) };
        let normal = in_order(keys, &[], |_, values| Some(Value::Array(sorted(as_list(values).iter().map(as_text).collect()))));
        (!normal.is_empty()).then_some(Value::Object(normal))
    });
    (!normal.is_empty()).then_some(Value::Object(normal))
}

/// Writes a boolean or a number as the string that AWS answers for it.
fn as_text(value: &Value) -> Value {
    match value {
        Value::Bool(_) | Value::Number(_) => Value::from(value.to_string()),
        _ => value.clone(),
    }
}

fn as_list(value: &Value) -> &[Value] {
    match value {
        Value::Array(items) => items,
        scalar => std::slice::from_ref(scalar),
    }
}

fn sorted(mut values: Vec<Value>) -> Vec<Value> {
    values.sort_by_cached_key(text_of);
    values.dedup();
    values
}

fn non_empty(values: Vec<Value>) -> Option<Value> {
    (!values.is_empty()).then_some(Value::Array(values))
}

fn text_of(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn folded_text(value: &Value) -> String {
    text_of(value).to_ascii_lowercase()
}

/// Returns a normal form with everything lower-cased whose case IAM ignores.
fn folded(normal: &Value) -> Value {
    let Value::Object(members) = normal else { return normal.clone() };
    let mut folded = members.clone();
    if let Some(Value::Array(statements)) = folded.get_mut("Statement") {
        statements.iter_mut().for_each(|statement| *statement = folded_statement(statement));
        statements.sort_by_cached_key(Value::to_string);
        statements.dedup();
    }
    Value::Object(folded)
}

fn folded_statement(statement: &Value) -> Value {
    let Value::Object(members) = statement else { return statement.clone() };
    let fold = |(key, value): (&String, &Value)| {
        let folded = match (key.as_str(), value) {
            ("Action" | "NotAction", Value::Array(actions)) => {
                Value::Array(actions.iter().map(|action| Value::from(folded_text(action))).collect())
            }
            ("Condition", Value::Object(operators)) => Value::Object(operators.iter().map(folded_keys).collect()),
            _ => value.clone(),
        };
        (key.clone(), folded)
    };
    Value::Object(members.iter().map(fold).collect())
}

/// Lower-cases the condition keys below one operator, unless two of them differ by nothing else.
fn folded_keys((operator, keys): (&String, &Value)) -> (String, Value) {
    let Value::Object(keys) = keys else { return (operator.clone(), keys.clone()) };
    let mut folded: Map<String, Value> = keys.iter().map(|(key, values)| (key.to_ascii_lowercase(), values.clone())).collect();
    if folded.len() < keys.len() {
        folded = keys.clone();
    }
    folded.sort_keys();
    (operator.clone(), Value::Object(folded))
}
