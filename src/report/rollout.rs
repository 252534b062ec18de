//! How a change is rolled out, in one line.

use serde_json::Value;

use crate::diff::{Rule, rule_holds, split};
use crate::kind::AnyKind;
use crate::plan::{Action, Plan, Step};
use crate::units::written;

/// Says how a step's change is rolled out, in at most `width` characters; nothing where it is not.
pub fn line(step: &Step, kind: &dyn AnyKind, plan: &Plan, width: usize) -> Option<String> {
    let rollout = step.to.as_ref()?.get("rollout").filter(|rollout| rollout.is_object())?;
    let moves = |path: &str| {
        let keys = split(path);
        let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
        keys.first() != Some(&"tags") && !rule_holds(kind.fields(), &keys, Rule::InPlace)
    };
    let is_rolled_out = step.action == Action::Update && step.changes.iter().any(|change| moves(&change.path));
    is_rolled_out.then(|| {
        let names = rollout["roll_back_on"].as_array().into_iter().flatten().filter_map(Value::as_str);
        fitted(way(rollout), &names.map(|name| entry(name, plan)).collect::<Vec<_>>(), width)
    })
}

fn way(rollout: &Value) -> String {
    let bake = rollout["bake"].as_u64().and_then(|bake| u32::try_from(bake).ok()).filter(|bake| *bake > 0);
    let bake = bake.map(|bake| format!(", {}", written(bake, None))).unwrap_or_default();
    match (rollout["canary"].as_i64(), rollout["linear"].as_i64()) {
        (Some(percent), _) => format!("rolled out as a canary of {percent}%{bake}"),
        (None, Some(percent)) => format!("rolled out by {percent}% each{bake}"),
        (None, None) => format!("rolled out all at once{bake}"),
    }
}

/// What the file calls an alarm.
fn entry<'a>(name: &'a str, plan: &'a Plan) -> &'a str {
    let found = plan.desired.resources.iter().find(|(address, one)| address.section == "alarms" && one.name == name);
    found.map_or(name, |(address, _)| &address.name)
}

/// Names as many alarms as there is room for.
fn fitted(way: String, alarms: &[&str], width: usize) -> String {
    let text = |shown: usize| match (shown, alarms.len() - shown) {
        (0, 0) => way.clone(),
        (0, all) => format!("{way}, going back on {all} alarms"),
        (_, 0) => format!("{way}, going back on {}", alarms.join(", ")),
        (_, more) => format!("{way}, going back on {} and {more} more", alarms[..shown].join(", ")),
    };
    let fits = |shown: &usize| text(*shown).chars().count() <= width;
    text((0..=alarms.len()).rev().find(fits).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_way_is_said_in_words() {
        let said = |canary, linear, bake| way(&json!({ "canary": canary, "linear": linear, "bake": bake }));
        assert_eq!(said(json!(10), json!(null), 600), "rolled out as a canary of 10%, 10m");
        assert_eq!(said(json!(null), json!(20), 90), "rolled out by 20% each, 90s");
        assert_eq!(said(json!(null), json!(null), 0), "rolled out all at once");
    }

    #[test]
    fn as_many_alarms_are_named_as_there_is_room_for() {
        let said = |width| fitted("out".into(), &["errors", "latency"], width);
        assert_eq!(said(80), "out, going back on errors, latency");
        assert_eq!(said(33), "out, going back on 2 alarms");
        assert_eq!(fitted("out".into(), &["errors", "much longer"], 37), "out, going back on errors and 1 more");
        assert_eq!(fitted("out".into(), &[], 1), "out");
    }
}
