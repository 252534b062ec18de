//! What the function of `drift_check` may read: known once all that it reads is.

use serde_json::Value;

use super::Desired;
use crate::address::Address;
use crate::environment::drift_check::NAME;
use crate::kind::Registry;
use crate::permissions::{Job, policy};
use crate::policy::{ROLE_INLINE_LIMIT, size};

/// The name of the inline policy; the one that its declaration asks for has another.
const READS: &str = "reads";

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
    let characters: usize = policies.values().map(size).sum();
    if characters > ROLE_INLINE_LIMIT {
        return Err(format!(
            "what this environment's check reads takes a policy of {characters} characters; IAM takes {ROLE_INLINE_LIMIT}"
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::environment;
    use crate::kinds::registry;

    const HEAD: &str = "app: shop\nenvironment: toy\naccount: \"123456789012\"\nregion: eu-west-1\n";

    fn desired(text: &str) -> Result<Desired, String> {
        let folder = tempfile::TempDir::new().unwrap();
        let file = folder.path().join("toy.yaml");
        std::fs::write(&file, format!("{HEAD}{text}")).unwrap();
        let (registry, shown) = (registry(), |faults: environment::Diagnostics| faults.render(false));
        let environment = environment::load(&file, &registry).map_err(shown)?;
        crate::desired::desired(&environment, "123456789012", &registry).map_err(shown)
    }

    fn policies(desired: &Desired) -> &serde_json::Map<String, Value> {
        desired.resources[&Address::new("roles", NAME)].state["policies"].as_object().unwrap()
    }

    #[test]
    fn the_block_stands_for_ordinary_resources() {
        let made = desired("drift_check: { every: 6h, architecture: arm64, callers: [\"210987654321\"] }\n").unwrap();
        let addresses: Vec<String> = made.resources.keys().map(Address::to_string).collect();
        assert_eq!(
            addresses,
            ["roles.drift-check", "functions.drift-check", "alarms.drift-found", "alarms.drift-unknown", "schedules.drift-check"]
        );
        let function = made.drift_check().unwrap();
        assert_eq!((function.name.as_str(), &function.state["architecture"]), ("shop-toy-drift-check", &"arm64".into()));
        assert_eq!(function.state["environment"]["SCONES_ENVIRONMENT"], "toy");
        assert_eq!(function.state["permissions"]["caller-0"]["Principal"]["AWS"][0], "arn:aws:iam::210987654321:root");
        assert_eq!(function.declared_at.rsplit_once("toy.yaml").unwrap().1, ":5:1");
        let state = |section, name| &made.resources[&Address::new(section, name)].state;
        assert_eq!(state("schedules", NAME)["rule"]["schedule"], "rate(6 hours)");
        assert_eq!(state("alarms", "drift-unknown")["period"], 21_600);
        assert!(desired("roles: { r: { assumed_by: lambda.amazonaws.com } }\n").unwrap().drift_check().is_none());
    }

    #[test]
    fn the_package_depends_on_the_processor_alone() {
        let package = |text: &str| desired(text).unwrap().drift_check().unwrap().state["package"].clone();
        assert_eq!(package("drift_check: { every: 1h }\n"), package("drift_check: { every: 2h }\n"));
        assert_ne!(package("drift_check: { every: 1h }\n"), package("drift_check: { every: 1h, architecture: arm64 }\n"));
    }

    #[test]
    fn the_function_may_read_and_publish_and_no_more() {
        let made = desired(
            "drift_check: { every: 1h }\nroles: { r: { assumed_by: lambda.amazonaws.com } }\nalarms:\n  a: { metric: AWS/Lambda Errors, \
             dimensions: { FunctionName: f }, statistic: Sum, period: 1m, comparison: \">\", threshold: 0 }\n",
        )
        .unwrap();
        let policies = policies(&made);
        assert_eq!(policies["reads"], crate::policy::normalize(&policy(&made, &registry(), Job::Drift)));
        let actions = policies.values().flat_map(|policy| policy["Statement"].as_array().unwrap());
        let actions = actions.flat_map(|statement| statement["Action"].as_array().unwrap()).filter_map(Value::as_str);
        let writes: std::collections::BTreeSet<&str> = actions
            .filter(|action| {
                let verb = action.split_once(':').unwrap().1;
                !["Get", "List", "Describe", "Detect"].iter().any(|read| verb.starts_with(read))
            })
            .collect();
        let wanted = ["cloudwatch:PutMetricData", "logs:CreateLogStream", "logs:PutLogEvents", "s3:PutObject"];
        assert_eq!(writes.into_iter().collect::<Vec<_>>(), wanted);
    }

    #[test]
    fn a_policy_that_is_too_long_is_said_at_the_block() {
        let mut text = "drift_check: { every: 1h }\nalarms:\n".to_owned();
        for at in 0..90 {
            text += &format!(
                "  a{at}: {{ name: {}{at}, metric: AWS/Lambda Errors, dimensions: {{ FunctionName: f }}, statistic: Sum, period: 1m, \
                 comparison: \">\", threshold: 0 }}\n",
                "x".repeat(100)
            );
        }
        let said = desired(&text).unwrap_err();
        assert!(said.contains("toy.yaml:5:1") && said.contains("IAM takes 10240"), "{said}");
    }
}
