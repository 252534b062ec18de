//! CloudWatch alarms on one metric, or on an expression of several.

mod members;
mod query;
mod read;
mod spec;

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;

use crate::aws::{Aws, AwsError, arn};
use crate::desired::Scope;
use crate::diff::{Change, Field, Rule};
use crate::kind::answer::Answer;
use crate::kind::{ANY, Attribute, Call, Kind, Live, Part, Target, Wanted, When, World};
use crate::kinds::cloudwatch;
use crate::kinds::cloudwatch::metric_alarm::{State, put};
use spec::Spec;

const ALARM: &[&str] = &["arn:{partition}:cloudwatch:{region}:{account}:alarm:{name}"];

pub struct Alarm;

impl Kind for Alarm {
    const SECTION: &'static str = "alarms";
    const TITLE: &'static str = "CloudWatch alarm";
    const LONGEST_NAME: usize = 255;
    const WRITTEN: &'static [crate::kind::Written] = spec::WRITTEN;
    const FIELDS: &'static [Field] = &[
        Field { path: "actions", rule: Rule::Unordered, why: "actions have no order" },
        Field { path: "ok_actions", rule: Rule::Unordered, why: "actions have no order" },
        Field { path: "insufficient_data_actions", rule: Rule::Unordered, why: "actions have no order" },
        Field { path: "metrics", rule: Rule::Document, why: "a document: queries refer to each other" },
    ];
    const DEADLINE: Duration = Duration::from_secs(60);
    const CALLS: &'static [Call] = &[
        // CloudWatch tells of composite alarms, which are asked for as well, only where nothing narrower is allowed.
        Call::of(When::Search, ANY, &["cloudwatch:DescribeAlarms"]),
        Call::of(When::Search, ALARM, &["cloudwatch:ListTagsForResource"]),
        Call::of(When::Create, ALARM, &["cloudwatch:PutMetricAlarm"]),
        Call::of(When::Create, ALARM, &["cloudwatch:TagResource"]),
        Call::of(When::Update(&[]), ALARM, &["cloudwatch:PutMetricAlarm"]),
        Call::of(When::Update(&[]), ALARM, &["cloudwatch:TagResource"]),
        Call::of(When::Update(&["tags"]), ALARM, &["cloudwatch:UntagResource"]),
        Call::of(When::Delete, ALARM, &["cloudwatch:DeleteAlarms"]),
    ];
    const ANSWERS: &'static [Answer] = members::ANSWERS;

    type Spec = Spec;
    type State = State;

    fn attributes(world: &World, name: &str, _: &Value, _: Option<&Value>) -> BTreeMap<String, Attribute> {
        let arn = world.arn("cloudwatch", &format!("alarm:{name}"));
        [("name", name.to_owned()), ("arn", arn)].map(|(key, value)| (key.to_owned(), Attribute::Known(value))).into()
    }

    fn part(arn: &str) -> Option<Part> {
        Some(Part { name: arn::name(arn, "cloudwatch", "alarm:")?.to_owned(), main: true })
    }

    fn desired(spec: Spec, scope: &mut Scope<'_>) -> Option<State> {
        spec::desired(spec, scope)
    }

    /// One request for each hundred alarms, those of the other sort among them. Tags come from the tagging API.
    async fn observe(aws: &Aws, wanted: &[Wanted<State>]) -> Result<Vec<Live<State>>, AwsError> {
        read::read(aws, wanted).await
    }

    async fn discover(aws: &Aws) -> Result<Vec<String>, AwsError> {
        read::names(aws).await
    }

    async fn create(aws: &Aws, to: Target<State>) -> Result<(), AwsError> {
        put(aws, &to.name, &to.state, Some(&to.tags)).await
    }

    /// PutMetricAlarm replaces an alarm whole, but for its state and its tags.
    async fn update(aws: &Aws, _: &Live<State>, to: Target<State>, _: &[Change]) -> Result<(), AwsError> {
        put(aws, &to.name, &to.state, None).await
    }

    async fn delete(aws: &Aws, name: &str) -> Result<(), AwsError> {
        cloudwatch::delete(aws, &[name.to_owned()]).await
    }
}

fn is_percentile(statistic: &str) -> bool {
    statistic.starts_with('p')
}

/// What CloudWatch makes of percentiles over few data, if it was not told; nothing for other statistics.
fn low_samples_of(statistic: Option<&str>, told: Option<&str>) -> Option<String> {
    statistic.filter(|statistic| is_percentile(statistic)).map(|_| told.unwrap_or("evaluate").to_owned())
}
