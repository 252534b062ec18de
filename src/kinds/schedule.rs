//! Schedules: EventBridge rules that invoke a function of the environment.

use std::collections::BTreeMap;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::rule::{self, LONGEST_INPUT, Scheduled, members};
use crate::aws::{Aws, AwsError, arn};
use crate::desired::Scope;
use crate::diff::{Change, Field, Rule};
use crate::kind::answer::Answer;
use crate::kind::{ANY, Access, Attribute, Call, Kind, Live, Namesake, Part, Target, Wanted, When, World};
use crate::units::Seconds;

const RULE: &[&str] = &["arn:{partition}:events:{region}:{account}:rule/{name}"];

pub struct Schedule;

/// An EventBridge rule that invokes a function on a schedule.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "ScheduleSpec")]
pub struct Spec {
    /// The name of the rule; by default `<app>-<environment>-<name>`.
    #[schemars(regex(pattern = r"^[a-zA-Z0-9._-]{1,64}$"))]
    #[allow(dead_code, reason = "read from the file before the spec is")]
    name: Option<String>,
    /// The name of a declared function; its alias `live` is invoked.
    function: String,
    /// How often, in whole minutes, such as 1h.
    every: Option<Seconds>,
    /// When, in place of `every`, in UTC: such as cron(0 6 * * ? *).
    schedule: Option<String>,
    /// The event that the function gets; by default EventBridge's own.
    input: Option<Map<String, Value>>,
    /// Whether it runs.
    #[serde(default = "yes")]
    enabled: bool,
}

fn yes() -> bool {
    true
}

impl Kind for Schedule {
    const SECTION: &'static str = "schedules";
    const TITLE: &'static str = "schedule";
    const LONGEST_NAME: usize = 64;
    const FIELDS: &'static [Field] = &[
        Field { path: "targets.*.input", rule: Rule::Document, why: "the function's event" },
        Field { path: "rule.pattern", rule: Rule::Document, why: "an event pattern" },
    ];
    const DEADLINE: Duration = Duration::from_secs(60);
    const CALLS: &'static [Call] = &[
        Call::of(When::Search, ANY, &["events:ListRules"]),
        Call::of(When::Search, RULE, &["events:ListTagsForResource"]),
        Call::of(When::Read, RULE, &["events:ListTargetsByRule"]),
        Call::of(When::Create, RULE, rule::CREATE),
        Call::of(When::Update(&["rule"]), RULE, &["events:PutRule"]),
        Call::of(When::Update(&["targets"]), RULE, &["events:RemoveTargets", "events:PutTargets"]),
        Call::of(When::Update(&[]), RULE, &["events:TagResource"]),
        Call::of(When::Update(&["tags"]), RULE, &["events:UntagResource"]),
        Call::of(When::Delete, RULE, &["events:RemoveTargets", "events:DeleteRule"]),
    ];
    const ANSWERS: &'static [Answer] = &[members::LISTED, members::PAGE, members::DESCRIBED, members::MAKER, members::TARGETS];

    type Spec = Spec;
    type State = Scheduled;

    fn attributes(world: &World, name: &str, _: &Value, _: Option<&Value>) -> BTreeMap<String, Attribute> {
        let arn = world.arn("events", &format!("rule/{name}"));
        [("name", name.to_owned()), ("arn", arn)].map(|(key, value)| (key.to_owned(), Attribute::Known(value))).into()
    }

    fn part(arn: &str) -> Option<Part> {
        let name = arn::name(arn, "events", "rule/")?;
        // `rule/bus/name` is one of another bus.
        (!name.contains('/')).then(|| Part { name: name.to_owned(), main: true })
    }

    fn desired(spec: Spec, scope: &mut Scope<'_>) -> Option<Scheduled> {
        let expression = expression(&spec, scope);
        let arn = scope.mention("functions", &spec.function, &["function"])?.arn;
        rule::check_permission(&spec.function, Self::SECTION, "arn", scope);
        let input = spec.input.map(Value::Object);
        if input.as_ref().is_some_and(|input| input.to_string().chars().count() > LONGEST_INPUT) {
            scope.fault(&["input"], format!("EventBridge passes {LONGEST_INPUT} characters on, and these are more"));
        }
        let scheduled = Scheduled::invoking(&arn, input, expression?, spec.enabled);
        scope.is_sound().then_some(scheduled)
    }

    fn accesses(world: &World, name: &str, _: &Scheduled) -> Vec<Access> {
        rule::accesses(world, name)
    }

    /// As many requests as rules, or one listing for all, and one for the targets of each.
    async fn observe(aws: &Aws, wanted: &[Wanted<Scheduled>]) -> Result<Vec<Live<Scheduled>>, AwsError> {
        let names: Vec<&str> = wanted.iter().map(|one| one.name.as_str()).collect();
        let found = rule::observe(aws, &names).await?;
        Ok(found.into_iter().map(|found| Live::settled(found.name, found.arn, found.state, None)).collect())
    }

    /// All rules, those of monitors too: their ARNs say whose they are.
    async fn namesakes(aws: &Aws) -> Result<Vec<Namesake>, AwsError> {
        rule::namesakes(aws).await
    }

    async fn create(aws: &Aws, to: Target<Scheduled>) -> Result<(), AwsError> {
        rule::create(aws, &to.name, &to.state, &to.tags).await
    }

    async fn update(aws: &Aws, from: &Live<Scheduled>, to: Target<Scheduled>, _: &[Change]) -> Result<(), AwsError> {
        rule::update(aws, &to.name, &from.state, &to.state).await
    }

    async fn delete(aws: &Aws, name: &str) -> Result<(), AwsError> {
        rule::delete(aws, name).await
    }
}

fn expression(spec: &Spec, scope: &mut Scope<'_>) -> Option<String> {
    match (spec.every, &spec.schedule) {
        (Some(every), None) => rule::rate(every, scope),
        (None, Some(schedule)) => Some(rule::cron(schedule, scope)),
        (Some(_), Some(_)) => {
            scope.fault(&["schedule"], "`every` and `schedule` are two ways: write one of them");
            None
        }
        (None, None) => {
            scope.fault_with_help::<&str>(&[], "this schedule never runs", "add `every:`, such as 1h, or `schedule:`");
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_its_arns() {
        let part = |arn: &str| Schedule::part(&format!("arn:aws:events:us-east-1:123456789012:{arn}")).map(|part| part.name);
        assert_eq!(part("rule/a-dev-nightly").as_deref(), Some("a-dev-nightly"));
        assert_eq!(part("rule/bus/a-dev-nightly"), None);
        assert_eq!(part("event-bus/a-dev-nightly"), None);
    }
}
