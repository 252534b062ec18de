//! Asks CloudTrail's event history.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_cloudtrail::types::{Event as Found, LookupAttribute, LookupAttributeKey as Key};
use aws_smithy_types::date_time::Format;
use futures::future::join_all;
use serde_json::Value;

use super::pick::Question;
use super::{Event, Who};
use crate::aws::{Aws, AwsError};
use crate::kind::Registry;
use crate::plan::Plan;

const OPERATION: &str = "cloudtrail:LookupEvents";

/// How many pages of 50 events are read for a resource that has many.
const MOST_PAGES: usize = 4;

/// A question about a step of the drift, and the events found so far.
struct Asked {
    step: usize,
    question: Question,
    events: Result<Vec<Event>, AwsError>,
}

/// Says of each step of a drift who changed the resource last.
///
/// CloudTrail is asked for the events of each resource by its name and its ARN. Not every service has its events filed
/// so: where none of them could be the cause, it is asked for each event that could, once for all resources together.
pub async fn ask(aws: &Aws, drift: &mut Plan, registry: &Registry) {
    let steps = drift.steps.iter().enumerate();
    let questions =
        steps.filter_map(|(step, one)| Some((step, Question::about(one, registry.get(&one.address.section)?, &aws.world))));
    let mut asked = join_all(questions.map(|(step, question)| async move {
        let events = by_resource(aws, &question).await;
        Asked { step, question, events }
    }))
    .await;
    let open = asked.iter().filter(|one| !one.is_answered());
    let causes = open.flat_map(|one| one.question.causes().into_iter().map(|cause| (one.question.global, cause)));
    let causes: BTreeSet<(bool, String)> = causes.collect();
    let found = join_all(causes.into_iter().map(|(global, cause)| async move {
        let events = lookup(aws, global, Key::EventName, &cause, |_| false).await;
        ((global, cause), events)
    }));
    let found: BTreeMap<_, _> = found.await.into_iter().collect();
    for one in &mut asked {
        one.add(&found);
        drift.steps[one.step].who = Some(match &one.events {
            Ok(events) => one.question.answer(events),
            Err(error) => Who::Unknown(reason(error)),
        });
    }
}

impl Asked {
    /// Whether nothing more needs to be asked.
    fn is_answered(&self) -> bool {
        self.events.as_ref().map_or(true, |events| self.question.is_answered(events))
    }

    /// Adds what was found by the events' names.
    fn add(&mut self, found: &BTreeMap<(bool, String), Result<Vec<Event>, AwsError>>) {
        if self.is_answered() {
            return;
        }
        let causes = self.question.causes().into_iter().filter_map(|cause| found.get(&(self.question.global, cause)));
        let more: Result<Vec<&Vec<Event>>, &AwsError> = causes.map(Result::as_ref).collect();
        match (more, &mut self.events) {
            (Ok(more), Ok(events)) => {
                events.extend(more.into_iter().flatten().filter(|event| self.question.is_about(event)).cloned());
            }
            (Err(error), events) => *events = Err(error.clone()),
            (Ok(_), Err(_)) => {}
        }
    }
}

/// The events that CloudTrail has filed under what the resource is called.
async fn by_resource(aws: &Aws, question: &Question) -> Result<Vec<Event>, AwsError> {
    let lookups = question
        .names
        .iter()
        .map(|name| lookup(aws, question.global, Key::ResourceName, name, |events| question.is_answered(events)));
    let found: Result<Vec<_>, _> = join_all(lookups).await.into_iter().collect();
    Ok(found?.into_iter().flatten().collect())
}

/// Looks events up, the newest first; further pages only until `enough`.
async fn lookup(
    aws: &Aws,
    global: bool,
    key: Key,
    value: &str,
    enough: impl Fn(&[Event]) -> bool,
) -> Result<Vec<Event>, AwsError> {
    let pages = if key == Key::EventName { 1 } else { MOST_PAGES };
    let attribute = LookupAttribute::builder().attribute_key(key).attribute_value(value).build();
    let attribute = attribute.map_err(|error| AwsError::local(error.to_string()))?;
    let (mut events, mut next) = (vec![], None);
    for _ in 0..pages {
        let request = aws.cloudtrail(global).lookup_events().lookup_attributes(attribute.clone()).max_results(50);
        let answer = aws.call(OPERATION, value, request.set_next_token(next).send()).await?;
        events.extend(answer.events.unwrap_or_default().into_iter().map(neutral));
        next = answer.next_token;
        if next.is_none() || enough(&events) {
            break;
        }
    }
    Ok(events)
}

/// An event without the SDK's types. Its record is believed before what stands beside it.
fn neutral(found: Found) -> Event {
    let record: Value = found.cloud_trail_event.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default();
    let text = |key: &str| record.get(key).and_then(Value::as_str).map(str::to_owned);
    let time = found.event_time.and_then(|time| time.fmt(Format::DateTime).ok());
    let read_only = record.get("readOnly").and_then(Value::as_bool);
    Event {
        name: found.event_name.or_else(|| text("eventName")).unwrap_or_default(),
        source: found.event_source.or_else(|| text("eventSource")).unwrap_or_default(),
        time: text("eventTime").or(time).unwrap_or_default(),
        read_only: read_only.unwrap_or(found.read_only.as_deref() == Some("true")),
        username: found.username.unwrap_or_default(),
        record,
    }
}

fn reason(error: &AwsError) -> String {
    match error.is_access_denied() {
        true => format!("{OPERATION} is denied; allow it for the identity that runs this"),
        false => error.to_string(),
    }
}
