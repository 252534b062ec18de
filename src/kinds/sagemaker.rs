//! What SageMaker's kinds share: the names of what is immutable, searching for them, and showing what no spec can say.

use std::collections::BTreeMap;
use std::fmt::Debug;

use aws_sdk_sagemaker::types::VpcConfig;
use regex_lite::Regex;
use serde::{Deserialize, Serialize};

use crate::desired::Scope;

/// Settings that a live resource has and no spec can ask for, each as the SDK prints it: enough to see that it differs.
pub type Others = BTreeMap<String, String>;

/// Subnets and security groups, both sorted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Vpc {
    subnets: Vec<String>,
    security_groups: Vec<String>,
}

impl Vpc {
    pub fn of(config: VpcConfig) -> Self {
        let sorted = |names: Option<Vec<String>>| {
            let mut names = names.unwrap_or_default();
            names.sort();
            names
        };
        Self { subnets: sorted(config.subnets), security_groups: sorted(config.security_group_ids) }
    }
}

/// Refuses capitals: SageMaker writes names into ARNs in lower case, and then one name could not be told from the other.
pub fn check_name(scope: &mut Scope<'_>) {
    let name = scope.name();
    if name.chars().any(|c| c.is_ascii_uppercase()) {
        let help = "give one in lower case with `name:`";
        scope.fault_with_help::<&str>(&[], format!("the name {name} has capitals, which SageMaker's ARNs lose"), help);
    }
}

/// The part of a name before the hash of the content, as [`crate::kind::name_by_content`] puts it there.
pub fn base(name: &str) -> Option<&str> {
    let (base, hash) = name.rsplit_once('-')?;
    let hexadecimal = hash.len() == 8 && hash.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
    (hexadecimal && !base.is_empty()).then_some(base)
}

/// What to search for to find everything named by content for these bases: one text for all of them where they share
/// the environment's prefix, for a listing takes one text only. Where all that bears the prefix is looked for anyway
/// (`whole`), that is the one for a single base too.
pub fn searches<'a>(bases: impl IntoIterator<Item = &'a str>, prefix: &str, whole: bool) -> Vec<String> {
    let (shared, others): (Vec<&str>, Vec<&str>) = bases.into_iter().partition(|base| base.starts_with(prefix));
    let shared = match shared.as_slice() {
        [] => None,
        [one] if !whole => Some(format!("{one}-")),
        _ => Some(prefix.to_owned()),
    };
    shared.into_iter().chain(others.into_iter().map(|base| format!("{base}-"))).collect()
}

/// Notes a setting that is not the default.
pub fn note<T: Debug>(others: &mut Others, key: &str, value: Option<T>) {
    if let Some(value) = value {
        others.insert(key.to_owned(), shown(&value));
    }
}

/// How the SDK prints a value, without the members that are not set.
fn shown(value: &impl Debug) -> String {
    let mut text = format!("{value:?}");
    for unset in [r"\w+: None, ", r", \w+: None\b", r"\w+: None\b"] {
        if let Ok(unset) = Regex::new(unset) {
            text = unset.replace_all(&text, "").into_owned();
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_names_by_content_from_others() {
        assert_eq!(base("scones-dev-classifier-0a1b2c3d"), Some("scones-dev-classifier"));
        for name in ["scones-dev-classifier", "classifier-0A1B2C3D", "classifier-0a1b2c3", "-0a1b2c3d", "0a1b2c3d", "x-0a1b2c3g"]
        {
            assert_eq!(base(name), None, "{name}");
        }
    }

    #[test]
    fn searches_once_for_what_shares_the_prefix() {
        assert_eq!(searches([], "a-dev-", true), Vec::<String>::new());
        assert_eq!(searches(["a-dev-x"], "a-dev-", false), ["a-dev-x-"]);
        assert_eq!(searches(["a-dev-x", "own"], "a-dev-", true), ["a-dev-", "own-"]);
        assert_eq!(searches(["a-dev-x", "own", "a-dev-y"], "a-dev-", false), ["a-dev-", "own-"]);
    }

    #[test]
    fn shows_only_what_is_set() {
        let vpc = VpcConfig::builder().subnets("subnet-1").build();
        assert_eq!(shown(&vpc), r#"VpcConfig { subnets: Some(["subnet-1"]) }"#);
    }
}
