//! Offline checks of Amazon States Language definitions (the workflows of Step Functions).
//!
//! AWS checks a definition when a state machine is created, and refuses it with one terse message at a time. Here all
//! of it is checked beforehand, with the place of each mistake, together with what AWS takes and no one can mean: a
//! state that nothing leads to, a callback task that hands nobody its token. What AWS may or may not take (a resource
//! type newer than this module) is let through. Source: the Amazon States Language specification
//! (states-language.net), and the Step Functions developer guide where AWS narrows it.

mod choice;
mod errors;
mod fields;
mod functions;
mod machine;
mod map;
mod paths;
mod state;
mod task;
mod templates;

use serde_json::Value;

use crate::finding::Finding;

/// The longest definition, in bytes, that AWS takes. Source: Step Functions service quotas.
pub const LIMIT: usize = 1_048_576;

/// The language of a state's paths and expressions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Language {
    /// Paths such as `$.a.b`, the default.
    JsonPath,
    /// Expressions such as `{% $states.input.a %}`.
    Jsonata,
}

/// Returns everything that AWS would refuse in a state machine's definition, and what is surely a mistake.
///
/// References that the deployer fills later (`${…}`) may stand wherever a string may.
#[must_use]
pub fn check(definition: &Value) -> Vec<Finding> {
    let mut findings = Vec::new();
    let size = definition.to_string().len();
    if size > LIMIT {
        findings.push(Finding::new(&[], format!("the definition has {size} bytes, and AWS takes {LIMIT}")));
    }
    machine::Checker::new(&mut findings).check_definition(definition);
    findings
}

#[cfg(test)]
mod tests;
