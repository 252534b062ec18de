//! Carries one step out: write, wait until AWS has it, stamp.

use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;

use super::Run;
use crate::address::Address;
use crate::attempt::{self, is_rolled_out};
use crate::aws::{AwsError, tags, waiting};
use crate::desired::{Resource, tag};
use crate::diff::{Change, diff};
use crate::kind::{AnyKind, Live, Status, Tags, Target, name_by_content};
use crate::observe::observe_one;
use crate::plan::{Action, Step, as_declared, comparable, filled, moved, stamp_of};

/// How long AWS may answer with a settled state that is not the one written: reads lag behind writes.
const READ_LAG: Duration = Duration::from_secs(60);

pub async fn carry_out(run: &Run<'_>, step: &Step) -> Result<(), AwsError> {
    let unknown = || AwsError::local(format!("{} is of no known kind", step.address));
    let kind = run.registry.get(&step.address.section).ok_or_else(unknown)?;
    match step.action {
        Action::Blocked => Ok(()),
        Action::Delete => kind.delete(run.aws, &step.name).await,
        Action::Collect => kind.collect(run.aws, &step.name, &step.generations).await,
        Action::Create | Action::Update | Action::Replace | Action::Wait => {
            let resource = run.plan.desired.resources.get(&step.address).ok_or_else(unknown)?;
            let state = whole_state(run, step, resource)?;
            let name = if kind.named_by_content() { name_by_content(&step.name, &state) } else { step.name.clone() };
            let target = Target { name, state, tags: tags_to_write(run, step) };
            check_unmoved(run, kind, step, resource).await?;
            let is_anew = step.from.as_ref().is_none_or(|live| step.action == Action::Replace && live.status == Status::Settled);
            let rolls_out = is_rolled_out(&target.state) && !is_anew;
            if rolls_out {
                record(run, step, attempt::began(&target.state)).await?;
            }
            let reached = reach(run, kind, step, &target).await;
            if let Err(error) = &reached
                && error.is_rolled_back()
            {
                record(run, step, attempt::went_back(&target.state, &error.message)).await?;
            }
            let live = reached?;
            check_expected(&step.address, resource, &live)?;
            if tags::writable(&live.arn) {
                let declared = filled(&resource.state, &resource.holes, &run.known());
                let applied = as_declared(&target.state, &declared, &run.plan.ignored, &step.address);
                let mut records = Tags::from([(tag::STAMP.to_owned(), stamp_of(&applied, &resource.tags))]);
                if rolls_out {
                    records.insert(tag::ROLLOUT.to_owned(), attempt::done(&target.state));
                }
                tags::write(run.aws, &live.arn, &records, &[]).await?;
            }
            let attribute = |key: &str| format!("{}.{key}", step.address);
            run.learn([(attribute("name"), live.name.clone()), (attribute("arn"), live.arn.clone())]);
            run.learn(live.attributes.iter().map(|(key, value)| (attribute(key), value.clone())));
            Ok(())
        }
    }
}

/// Notes on the live resource how its rollout goes, for plans to come.
async fn record(run: &Run<'_>, step: &Step, outcome: String) -> Result<(), AwsError> {
    let Some(live) = step.from.as_ref().filter(|live| tags::writable(&live.arn)) else { return Ok(()) };
    tags::write(run.aws, &live.arn, &Tags::from([(tag::ROLLOUT.to_owned(), outcome)]), &[]).await
}

/// Stops where the live side is no longer what the plan was made against: somebody changed it in between.
async fn check_unmoved(run: &Run<'_>, kind: &dyn AnyKind, step: &Step, resource: &Resource) -> Result<(), AwsError> {
    let settled = |live: &&Live<Value>| live.status == Status::Settled && !kind.named_by_content();
    let Some(before) = step.from.as_ref().filter(settled) else { return Ok(()) };
    let moved = match observe_one(run.aws, kind, &step.name, Some(&resource.state)).await? {
        Some(now) => moved(before, &now, kind.fields()),
        None => vec!["it is gone".to_owned()],
    };
    match moved.is_empty() {
        true => Ok(()),
        false => {
            Err(AwsError::local(format!("the plan was made against another state of it: {}", moved.join(", "))).into_stale())
        }
    }
}

/// The state to reach with all its holes filled.
fn whole_state(run: &Run<'_>, step: &Step, resource: &Resource) -> Result<Value, AwsError> {
    let state = filled(step.to.as_ref().unwrap_or(&Value::Null), &resource.holes, &run.known());
    let text = state.to_string();
    match resource.holes.iter().find(|hole| text.contains(&format!("${{{hole}}}"))) {
        Some(hole) => Err(AwsError::local(format!("the value of ${{{hole}}} is still not known"))),
        None => Ok(state),
    }
}

/// Writes, and waits until AWS has it.
async fn reach(run: &Run<'_>, kind: &dyn AnyKind, step: &Step, target: &Target<Value>) -> Result<Live<Value>, AwsError> {
    write(run, kind, step, target).await?;
    settle(run, kind, step, target).await
}

async fn write(run: &Run<'_>, kind: &dyn AnyKind, step: &Step, target: &Target<Value>) -> Result<(), AwsError> {
    let Some(from) = &step.from else {
        return match step.action {
            Action::Create => kind.create(run.aws, target.clone()).await,
            _ => Ok(()),
        };
    };
    match step.action {
        Action::Wait => Ok(()),
        // What failed to come up is cleared away by its kind.
        Action::Replace if from.status != Status::Settled => kind.create(run.aws, target.clone()).await,
        Action::Replace => {
            kind.delete(run.aws, &step.name).await?;
            kind.create(run.aws, target.clone()).await
        }
        _ => {
            let (tag_changes, changes): (Vec<Change>, Vec<Change>) =
                step.changes.iter().cloned().partition(|change| change.field() == "tags");
            let tags_apart = tags::writable(&from.arn);
            let new_generation = kind.named_by_content() && !changes.is_empty();
            if new_generation {
                // It is made with its tags.
                return kind.create(run.aws, target.clone()).await;
            }
            if !changes.is_empty() || !tags_apart {
                kind.update(run.aws, from, target.clone(), &changes).await?;
            }
            if !tag_changes.is_empty() && tags_apart {
                write_tags(run, from, target).await?;
            }
            Ok(())
        }
    }
}

async fn write_tags(run: &Run<'_>, from: &Live<Value>, target: &Target<Value>) -> Result<(), AwsError> {
    let live = from.tags.clone().unwrap_or_default();
    let kept = comparable(&live, &target.tags, &run.plan.desired.ignore_tags);
    let set =
        target.tags.iter().filter(|(key, value)| live.get(*key) != Some(value)).map(|(key, value)| (key.clone(), value.clone()));
    let remove: Vec<String> = kept.into_keys().filter(|key| !target.tags.contains_key(key)).collect();
    tags::write(run.aws, &from.arn, &set.collect(), &remove).await
}

/// The tags to have; where they can only be written with the resource, those that others set are kept among them.
fn tags_to_write(run: &Run<'_>, step: &Step) -> Tags {
    let mut tags = step.tags.clone();
    if let Some(live) = step.from.as_ref().filter(|live| !tags::writable(&live.arn)) {
        let all = live.tags.clone().unwrap_or_default();
        let ours = comparable(&all, &step.tags, &run.plan.desired.ignore_tags);
        let others = all.into_iter().filter(|(key, _)| !ours.contains_key(key) && !key.starts_with("aws:"));
        for (key, value) in others {
            tags.entry(key).or_insert(value);
        }
    }
    tags
}

fn has_tags(live: &Live<Value>, wanted: &Tags) -> bool {
    let tags = live.tags.clone().unwrap_or_default();
    wanted.iter().all(|(key, value)| tags.get(key) == Some(value))
}

/// Reads until AWS is done and has what was written.
async fn settle(run: &Run<'_>, kind: &dyn AnyKind, step: &Step, target: &Target<Value>) -> Result<Live<Value>, AwsError> {
    let begun = Instant::now();
    let mut pause = Duration::from_millis(100);
    let mut settled_since: Option<Instant> = None;
    let name = if kind.named_by_content() { &step.name } else { &target.name };
    loop {
        let live = observe_one(run.aws, kind, name, Some(&target.state)).await?;
        let waits_for = match live {
            None => "AWS to show it".to_owned(),
            Some(live) => match &live.status {
                Status::Failed(why) => return Err(AwsError::unexpected("", &target.name, format!("it failed: {why}"))),
                Status::InProgress(what) => what.clone(),
                Status::Settled => {
                    let differing = diff(&live.state, &target.state, kind.fields());
                    let left_alone = |path: &str| run.plan.desired.ignored.iter().any(|rule| rule.covers(&step.address, path));
                    let mut paths: Vec<&str> =
                        differing.iter().map(|change| change.path.as_str()).filter(|path| !left_alone(path)).collect();
                    // Tags that are written with the resource arrive with it.
                    if !tags::writable(&live.arn) && !has_tags(&live, &target.tags) {
                        paths.push("tags");
                    }
                    if paths.is_empty() {
                        return Ok(live);
                    }
                    // Of what an interrupted run began, this is all that is heard of its end.
                    if let Some(why) = live.failure.as_ref().filter(|_| step.action == Action::Wait) {
                        return Err(AwsError::rolled_back("", &target.name, why));
                    }
                    let since = settled_since.get_or_insert_with(Instant::now);
                    if since.elapsed() > READ_LAG {
                        let message = format!("AWS shows other values than were written: {}", paths.join(", "));
                        return Err(AwsError::unexpected("", &target.name, message));
                    }
                    format!("AWS to show {}", paths.join(", "))
                }
            },
        };
        if begun.elapsed() > kind.deadline() {
            let message = format!("not done after {} s; still waiting for {waits_for}", begun.elapsed().as_secs());
            return Err(AwsError::unexpected("", &target.name, message));
        }
        waiting::on(&waits_for);
        tokio::time::sleep(pause).await;
        pause = (pause * 3 / 2).min(Duration::from_secs(3));
    }
}

/// Stops where AWS decided otherwise than was computed offline: what refers to it would be wrong.
fn check_expected(address: &Address, resource: &Resource, live: &Live<Value>) -> Result<(), AwsError> {
    for (key, expected) in &resource.expected {
        if let Some(real) = live.attributes.get(key).filter(|real| *real != expected) {
            let message = format!("its output {key} is {real}, where {expected} was computed; what refers to it would be wrong");
            return Err(AwsError::unexpected("", &address.to_string(), message));
        }
    }
    Ok(())
}
