//! `scones explain`: all about one resource.

use clap::Args;
use serde_json::Value;

use super::{Context, EnvironmentName, Error, exit, print};
use crate::address::Address;
use crate::desired::tag;
use crate::kind::When;
use crate::observe::Looking;
use crate::plan::{Action, Mode, Step, is_owned, plan};
use crate::report::lines::lines;
use crate::report::style::{FAINT, STRONG, paint};

#[derive(Args)]
pub struct Arguments {
    #[command(flatten)]
    environment: EnvironmentName,
    /// Such as functions.image-classification
    address: Address,
}

pub async fn run(arguments: Arguments) -> Result<u8, Error> {
    let context = Context::open(&arguments.environment.environment).await?;
    let address = &arguments.address;
    let Some(resource) = context.desired.resources.get(address) else {
        let known = context.desired.resources.keys().map(ToString::to_string).collect::<Vec<_>>();
        let near = crate::environment::shape::nearest(&address.to_string(), known.iter().map(String::as_str))
            .map(|near| format!("did you mean {near}?"));
        return Err(Error::other(
            format!("{address} is not declared"),
            near.unwrap_or_else(|| format!("`scones status {}` lists what is declared", context.name)),
        ));
    };
    let observed = context.observe(Looking::Once).await?;
    let plan = plan(&context.desired, &observed, &context.registry, Mode::Apply);
    let live = observed.resources.get(address);
    let mut out = vec![
        paint(STRONG, address),
        format!("declared at  {}", resource.declared_at),
        format!("name         {}", live.map_or(&resource.name, |live| &live.name)),
    ];
    match live {
        None => out.push("live         it does not exist".into()),
        Some(live) => {
            let tags = live.tags.clone().unwrap_or_default();
            let owner = match (is_owned(&tags, &context.desired.world), tags.get(tag::APP)) {
                (true, _) => "this environment".to_owned(),
                (false, Some(app)) => format!("{app} / {}", tags.get(tag::ENVIRONMENT).cloned().unwrap_or_default()),
                (false, None) => "nobody known to scones".to_owned(),
            };
            out.push(format!("arn          {}", live.arn));
            out.push(format!("owner        {owner}"));
            out.push(format!("status       {}", status(&live.status)));
            out.push(paint(FAINT, "\nlive"));
            out.extend(indented(&live.state));
        }
    }
    out.push(paint(FAINT, "\ndeclared"));
    out.extend(indented(&resource.state));
    let needs: Vec<String> = resource.needs.iter().map(ToString::to_string).collect();
    if !needs.is_empty() {
        out.push(format!("\nmade after   {}", needs.join(", ")));
    }
    out.push(paint(FAINT, "\napply will"));
    let steps: Vec<&Step> = plan.steps.iter().filter(|step| step.address == *address).collect();
    match steps.as_slice() {
        [] => out.push("  do nothing: live and declared agree".into()),
        steps => out.extend(steps.iter().flat_map(|step| actions(step, &context))),
    }
    print(&out.join("\n"))?;
    Ok(exit::OK)
}

fn status(status: &crate::kind::Status) -> String {
    match status {
        crate::kind::Status::Settled => "settled".into(),
        crate::kind::Status::InProgress(what) => format!("busy: {what}"),
        crate::kind::Status::Failed(why) => format!("failed: {why}"),
    }
}

fn indented(value: &Value) -> Vec<String> {
    lines(value).into_iter().map(|line| format!("  {line}")).collect()
}

fn actions(step: &Step, context: &Context) -> Vec<String> {
    let title = context.registry.get(&step.address.section).map_or("resource", |kind| kind.title());
    let verb = match step.action {
        Action::Create => format!("create the {title}"),
        Action::Update => format!("change the {title} in place"),
        Action::Replace => format!("delete the {title} and create it again"),
        Action::Delete => format!("delete the {title}"),
        Action::Collect => format!("delete older generations: {}", step.generations.join(", ")),
        Action::Wait => "wait until AWS is done".to_owned(),
        Action::Blocked => "leave it".to_owned(),
    };
    let calls = calls(step, context);
    let mut out = vec![format!("  {verb}{}", step.reason.as_ref().map(|why| format!(": {why}")).unwrap_or_default())];
    for change in &step.changes {
        let cause = match change.cause {
            Some(crate::diff::Cause::Drifted) => "changed outside since it was last applied",
            Some(crate::diff::Cause::Both) => "changed in the file and outside since it was last applied",
            Some(crate::diff::Cause::Unknown) => "changed in the file or outside: nothing keeps a record",
            _ => "changed in the file",
        };
        out.push(format!("    {}: {cause}", change.path));
    }
    if !calls.is_empty() {
        out.push(format!("  by way of: {}", calls.join(", ")));
    }
    out
}

/// The requests that may be sent for a step, in the order of the kind's list, each once.
fn calls(step: &Step, context: &Context) -> Vec<&'static str> {
    let Some(kind) = context.registry.get(&step.address.section) else { return vec![] };
    let changes = |fields: &[&str]| fields.is_empty() || step.changes.iter().any(|change| fields.contains(&change.field()));
    let sent = |when: When| match (when, step.action) {
        (When::Create, Action::Create | Action::Replace) | (When::Delete, Action::Delete | Action::Replace) => true,
        (When::Update(fields), Action::Update) => changes(fields),
        _ => false,
    };
    let mut found: Vec<&'static str> = vec![];
    for call in kind.calls().iter().filter(|call| sent(call.when)) {
        found.extend(call.actions.iter().filter(|action| !found.contains(action)).copied().collect::<Vec<_>>());
    }
    found
}
