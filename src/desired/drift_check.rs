//! What the function of `drift_check` may read: known once all that it reads is.

use serde_json::Value;

use super::Desired;
use crate::address::Address;
use crate::environment::drift_check::NAME;
use crate::kind::Registry;
use crate::permissions::{Job, policy};

/// The name of the inline policy; the one that its declaration asks for has another.
const READS: &str = "reads";
/// What all inline policies of a role may have together, in characters without white space.
///
/// Source: "IAM and AWS STS quotas" in the IAM user guide.
const LONGEST: usize = 10_240;

/// Gives the function's role the smallest policy that a look needs.
///
/// # Errors
/// Says why it does not fit.
pub fn grant(desired: &mut Desired, registry: &Registry) -> Result<(), String> {
    let reads = crate::policy::normalize(&policy(desired, registry, Job::Drift));
    let role = desired.resources.get_mut(&Address::new("roles", NAME));
    let Some(policies) = role.and_then(|role| role.state.get_mut("policies")).and_then(Value::as_object_mut) else {
        return Ok(());
    };
    policies.insert(READS.to_owned(), reads);
    let size: usize = policies.values().map(|policy| policy.to_string().chars().filter(|c| !c.is_whitespace()).count()).sum();
    if size > LONGEST {
        return Err(format!("what this environment's check reads takes a policy of {size} characters; IAM takes {LONGEST}"));
    }
    Ok(())
}
