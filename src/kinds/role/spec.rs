//! What a person writes of a role, and the policies that follow from it.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::State;
use crate::desired::Scope;
use crate::kind::Written;
use crate::policy;

/// The name of the one inline policy that scones writes.
const INLINE: &str = "scones";

pub const WRITTEN: &[Written] = &[
    Written::same("description", "description"),
    Written::same("max_session_duration", "max_session_duration"),
    Written::same("managed_policies", "managed_policies"),
    Written::same("boundary", "boundary"),
    Written::by_hand("trust", "assumed_by", "who may assume it follows from `assumed_by` or `trust`: edit that"),
    Written::by_hand("policies", "allow", "its inline policy follows from `allow` and `deny`: edit these"),
];

/// An IAM role.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "RoleSpec")]
pub struct Spec {
    /// The name in IAM; by default `<app>-<environment>-<name>`.
    #[schemars(regex(pattern = r"^[\w+=,.@-]{1,64}$"))]
    #[allow(dead_code, reason = "read from the file before the spec is")]
    name: Option<String>,
    /// The services that may assume the role, such as lambda.amazonaws.com.
    assumed_by: Option<OneOrMany>,
    /// A whole trust policy, in place of `assumed_by`.
    trust: Option<Map<String, Value>>,
    /// What the role may do.
    #[serde(default)]
    allow: Vec<Statement>,
    /// What the role may never do.
    #[serde(default)]
    deny: Vec<Statement>,
    /// ARNs of managed policies.
    #[serde(default)]
    managed_policies: Vec<ManagedPolicyArn>,
    /// The ARN of a managed policy that bounds what the role may ever do.
    boundary: Option<ManagedPolicyArn>,
    /// Up to 1,000 characters of Latin-1: IAM takes no others.
    #[schemars(regex(pattern = r"^[\t\n\r\x20-\x7E\u{A1}-\u{FF}]*$"), length(max = 1000))]
    #[serde(default)]
    description: String,
    /// How long a session may last, in seconds: 3600 to 43200.
    #[schemars(range(min = 3600, max = 43200))]
    #[serde(default = "an_hour")]
    max_session_duration: i32,
}

/// One service or several.
#[derive(Deserialize, JsonSchema)]
#[serde(untagged)]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

/// The ARN of a managed policy.
#[derive(Deserialize, JsonSchema)]
struct ManagedPolicyArn(#[schemars(regex(pattern = r"^arn:aws[a-z-]*:iam::(aws|[0-9]{12}):policy/.+$"))] String);

/// A statement of a policy.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Statement {
    /// Actions such as s3:GetObject.
    #[schemars(length(min = 1))]
    actions: Vec<String>,
    /// ARNs, or `*`.
    #[schemars(length(min = 1))]
    resources: Vec<String>,
    /// Conditions, by operator and key, as in IAM.
    condition: Option<Map<String, Value>>,
    /// A name for the statement: letters and digits.
    sid: Option<String>,
}

fn an_hour() -> i32 {
    3600
}

pub fn desired(spec: Spec, scope: &mut Scope<'_>) -> Option<State> {
    let trust = trust(&spec, scope)?;
    scope.findings(&["trust"], policy::check_trust_policy(&trust));
    let mut policies = BTreeMap::new();
    let statements: Vec<Value> = spec
        .allow
        .iter()
        .map(|statement| ("Allow", statement))
        .chain(spec.deny.iter().map(|statement| ("Deny", statement)))
        .map(|(effect, statement)| statement_json(effect, statement))
        .collect();
    if !statements.is_empty() {
        let document = json!({ "Version": "2012-10-17", "Statement": statements });
        check_inline(&document, spec.allow.len(), scope);
        policies.insert(INLINE.to_owned(), policy::normalize(&document));
    }
    let mut managed_policies: Vec<String> = spec.managed_policies.into_iter().map(|arn| arn.0).collect();
    managed_policies.sort();
    managed_policies.dedup();
    // The quota is 10 per role unless AWS raised it, to 20 at most.
    if managed_policies.len() > 20 {
        scope.fault(&["managed_policies"], "a role takes at most 20 managed policies");
    }
    scope.is_sound().then(|| State {
        path: scope.world().role_path(),
        description: spec.description,
        max_session_duration: spec.max_session_duration,
        trust: policy::normalize(&trust),
        policies,
        managed_policies,
        boundary: spec.boundary.map(|arn| arn.0),
    })
}

fn trust(spec: &Spec, scope: &mut Scope<'_>) -> Option<Value> {
    let services = match (&spec.assumed_by, &spec.trust) {
        (None, Some(trust)) => return Some(Value::Object(trust.clone())),
        (Some(OneOrMany::One(service)), None) => vec![service.clone()],
        (Some(OneOrMany::Many(services)), None) => services.clone(),
        (Some(_), Some(_)) => {
            scope.fault(&["trust"], "`assumed_by` and `trust` say the same thing: write one of them");
            return None;
        }
        (None, None) => {
            scope.fault_with_help::<&str>(&[], "nobody may assume this role", "add `assumed_by:`, such as lambda.amazonaws.com");
            return None;
        }
    };
    for service in &services {
        let labels: Vec<&str> = service.split('.').collect();
        let right = labels.len() >= 3
            && service.contains(".amazonaws.com")
            && labels.iter().all(|label| {
                !label.is_empty() && label.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
            });
        if !right {
            scope.fault_with_help(
                &["assumed_by"],
                format!("`{service}` is no service"),
                "such as lambda.amazonaws.com; for all else use `trust:`",
            );
        }
    }
    Some(json!({
        "Version": "2012-10-17",
        "Statement": [{ "Effect": "Allow", "Principal": { "Service": services }, "Action": "sts:AssumeRole" }],
    }))
}

fn statement_json(effect: &str, statement: &Statement) -> Value {
    let mut out = Map::new();
    if let Some(sid) = &statement.sid {
        out.insert("Sid".into(), json!(sid));
    }
    out.insert("Effect".into(), json!(effect));
    out.insert("Action".into(), json!(statement.actions));
    out.insert("Resource".into(), json!(statement.resources));
    if let Some(condition) = &statement.condition {
        out.insert("Condition".into(), Value::Object(condition.clone()));
    }
    Value::Object(out)
}

/// Checks the rendered policy and points back at the spec, where a statement's members have other names.
fn check_inline(document: &Value, allowed: usize, scope: &mut Scope<'_>) {
    let mut findings = policy::check_identity_policy(document);
    for finding in &mut findings {
        let path = finding.path.split_off(finding.path.len().min(1));
        let Some((index, rest)) = path.split_first() else {
            finding.path.clear();
            continue;
        };
        let number: usize = index.parse().unwrap_or(0);
        let (list, number) = if number < allowed { ("allow", number) } else { ("deny", number - allowed) };
        let member = rest.iter().map(|key| match key.as_str() {
            "Action" => "actions".to_owned(),
            "Resource" => "resources".to_owned(),
            other => {
                if rest.first().is_some_and(|first| first == other) {
                    other.to_lowercase()
                } else {
                    other.to_owned()
                }
            }
        });
        finding.path = [list.to_owned(), number.to_string()].into_iter().chain(member).collect();
    }
    scope.findings(&[], findings);
}
