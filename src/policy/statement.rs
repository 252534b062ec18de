//! Checks of a single statement.

use serde_json::{Map, Value};

use super::check::Attached;
use crate::finding::{Finding, below};

const KEYS: [&str; 9] =
    ["Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "NotResource", "Condition"];

/// The kinds of principals. Source: IAM user guide, "AWS JSON policy elements: Principal".
const PRINCIPALS: [&str; 4] = ["AWS", "Service", "Federated", "CanonicalUser"];

/// The condition operators. Source: IAM user guide, "IAM JSON policy elements: Condition operators".
const OPERATORS: [&str; 27] = [
    "StringEquals",
    "StringNotEquals",
    "StringEqualsIgnoreCase",
    "StringNotEqualsIgnoreCase",
    "StringLike",
    "StringNotLike",
    "NumericEquals",
    "NumericNotEquals",
    "NumericLessThan",
    "NumericLessThanEquals",
    "NumericGreaterThan",
    "NumericGreaterThanEquals",
    "DateEquals",
    "DateNotEquals",
    "DateLessThan",
    "DateLessThanEquals",
    "DateGreaterThan",
    "DateGreaterThanEquals",
    "Bool",
    "BinaryEquals",
    "IpAddress",
    "NotIpAddress",
    "ArnEquals",
    "ArnLike",
    "ArnNotEquals",
    "ArnNotLike",
    "Null",
];

pub(super) fn check_statement(statement: &Value, path: &[String], attached: Attached, findings: &mut Vec<Finding>) {
    let Some(members) = statement.as_object() else {
        findings.push(Finding::new(path, "a statement is a map"));
        return;
    };
    for key in members.keys().filter(|key| !KEYS.contains(&key.as_str())) {
        let finding = Finding::new(&below(path, key), format!("`{key}` is no member of a statement"));
        findings.push(finding.nearest_of(key, KEYS));
    }
    let mut at = Statement { members, path, attached, findings };
    at.check_sid();
    at.check_effect();
    at.check_actions();
    at.check_resources();
    at.check_principals();
    at.check_conditions();
}

struct Statement<'a> {
    members: &'a Map<String, Value>,
    path: &'a [String],
    attached: Attached,
    findings: &'a mut Vec<Finding>,
}

impl Statement<'_> {
    fn report(&mut self, finding: Finding) {
        self.findings.push(finding);
    }

    fn check_sid(&mut self) {
        let Some(sid) = self.members.get("Sid") else { return };
        let path = below(self.path, "Sid");
        match sid.as_str() {
            None => self.report(Finding::new(&path, "a Sid is a string")),
            // Other services admit more; IAM refuses it with MalformedPolicyDocument.
            Some(sid) if self.attached != Attached::Resource && !sid.chars().all(|c| c.is_ascii_alphanumeric()) => {
                let plain: String = sid.chars().filter(char::is_ascii_alphanumeric).collect();
                let finding = Finding::new(&path, format!("the Sid `{sid}` may hold only letters A-Z, a-z and digits"));
                self.report(if plain.is_empty() { finding } else { finding.help(format!("write `{plain}`")) });
            }
            Some(_) => {}
        }
    }

    fn check_effect(&mut self) {
        match self.members.get("Effect") {
            None => self.report(Finding::new(self.path, "the statement has no `Effect`").help("write `Effect: Allow`")),
            Some(Value::String(effect)) if effect == "Allow" || effect == "Deny" => {}
            Some(other) => {
                let shown = other.as_str().map_or_else(|| other.to_string(), str::to_owned);
                let finding = Finding::new(&below(self.path, "Effect"), format!("`{shown}` is no effect"));
                self.report(finding.help("an effect is `Allow` or `Deny`, written exactly so"));
            }
        }
    }

    /// Finds that both or neither of a key and its negation are there, and returns those that are.
    fn either(&mut self, positive: &'static str, negative: &'static str) -> Vec<&'static str> {
        let present: Vec<_> = [positive, negative].into_iter().filter(|key| self.members.contains_key(*key)).collect();
        match present.as_slice() {
            [] => self.report(Finding::new(self.path, format!("the statement has no `{positive}`"))),
            [_, _] => {
                let message = format!("the statement has both `{positive}` and `{negative}`, and may have only one");
                self.report(Finding::new(self.path, message));
            }
            _ => {}
        }
        present
    }

    /// Refuses the keys that a policy attached here may not have.
    fn forbid(&mut self, keys: [&'static str; 2], why: &str) {
        for key in keys.into_iter().filter(|key| self.members.contains_key(*key)) {
            self.report(Finding::new(&below(self.path, key), format!("{why} may not have `{key}`")));
        }
    }

    /// Hands each string below a key to a check, and reports what is no string.
    fn each_string(&mut self, key: &str, check: impl Fn(&str) -> Option<Finding>) {
        let Some(value) = self.members.get(key) else { return };
        let path = below(self.path, key);
        self.strings_at(value, &path, check);
    }

    fn strings_at(&mut self, value: &Value, path: &[String], check: impl Fn(&str) -> Option<Finding>) {
        let one = |value: &Value, path: &[String]| match value.as_str() {
            Some(text) => check(text).map(|finding| Finding { path: path.to_vec(), ..finding }),
            None => Some(Finding::new(path, format!("{value} is no string"))),
        };
        match value {
            Value::Array(items) if items.is_empty() => self.report(Finding::new(path, "the list is empty")),
            Value::Array(items) => {
                let found = items.iter().enumerate().filter_map(|(index, item)| one(item, &below(path, index)));
                self.findings.extend(found);
            }
            scalar => self.findings.extend(one(scalar, path)),
        }
    }

    fn check_actions(&mut self) {
        let attached = self.attached;
        for key in self.either("Action", "NotAction") {
            self.each_string(key, |action| check_action(action, attached));
        }
    }

    fn check_resources(&mut self) {
        if self.attached == Attached::Trust {
            self.forbid(["Resource", "NotResource"], "a trust policy is about its own role, so it");
            return;
        }
        for key in self.either("Resource", "NotResource") {
            self.each_string(key, check_resource);
        }
    }

    fn check_principals(&mut self) {
        if self.attached == Attached::Identity {
            self.forbid(["Principal", "NotPrincipal"], "a role's own policy");
            return;
        }
        for key in self.either("Principal", "NotPrincipal") {
            let path = below(self.path, key);
            match self.members.get(key) {
                Some(Value::String(text)) if text == "*" => {}
                Some(Value::Object(kinds)) => self.check_kinds_of_principals(kinds, &path),
                _ => self
                    .report(Finding::new(&path, "a principal is `\"*\"` or a map such as `{ Service: lambda.amazonaws.com }`")),
            }
        }
        if self.attached == Attached::Trust {
            self.check_open_trust();
        }
    }

    fn check_kinds_of_principals(&mut self, kinds: &Map<String, Value>, path: &[String]) {
        if kinds.is_empty() {
            self.report(Finding::new(path, "no principal is named"));
        }
        for (kind, named) in kinds {
            let here = below(path, kind);
            match kind.as_str() {
                "AWS" => self.strings_at(named, &here, check_account_principal),
                "Service" => self.strings_at(named, &here, check_service_principal),
                "Federated" | "CanonicalUser" => self.strings_at(named, &here, |_| None),
                _ => {
                    let finding = Finding::new(&here, format!("`{kind}` is no kind of principal"));
                    self.report(finding.nearest_of(kind, PRINCIPALS));
                }
            }
        }
    }

    /// Finds a trust policy that lets anyone in any account assume the role.
    fn check_open_trust(&mut self) {
        let everyone = match self.members.get("Principal") {
            Some(Value::String(text)) => text == "*",
            Some(Value::Object(kinds)) => kinds.get("AWS").is_some_and(names_everyone),
            _ => false,
        };
        let allowed = self.members.get("Effect").and_then(Value::as_str) == Some("Allow");
        if everyone && allowed && !self.members.contains_key("Condition") {
            let finding = Finding::new(&below(self.path, "Principal"), "anyone in any AWS account may assume the role");
            self.report(finding.help("name the accounts, or add a `Condition`"));
        }
    }

    fn check_conditions(&mut self) {
        let Some(condition) = self.members.get("Condition") else { return };
        let path = below(self.path, "Condition");
        let Some(operators) = condition.as_object() else {
            self.report(Finding::new(&path, "a condition is a map of operators"));
            return;
        };
        for (operator, keys) in operators {
            let here = below(&path, operator);
            self.findings.extend(check_operator(operator, &here));
            let Some(keys) = keys.as_object() else {
                self.report(Finding::new(&here, "below an operator stands a map of condition keys"));
                continue;
            };
            for (key, values) in keys {
                self.check_condition_values(key, values, &below(&here, key));
            }
        }
    }

    fn check_condition_values(&mut self, key: &str, values: &Value, path: &[String]) {
        if !key.contains(':') && !key.contains("${") {
            let finding = Finding::new(path, format!("`{key}` is no condition key"));
            self.report(finding.help("a key is written `service:name`, such as `aws:SourceArn`"));
        }
        match values {
            Value::Array(items) => {
                for (index, item) in items.iter().enumerate().filter(|(_, item)| !is_scalar(item)) {
                    self.report(Finding::new(&below(path, index), format!("{item} is no condition value")));
                }
            }
            scalar if is_scalar(scalar) => {}
            other => self.report(Finding::new(path, format!("{other} is no condition value"))),
        }
    }
}

fn is_scalar(value: &Value) -> bool {
    matches!(value, Value::String(_) | Value::Bool(_) | Value::Number(_))
}

fn names_everyone(named: &Value) -> bool {
    match named {
        Value::String(text) => text == "*",
        Value::Array(items) => items.iter().any(|item| item == "*"),
        _ => false,
    }
}

/// Checks `service:Name`, where only the name may have wildcards; `*` alone stands for every action.
fn check_action(action: &str, attached: Attached) -> Option<Finding> {
    const HELP: &str = "an action is written `service:Name`, such as `s3:GetObject`";
    if action.contains("${") {
        return None;
    }
    let refused = |message: String| Some(Finding::new(&[], message).help(HELP));
    if action == "*" && attached != Attached::Trust {
        return None;
    }
    let Some((service, name)) = action.split_once(':') else {
        return refused(format!("the action `{action}` names no service"));
    };
    if service.is_empty() || !service.chars().all(|c| c.is_ascii_alphanumeric() || c == '-') {
        return refused(format!("`{service}` in the action `{action}` is no service's prefix"));
    }
    if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '*' || c == '?') {
        return refused(format!("`{name}` in the action `{action}` is no action's name"));
    }
    if attached == Attached::Trust && !service.eq_ignore_ascii_case("sts") {
        let finding = Finding::new(&[], format!("a trust policy may only name actions of STS, not `{action}`"));
        return Some(finding.help("write `sts:AssumeRole`"));
    }
    None
}

/// Checks that a resource is `*` or an ARN of six parts.
///
/// References that the deployer fills later, and policy variables that IAM fills, stand for parts still unknown: a
/// resource that starts with one, or that has one before the sixth part, is given the benefit of the doubt.
fn check_resource(resource: &str) -> Option<Finding> {
    if resource == "*" || resource.starts_with("${") {
        return None;
    }
    let masked = without_references(resource);
    let parts: Vec<&str> = masked.splitn(6, ':').collect();
    let wrong = |message: String| {
        Some(Finding::new(&[], message).help("a resource is `*` or `arn:partition:service:region:account:resource`"))
    };
    let [prefix, rest @ ..] = parts.as_slice() else { return None };
    if *prefix != "arn" {
        return wrong(format!("the resource `{resource}` is no ARN"));
    }
    if rest.len() < 5 {
        // A wildcard at the end stands for the parts that are missing: AWS's own policies have `arn:aws:rds:*`.
        let open_ended = (rest.len() > 2 && masked.ends_with('*')) || masked.contains(HOLE);
        return if open_ended { None } else { wrong(format!("the ARN `{resource}` has too few parts")) };
    }
    let partition = rest.first().copied().unwrap_or_default();
    if partition != "*" && !partition.starts_with("aws") && !partition.contains(HOLE) {
        return wrong(format!("`{partition}` in the ARN `{resource}` is no partition of AWS"));
    }
    if rest.get(1).is_some_and(|service| service.is_empty()) {
        return wrong(format!("the ARN `{resource}` names no service"));
    }
    if rest.last().is_some_and(|last| last.is_empty()) {
        return wrong(format!("the ARN `{resource}` names no resource"));
    }
    None
}

/// Stands for a `${…}` whose value is not known; no ARN has it.
const HOLE: char = '\u{1a}';

/// Puts a [`HOLE`] in the place of each `${…}`, because policy variables hold colons that part nothing.
fn without_references(text: &str) -> String {
    let mut masked = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        masked.push_str(before);
        masked.push(HOLE);
        rest = after.split_once('}').map_or("", |(_, behind)| behind);
    }
    masked + rest
}

fn check_account_principal(principal: &str) -> Option<Finding> {
    let is_account = principal.len() == 12 && principal.bytes().all(|byte| byte.is_ascii_digit());
    // Live documents name deleted roles and users by their unique id.
    let is_unique_id = principal.len() > 16 && principal.starts_with('A') && principal.bytes().all(|b| b.is_ascii_alphanumeric());
    let is_arn =
        principal.starts_with("arn:") && (without_references(principal).splitn(6, ':').count() == 6 || principal.contains("${"));
    if principal == "*" || principal.starts_with("${") || is_account || is_unique_id {
        return None;
    }
    if !is_arn {
        let finding = Finding::new(&[], format!("`{principal}` is no AWS principal"));
        return Some(finding.help("write an account's id of 12 digits or the ARN of a role or user"));
    }
    let name = principal.splitn(6, ':').nth(5).unwrap_or_default();
    (name.len() > 1 && name.contains('*') && !name.contains("${")).then(|| {
        let finding = Finding::new(&[], format!("the principal `{principal}` has a wildcard, which AWS does not expand there"));
        finding.help("name the account and restrict it with a condition on `aws:PrincipalArn`")
    })
}

fn check_service_principal(principal: &str) -> Option<Finding> {
    let hostname = |text: &str| text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '.');
    if principal.contains("${") || (principal.contains('.') && hostname(principal)) {
        return None;
    }
    let finding = Finding::new(&[], format!("`{principal}` is no service principal"));
    Some(finding.help("a service is written as `lambda.amazonaws.com`"))
}

fn check_operator(written: &str, path: &[String]) -> Option<Finding> {
    let bare = written.strip_prefix("ForAllValues:").or_else(|| written.strip_prefix("ForAnyValue:")).unwrap_or(written);
    let stem = bare.strip_suffix("IfExists").unwrap_or(bare);
    if OPERATORS.contains(&stem) {
        // `Null` asks whether a key exists, so IfExists would contradict it.
        return (stem == "Null" && stem.len() != bare.len())
            .then(|| Finding::new(path, "`Null` takes no `IfExists`").help("write `Null`"));
    }
    Some(Finding::new(path, format!("`{written}` is no condition operator")).nearest_of(stem, OPERATORS))
}
