//! Grants → as few statements as say the same.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use crate::policy::glob;

type Action = &'static str;
/// A condition key.
type Key = &'static str;
type Resources = BTreeSet<String>;
/// From so many types on, a name stands for resources of any type.
const MANY_TYPES: usize = 4;
/// A condition key and the values it may have.
type Condition = Option<(Key, BTreeSet<String>)>;

/// One action on one resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    pub action: Action,
    pub on: String,
    /// A condition key and the only value it may have.
    pub only: Option<(Key, String)>,
}

/// Some actions on some resources.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    pub actions: BTreeSet<Action>,
    pub on: Resources,
    pub only: Condition,
}

/// Puts actions together that have the same resources; then those of one service whose resources are of other types: IAM
/// never asks of an action on a type that it has not.
pub fn statements(grants: Vec<Grant>) -> Vec<Statement> {
    let mut by_action: BTreeMap<(Action, Option<(Key, String)>), Resources> = BTreeMap::new();
    for Grant { action, on, only } in grants {
        by_action.entry((action, only)).or_default().insert(on);
    }
    let mut values: BTreeMap<(Action, Resources, Option<Key>), BTreeSet<String>> = BTreeMap::new();
    for ((action, only), on) in by_action {
        let (key, value) = only.unzip();
        values.entry((action, uncovered(on), key)).or_default().extend(value);
    }
    let mut by_resources: BTreeMap<(Resources, Condition), BTreeSet<Action>> = BTreeMap::new();
    for ((action, on, key), values) in values {
        by_resources.entry((on, key.map(|key| (key, values)))).or_default().insert(action);
    }
    // An action that has other conditions elsewhere must not get more resources here.
    let mut times: BTreeMap<&str, usize> = BTreeMap::new();
    by_resources.values().flatten().for_each(|action| *times.entry(action).or_default() += 1);
    let mut found: Vec<Statement> = vec![];
    for ((on, only), actions) in by_resources {
        let one = Statement { actions, on, only };
        let once = |one: &Statement| one.actions.iter().all(|action| times.get(action) == Some(&1));
        match found.iter_mut().find(|other| once(&one) && once(other) && other.can_take(&one)) {
            Some(other) => {
                other.actions.extend(one.actions);
                other.on.extend(one.on);
            }
            None => found.push(one),
        }
    }
    found.sort_by(|one, other| one.actions.cmp(&other.actions));
    found
}

impl Statement {
    /// Whether another one can be taken in without allowing more: what they have of one type is the same.
    fn can_take(&self, other: &Self) -> bool {
        let service = |one: &Self| one.on.first().map(|arn| arn.split(':').nth(2).map(str::to_owned));
        let of_type = |one: &Self, wanted: &str| one.on.iter().filter(|arn| kind(arn) == wanted).cloned().collect::<Vec<_>>();
        let same = |arn: &String| {
            let theirs = of_type(other, kind(arn));
            theirs.is_empty() || theirs == of_type(self, kind(arn))
        };
        self.only == other.only && service(self) == service(other) && self.on.iter().all(same)
    }

    pub fn document(&self) -> Value {
        let mut document = Map::new();
        document.insert("Effect".to_owned(), json!("Allow"));
        document.insert("Action".to_owned(), json!(self.actions));
        document.insert("Resource".to_owned(), json!(shortened(&self.on)));
        if let Some((key, values)) = &self.only {
            document.insert("Condition".to_owned(), json!({ "StringEquals": { *key: values } }));
        }
        Value::Object(document)
    }
}

/// The type of resource that an ARN is of: `endpoint` of `arn:…:endpoint/name`; of S3, whether it is an object.
fn kind(arn: &str) -> &str {
    let resource = arn.splitn(6, ':').nth(5).unwrap_or_default();
    match arn.split(':').nth(2) {
        Some("s3") if resource.contains('/') => "object",
        Some("s3") => "bucket",
        Some("sns") => "topic",
        _ => resource.split([':', '/']).next().unwrap_or_default(),
    }
}

/// Resources of many types of one service that all are named alike, as one pattern for any type: what the actions can do to
/// other types of that name is nothing, or is the environment's own. IAM counts characters.
fn shortened(resources: &Resources) -> Resources {
    let split = |arn: &str| {
        let (head, resource) = (arn.rsplit_once(':')?, arn.rsplit_once(':')?.1);
        let (_, name) = resource.split_once('/')?;
        (!head.0.ends_with(':')).then(|| format!("{}:*/{name}", head.0))
    };
    let mut types: BTreeMap<String, usize> = BTreeMap::new();
    resources.iter().filter_map(|arn| split(arn)).for_each(|any| *types.entry(any).or_default() += 1);
    let many = |arn: &String| split(arn).filter(|any| types.get(any).is_some_and(|count| *count >= MANY_TYPES));
    resources.iter().map(|arn| many(arn).unwrap_or_else(|| arn.clone())).collect()
}

/// Leaves out what another pattern of the same set covers.
fn uncovered(resources: BTreeSet<String>) -> BTreeSet<String> {
    let covered = |one: &String| resources.iter().any(|other| other != one && glob(other, one));
    resources.iter().filter(|one| !covered(one)).cloned().collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ACTIONS: [&str; 4] =
        ["sagemaker:DescribeModel", "sagemaker:DescribeEndpoint", "sagemaker:UpdateEndpoint", "s3:GetObject"];

    fn grant() -> impl Strategy<Value = Grant> {
        let on = prop_oneof!["(model|endpoint|endpoint-config)/[ab]\\*?", Just("model/a-*".to_owned())];
        let only = proptest::option::of("[xy]".prop_map(|value| ("key", value)));
        (0..ACTIONS.len(), on, only).prop_map(|(action, on, only)| {
            let service = ACTIONS[action].split(':').next().unwrap();
            Grant { action: ACTIONS[action], on: format!("arn:aws:{service}:r:1:{on}"), only }
        })
    }

    proptest! {
        /// Every grant is there; and an action gets nothing of a type that it was granted something of.
        #[test]
        fn what_is_said_is_what_was_granted(grants in proptest::collection::vec(grant(), 0..20)) {
            let made = statements(grants.clone());
            let says = |statement: &Statement, grant: &Grant| {
                let only = match (&statement.only, &grant.only) {
                    (None, None) => true,
                    (Some((key, values)), Some((wanted, value))) => key == wanted && values.contains(value),
                    _ => false,
                };
                only && statement.actions.contains(grant.action) && statement.on.iter().any(|on| glob(on, &grant.on))
            };
            for grant in &grants {
                prop_assert!(made.iter().any(|statement| says(statement, grant)), "{grant:?} in {made:?}");
            }
            for statement in &made {
                for (action, on) in statement.actions.iter().flat_map(|action| statement.on.iter().map(move |on| (*action, on))) {
                    let values = statement.only.as_ref().map(|(_, values)| values);
                    let of = |grant: &&Grant| grant.action == action && kind(&grant.on) == kind(on);
                    let granted: Vec<&Grant> = grants.iter().filter(of).collect();
                    let same = |grant: &&Grant| {
                        let value = grant.only.as_ref().map(|(_, value)| value);
                        grant.on == *on && value.is_none_or(|value| values.is_some_and(|values| values.contains(value)))
                    };
                    prop_assert!(granted.is_empty() || granted.iter().any(same), "{action} on {on} in {made:?}");
                }
            }
            let longest = made.iter().map(|statement| statement.actions.len()).sum::<usize>();
            prop_assert!(longest <= grants.len());
        }
    }

    #[test]
    fn a_pattern_stands_for_what_it_covers() {
        let set = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<BTreeSet<String>>();
        assert_eq!(uncovered(set(&["f:a-*", "f:a-*:*", "f:b", "f:b:*"])), set(&["f:a-*", "f:b", "f:b:*"]));
        assert_eq!(uncovered(set(&["*", "f:a"])), set(&["*"]));
    }

    #[test]
    fn a_name_of_many_types_stands_for_any() {
        let arns = |types: &[&str]| types.iter().map(|one| format!("arn:aws:sagemaker:r:1:{one}/a-e-*")).collect::<Resources>();
        let few = arns(&["endpoint", "model", "endpoint-config"]);
        assert_eq!(shortened(&few), few);
        assert_eq!(shortened(&arns(&["endpoint", "model", "endpoint-config", "model-package-group"])), arns(&["*"]));
        let others = Resources::from(["a/b", "c/b", "d/b", "e/b"].map(|place| format!("arn:aws:s3:::{place}")));
        assert_eq!(shortened(&others), others);
    }

    #[test]
    fn resources_have_types() {
        assert_eq!(kind("arn:aws:sagemaker:r:1:endpoint-config/x"), "endpoint-config");
        assert_eq!(kind("arn:aws:lambda:r:1:function:x:live"), "function");
        assert_eq!((kind("arn:aws:s3:::b"), kind("arn:aws:s3:::b/a/*"), kind("*")), ("bucket", "object", ""));
    }
}
