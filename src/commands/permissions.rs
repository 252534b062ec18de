//! `scones permissions`: the IAM policy that a job needs.

use clap::Args;

use super::{Context, EnvironmentName, Error, exit, print, tell};
use crate::kinds::registry;
use crate::permissions::{Job, MANAGED_LIMIT, policy, unknown};
use crate::policy::{ROLE_INLINE_LIMIT, size};

#[derive(Args)]
pub struct Arguments {
    #[command(flatten)]
    environment: EnvironmentName,
    /// What it must be enough for
    #[arg(long = "for", value_enum, value_name = "JOB")]
    job: Job,
}

/// Prints the policy as `aws iam create-policy` takes it. AWS is asked only for the account, where no file names it.
pub async fn run(arguments: Arguments) -> Result<u8, Error> {
    let name = &arguments.environment.environment;
    let (environment, mut desired) = Context::offline(name)?;
    if environment.header.account.is_none() {
        desired = Context::open(name).await?.desired;
    }
    let (registry, job) = (registry(), arguments.job);
    let policy = policy(&desired, &registry, job);
    for what in unknown(&desired, &registry, job) {
        tell(&format!("not in the policy, since not known here: {what}"));
    }
    if let Some(advice) = advice(size(&policy)) {
        tell(&advice);
    }
    print(&format!("{policy:#}"))?;
    Ok(exit::OK)
}

/// What to do with a policy that is too long for IAM's usual place, by its characters without white space.
fn advice(size: usize) -> Option<String> {
    let long = format!("this policy has {size} characters, and a managed policy at most {MANAGED_LIMIT}:");
    match size {
        _ if size <= MANAGED_LIMIT => None,
        _ if size <= ROLE_INLINE_LIMIT => Some(format!("{long}\ngive it to a role itself, with aws iam put-role-policy")),
        _ => Some(format!("{long}\ndivide its statements among several, of which a role can have 10")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_policies_come_with_advice() {
        assert_eq!(advice(6_144), None);
        assert!(advice(6_145).is_some_and(|text| text.contains("put-role-policy")));
        assert!(advice(10_241).is_some_and(|text| text.contains("several")));
    }
}
