//! Whether a workflow's role may call what its tasks call.
//!
//! Conditions of statements that allow count as met, and statements that deny under a condition as not met: both are known
//! only when the call is made.

use serde_json::{Map, Value};

use super::function::with_version_to_come;
use super::needs::{self, Need};
use super::{Role, Workflow};
use crate::finding::{Finding, below};
use crate::policy::{self, glob};

/// Checks the tasks of a workflow against its role.
pub(super) fn check(workflow: &Workflow, role: &Role) -> Vec<Finding> {
    let documents: Vec<Value> = role.policies.iter().map(policy::normalize).collect();
    let statements: Vec<&Value> =
        documents.iter().filter_map(|document| document.get("Statement")?.as_array()).flatten().collect();
    let mut findings = Vec::new();
    visit(workflow.definition, &mut Vec::new(), &mut |state, path| {
        let missing: Vec<Need> =
            needs::of(state, workflow.functions).into_iter().filter(|need| !allowed(need, &statements)).collect();
        findings.extend(finding(&missing, path, role));
    });
    findings
}

fn finding(missing: &[Need], path: &[String], role: &Role) -> Option<Finding> {
    missing.first()?;
    let mut by_resource: Vec<(&str, Vec<&str>)> = Vec::new();
    for Need { action, resource } in missing {
        match by_resource.iter_mut().find(|(known, _)| known == resource) {
            Some((_, actions)) => actions.push(action),
            None => by_resource.push((resource, vec![action])),
        }
    }
    let lack = |(resource, actions): &(&str, Vec<&str>)| {
        let on = if *resource == "*" { "any resource".to_owned() } else { format!("`{}`", with_references(resource)) };
        format!("{} on {on}", actions.iter().map(|action| format!("`{action}`")).collect::<Vec<_>>().join(", "))
    };
    let statement = |(resource, actions): &(&str, Vec<&str>)| {
        let actions: Vec<String> = actions.iter().map(|action| format!("\"{action}\"")).collect();
        format!("{{ actions: [{}], resources: [\"{}\"] }}", actions.join(", "), with_references(resource))
    };
    let lacks = by_resource.iter().map(lack).collect::<Vec<_>>().join("; ");
    let message = format!("the role `{}` lacks what this task needs: {lacks}", role.name);
    let statements = by_resource.iter().map(statement).collect::<Vec<_>>().join(", ");
    Some(Finding::new(&below(path, "Resource"), message).help(format!("add to its `allow`: {statements}")))
}

/// Writes a resource as an environment file does: of the partition, region and account at hand.
fn with_references(resource: &str) -> String {
    if let Some(function) = with_version_to_come(resource) {
        return format!("{function}:*");
    }
    match resource.splitn(6, ':').collect::<Vec<_>>().as_slice() {
        ["arn", "*", service, "", "", rest] => format!("arn:${{partition}}:{service}:::{rest}"),
        ["arn", "*", service, "*", "*", rest] => format!("arn:${{partition}}:{service}:${{region}}:${{account}}:{rest}"),
        _ => resource.to_owned(),
    }
}

/// What is told of each part of a definition that names a resource: the part, and its path.
type Visitor<'v> = dyn FnMut(&Map<String, Value>, &[String]) + 'v;

/// Visits the tasks, readers and writers of a definition: all that names a resource.
fn visit(value: &Value, path: &mut Vec<String>, found: &mut Visitor) {
    let children: Vec<(String, &Value)> = match value {
        Value::Object(members) => {
            if members.get("Resource").is_some_and(Value::is_string) {
                found(members, path);
            }
            // What a task hands over is no part of the machine.
            let kept = members.iter().filter(|(key, _)| !matches!(key.as_str(), "Parameters" | "Arguments" | "Result"));
            kept.map(|(key, child)| (key.clone(), child)).collect()
        }
        Value::Array(items) => items.iter().enumerate().map(|(index, child)| (index.to_string(), child)).collect(),
        _ => return,
    };
    for (key, child) in children {
        path.push(key);
        visit(child, path, found);
        path.pop();
    }
}

fn allowed(need: &Need, statements: &[&Value]) -> bool {
    let effect = |statement: &Value, effect: &str| statement.get("Effect").and_then(Value::as_str) == Some(effect);
    let denied = |statement: &&&Value| {
        effect(statement, "Deny") && statement.get("Condition").is_none() && covers(statement, need, Covering::Surely)
    };
    let allows = |statement: &&&Value| effect(statement, "Allow") && covers(statement, need, Covering::Perhaps);
    statements.iter().any(|statement| allows(&statement)) && !statements.iter().any(|statement| denied(&statement))
}

/// How a pattern must relate to a resource that is not wholly known.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Covering {
    /// Whatever the resource turns out to be.
    Surely,
    /// For some resource that it may turn out to be.
    Perhaps,
}

fn covers(statement: &Value, need: &Need, covering: Covering) -> bool {
    let action = need.action.to_ascii_lowercase();
    let actions = match (texts(statement, "Action"), texts(statement, "NotAction")) {
        (Some(mut actions), _) => actions.any(|pattern| glob(&pattern.to_ascii_lowercase(), &action)),
        (None, Some(mut others)) => !others.any(|pattern| glob(&pattern.to_ascii_lowercase(), &action)),
        (None, None) => false,
    };
    let meets = |pattern: &str| match covering {
        Covering::Surely => glob(pattern, &need.resource),
        // A policy variable stands for some text.
        Covering::Perhaps => overlap(&without_variables(pattern), &need.resource),
    };
    let resources = match (texts(statement, "Resource"), texts(statement, "NotResource")) {
        (Some(mut patterns), _) => patterns.any(meets),
        (None, Some(mut others)) => !others.any(|pattern| glob(pattern, &need.resource)) && covering == Covering::Perhaps,
        (None, None) => false,
    };
    actions && resources
}

fn texts<'v>(statement: &'v Value, key: &str) -> Option<impl Iterator<Item = &'v str>> {
    Some(statement.get(key)?.as_array()?.iter().filter_map(Value::as_str))
}

/// Writes a star for each policy variable, and for each reference that is not resolved.
fn without_variables(pattern: &str) -> String {
    let mut plain = String::new();
    let mut rest = pattern;
    while let Some((before, behind)) = rest.split_once("${") {
        plain.push_str(before);
        plain.push('*');
        rest = behind.split_once('}').map_or("", |(_, after)| after);
    }
    plain + rest
}

/// Tells whether some text is covered by both of two patterns, of which only the first has `?`.
///
/// The parts of ARNs are held against each other one by one: a star for the region is no account.
fn overlap(one: &str, other: &str) -> bool {
    let parts = |text: &str| text.splitn(6, ':').map(str::to_owned).collect::<Vec<_>>();
    match (parts(one).as_slice(), parts(other).as_slice()) {
        (ours @ [arn, .., _], theirs @ [also, .., _]) if arn == "arn" && arn == also && (ours.len(), theirs.len()) == (6, 6) => {
            ours.iter().zip(theirs).all(|(one, other)| parts_overlap(one, other))
        }
        _ => parts_overlap(one, other),
    }
}

fn parts_overlap(one: &str, other: &str) -> bool {
    // The table below has the product of the lengths; ARNs have 2,048 characters at most.
    const LONGEST: usize = 2_048;
    let (one, other): (Vec<char>, Vec<char>) = (one.chars().take(LONGEST).collect(), other.chars().take(LONGEST).collect());
    // Behind each row: which beginnings of `other` overlap the beginning of `one` that is as long as the row's number.
    let mut row: Vec<bool> = vec![true];
    row.extend(other.iter().scan(true, |so_far, letter| {
        *so_far &= *letter == '*';
        Some(*so_far)
    }));
    for letter in &one {
        let mut next = Vec::with_capacity(row.len());
        next.push(*letter == '*' && row.first() == Some(&true));
        for (pair, theirs) in row.windows(2).zip(&other) {
            let &[both, mine] = pair else { continue };
            let left = next.last().copied().unwrap_or_default();
            next.push(match (letter, theirs) {
                ('*', _) | (_, '*') => mine || left || both,
                ('?', _) => both,
                (letter, theirs) => both && letter == theirs,
            });
        }
        row = next;
    }
    row.last() == Some(&true)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn overlaps_where_both_can_match() {
        for (one, other, same) in [
            ("arn:aws:sagemaker:eu-west-1:1:training-job/*", "arn:*:sagemaker:*:*:training-job/*", true),
            ("arn:aws:sagemaker:eu-west-1:1:training-job/a-*", "arn:*:sagemaker:*:*:training-job/b", false),
            ("arn:aws:sagemaker:eu-west-1:1:model/*", "arn:*:sagemaker:*:*:training-job/*", false),
            ("*", "arn:x", true),
            ("", "*", true),
            ("a?", "ab", true),
            ("a", "b*", false),
        ] {
            assert_eq!(overlap(one, other), same, "{one} {other}");
        }
        assert_eq!(without_variables("a/${aws:username}/b${"), "a/*/b*");
    }

    proptest! {
        /// A text that a pattern covers is an overlap of the two, and no other text is.
        #[test]
        fn overlap_with_a_plain_text_is_a_match(pattern in "[ab*?]{0,8}", text in "[ab]{0,8}") {
            prop_assert_eq!(overlap(&pattern, &text), glob(&pattern, &text));
        }

        #[test]
        fn overlap_is_symmetric(one in "[ab*]{0,8}", other in "[ab*]{0,8}") {
            prop_assert_eq!(overlap(&one, &other), overlap(&other, &one));
        }
    }
}
