//! Checks of whole documents; [`super::statement`] checks what is inside a statement.

use std::collections::BTreeMap;

use serde_json::Value;

use super::statement::check_statement;
use super::{ROLE_INLINE_LIMIT, TRUST_LIMIT, size};
use crate::finding::{Finding, below};

/// What a policy is attached to, which decides what it may and must say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Attached {
    /// A role: the policy says what the role may do.
    Identity,
    /// A role: the policy says who may assume it.
    Trust,
    /// Anything else, such as a bucket or a topic.
    Resource,
}

/// Returns what IAM would refuse in a role's permission policy, and what is surely a mistake.
///
/// The size is checked against [`ROLE_INLINE_LIMIT`], which all inline policies of a role share; their sum is the
/// caller's to check with [`size`].
#[must_use]
pub fn check_identity_policy(document: &Value) -> Vec<Finding> {
    let mut findings = check(document, Attached::Identity);
    findings.extend(too_long(document, ROLE_INLINE_LIMIT, "the inline policies of a role"));
    findings
}

/// Returns what IAM would refuse in a role's trust policy, and what is surely a mistake.
#[must_use]
pub fn check_trust_policy(document: &Value) -> Vec<Finding> {
    let mut findings = check(document, Attached::Trust);
    findings.extend(too_long(document, TRUST_LIMIT, "a trust policy"));
    findings
}

/// Returns what AWS would refuse in the policy of a bucket, topic, queue or key, and what is surely a mistake.
#[must_use]
pub fn check_resource_policy(document: &Value) -> Vec<Finding> {
    check(document, Attached::Resource)
}

fn check(document: &Value, attached: Attached) -> Vec<Finding> {
    const KEYS: [&str; 3] = ["Version", "Id", "Statement"];
    let Some(members) = document.as_object() else {
        return vec![Finding::new(&[], "a policy document is a map").help("give it `Version` and `Statement`")];
    };
    let mut findings = Vec::new();
    for key in members.keys().filter(|key| !KEYS.contains(&key.as_str())) {
        let finding = Finding::new(std::slice::from_ref(key), format!("`{key}` is no member of a policy document"));
        findings.push(finding.nearest_of(key, KEYS));
    }
    findings.extend(check_version(document));
    findings.extend(check_characters(document));
    match members.get("Statement") {
        None => findings.push(Finding::new(&[], "the policy has no `Statement`")),
        Some(Value::Array(statements)) => findings.extend(check_statements(statements, attached)),
        Some(statement) => check_statement(statement, &["Statement".to_owned()], attached, &mut findings),
    }
    findings
}

fn check_version(document: &Value) -> Option<Finding> {
    const HELP: &str = "write `Version: \"2012-10-17\"`";
    let path = ["Version".to_owned()];
    match document.get("Version") {
        None => Some(
            Finding::new(&[], "the policy has no `Version`, so AWS reads it as of 2008 and replaces no policy variables")
                .help(HELP),
        ),
        Some(Value::String(version)) if version == "2012-10-17" => None,
        Some(Value::String(version)) if version == "2008-10-17" => document.to_string().contains("${aws:").then(|| {
            Finding::new(&path, "policies of version 2008-10-17 take policy variables such as `${aws:username}` literally")
                .help(HELP)
        }),
        Some(other) => Some(Finding::new(&path, format!("{other} is no version of the policy language")).help(HELP)),
    }
}

/// Finds characters that IAM's `policyDocumentType` does not admit: those beyond Latin-1.
fn check_characters(document: &Value) -> Option<Finding> {
    let text = document.to_string();
    let refused = text.chars().find(|character| u32::from(*character) > 0xFF)?;
    Some(Finding::new(&[], format!("the policy has the character `{refused}`, and AWS admits Latin-1 alone")))
}

fn check_statements(statements: &[Value], attached: Attached) -> Vec<Finding> {
    let mut findings = Vec::new();
    let path = ["Statement".to_owned()];
    if statements.is_empty() {
        findings.push(Finding::new(&path, "the policy has no statements"));
    }
    let mut first_with: BTreeMap<&str, usize> = BTreeMap::new();
    for (index, statement) in statements.iter().enumerate() {
        let here = below(&path, index);
        check_statement(statement, &here, attached, &mut findings);
        let Some(sid) = statement.get("Sid").and_then(Value::as_str).filter(|sid| !sid.is_empty()) else { continue };
        match first_with.get(sid) {
            Some(first) => findings.push(Finding::new(
                &below(&here, "Sid"),
                format!("`{sid}` is the Sid of statement {first} already, and each must be unique"),
            )),
            None => {
                first_with.insert(sid, index);
            }
        }
    }
    findings
}

fn too_long(document: &Value, limit: usize, what: &str) -> Option<Finding> {
    let size = size(document);
    let message = format!("the policy has {size} characters, and {what} may have {limit}");
    (size > limit).then(|| Finding::new(&[], message).help("white space does not count; use wildcards or fewer statements"))
}
