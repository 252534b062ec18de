//! The check for drift that nobody starts: what it publishes, what it remembers, and the function that runs it inside AWS.

pub mod function;
mod kept;
mod measure;
mod memory;
mod publish;

pub use kept::{forget, leave, start};
pub use measure::{NAMESPACE, Reading};
pub use publish::{publish, publish_unknown};

use crate::aws::{Aws, AwsError};
use crate::desired::Desired;
use crate::kind::Registry;
use crate::observe::{Looking, observe};
use crate::plan::{Mode, Plan, drift_of, plan};

/// Reads what exists, and keeps of the plan what nobody declared.
///
/// # Errors
/// The first failed read.
pub async fn look(aws: &Aws, desired: &Desired, registry: &Registry) -> Result<Plan, AwsError> {
    let observed = observe(aws, desired, registry, Looking::Closely).await?;
    Ok(drift_of(plan(desired, &observed, registry, Mode::Apply), &observed))
}
