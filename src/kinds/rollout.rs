//! How traffic is shifted to what is new, and what makes it go back: the block `rollout:` of every kind that has one.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize};

use crate::desired::Scope;
use crate::kind::{Access, When};
use crate::units::Seconds;

/// The least and the most that MaximumExecutionTimeoutInSeconds may be.
const WAITS: std::ops::RangeInclusive<u32> = 600..=14_400;
/// What an update may take besides baking, where `max_wait` is not given: mostly for instances to come up.
const BESIDES: u32 = 30 * 60;

/// How an update shifts traffic. With neither `canary` nor `linear`, all of it at once.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "RolloutSpec")]
pub struct Spec {
    /// The part of the traffic that the new one gets first, at most 50%; the rest follows at once.
    canary: Option<Percent>,
    /// The part of the traffic that the new one gets more of with each step, 10% to 50%.
    linear: Option<Percent>,
    /// How long each step is watched before the next one: up to 1h.
    #[serde(default = "no_time")]
    bake: Seconds,
    /// Names of declared alarms; any of them going off leads back to what was served before.
    #[serde(default)]
    roll_back_on: Vec<String>,
    /// When it is given up and goes back: 10m to 4h, longer than the whole bake.
    max_wait: Option<Seconds>,
}

/// A part of the whole, such as 10%.
#[derive(Clone, Copy)]
struct Percent(i32);

impl<'de> Deserialize<'de> for Percent {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let number = text.strip_suffix('%').and_then(|number| number.parse().ok());
        number.map(Self).ok_or_else(|| serde::de::Error::custom(format!("`{text}` is no percentage: write one such as 10%")))
    }
}

impl JsonSchema for Percent {
    fn schema_name() -> Cow<'static, str> {
        "Percent".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": "^[0-9]{1,3}%$", "description": "a percentage such as 10%" })
    }
}

fn no_time() -> Seconds {
    Seconds(0)
}

/// A rollout, complete; durations in seconds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rollout {
    pub canary: Option<i32>,
    pub linear: Option<i32>,
    pub bake: u32,
    /// Names of alarms in CloudWatch.
    pub roll_back_on: Vec<String>,
    pub max_wait: u32,
}

/// Checks against the limits of the API.
pub fn desired(spec: Spec, scope: &mut Scope<'_>) -> Option<Rollout> {
    let (canary, linear) = (spec.canary.map(|percent| percent.0), spec.linear.map(|percent| percent.0));
    if canary.is_some() && linear.is_some() {
        scope.fault(&["rollout", "linear"], "`canary` and `linear` are two ways: write one of them");
    }
    if canary.is_some_and(|percent| !(1..=50).contains(&percent)) {
        scope.fault(&["rollout", "canary"], "a canary is 1% to 50% of the traffic");
    }
    if linear.is_some_and(|percent| !(10..=50).contains(&percent)) {
        scope.fault(&["rollout", "linear"], "a step is 10% to 50% of the traffic");
    }
    let bake = spec.bake.0;
    if bake > 3600 {
        scope.fault(&["rollout", "bake"], "each step bakes for at most 1h");
    }
    if spec.roll_back_on.len() > 10 {
        scope.fault(&["rollout", "roll_back_on"], "an update watches at most 10 alarms");
    }
    let alarms: Vec<Option<String>> = spec
        .roll_back_on
        .iter()
        .enumerate()
        .map(|(index, alarm)| scope.link("alarms", alarm, &["rollout", "roll_back_on", &index.to_string()]).map(|link| link.name))
        .collect();
    let baking = bake.saturating_mul(steps(canary, linear));
    let max_wait = spec.max_wait.map_or_else(|| (baking + BESIDES).clamp(*WAITS.start(), *WAITS.end()), |wait| wait.0);
    if bake > 3600 {
        // Its fault is noted; what follows from it would only repeat it.
    } else if !WAITS.contains(&max_wait) {
        scope.fault(&["rollout", "max_wait"], "a rollout is waited for 10m to 4h");
    } else if max_wait <= baking {
        let key = if spec.max_wait.is_some() { "max_wait" } else { "bake" };
        scope.fault(&["rollout", key], format!("the steps bake for {baking} s in all, and it is given up after {max_wait} s"));
    }
    Some(Rollout { canary, linear, bake, roll_back_on: alarms.into_iter().collect::<Option<_>>()?, max_wait })
}

/// How many steps shift all of the traffic.
fn steps(canary: Option<i32>, linear: Option<i32>) -> u32 {
    match (canary, linear) {
        (Some(_), _) => 2,
        (None, Some(percent)) => 100_u32.div_ceil(u32::try_from(percent).unwrap_or(1).max(1)),
        (None, None) => 1,
    }
}

impl Rollout {
    /// What watching takes of whoever applies, where the service does not watch by itself.
    pub fn accesses(&self) -> Option<Access> {
        let watches = !self.roll_back_on.is_empty();
        watches.then(|| Access::of(When::Create, "cloudwatch:DescribeAlarms", "*"))
    }

    /// The percentages of the traffic that the new one gets, one step after the other; the last is all of it.
    pub fn shares(&self) -> Vec<i32> {
        match (self.canary, self.linear) {
            (Some(percent), _) => vec![percent, 100],
            (None, Some(percent)) => {
                (1..).map(|step| step * percent.max(1)).take_while(|share| *share < 100).chain([100]).collect()
            }
            (None, None) => vec![100],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_the_steps() {
        let cases =
            [((None, None), 1), ((Some(10), None), 2), ((None, Some(10)), 10), ((None, Some(30)), 4), ((None, Some(0)), 100)];
        for ((canary, linear), expected) in cases {
            assert_eq!(steps(canary, linear), expected);
        }
    }

    #[test]
    fn the_last_share_is_all() {
        let shares = |canary, linear| Rollout { canary, linear, bake: 0, roll_back_on: vec![], max_wait: 600 }.shares();
        assert_eq!(shares(Some(10), None), [10, 100]);
        assert_eq!(shares(None, Some(30)), [30, 60, 90, 100]);
        assert_eq!(shares(None, Some(50)), [50, 100]);
        assert_eq!(shares(None, None), [100]);
    }
}
