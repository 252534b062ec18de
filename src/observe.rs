//! Reads everything, in bulk and in parallel → [`Observed`]. Sends no request that changes anything.

mod declared;
mod health;
mod strangers;
mod unread;

use std::collections::BTreeSet;

use serde_json::Value;

use crate::aws::{Aws, AwsError, bootstrap, tags};
use crate::desired::Desired;
use crate::kind::{AnyKind, Live, Registry, Wanted};
use crate::plan::{Observed, Unread};
pub use health::{alarms_of, health, monitors_of};
use unread::tolerated;

/// How closely to look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Looking {
    /// At what AWS says when it is asked.
    Once,
    /// Has AWS look first, where it does so only on request: CloudFormation takes seconds to look for drift in a stack.
    Closely,
}

/// Reads what exists of an environment, declared or not. What cannot be read is noted, and the rest is read all the same.
///
/// # Errors
/// A failure that concerns all reads alike: no network, or credentials that have expired.
pub async fn observe(aws: &Aws, desired: &Desired, registry: &Registry, looking: Looking) -> Result<Observed, AwsError> {
    let aws = &aws.for_one_look();
    let mut unseen = vec![];
    let mut unsearched = vec![];
    let (declared, found, seen, bootstrap) = futures::join!(
        declared::read(aws, desired, registry, looking),
        tags::search(aws),
        strangers::search(aws, registry, &mut unsearched),
        bootstrap::exists(aws)
    );
    let mut declared = declared?;
    let found = tolerated("what carries the environment's tags", found, &mut unseen)?.unwrap_or_default();
    let bootstrap = tolerated("whether the bucket for packages exists", bootstrap, &mut unseen)?.unwrap_or(true);
    let mut searched = BTreeSet::new();
    for (address, live) in declared.resources.iter_mut().filter(|(_, live)| live.tags.is_none()) {
        live.tags = found.get(&live.arn).cloned();
        searched.insert(address.clone());
    }
    declared::step_back(aws, desired, registry, &mut declared).await?;
    declared::references(aws, registry, &mut declared).await?;
    let seen = seen?;
    let strangers = strangers::strangers(&found, seen.named, desired, registry);
    let namesakes = strangers::unclaimed(seen.namesakes, &found, &declared, desired, registry);
    let judged = async {
        let (mut judged, others) = futures::try_join!(
            strangers::judge(aws, strangers, desired, registry),
            strangers::judge_namesakes(aws, namesakes, desired, registry)
        )?;
        judged.extend(others);
        Ok::<_, AwsError>(judged)
    };
    let checked = async {
        declared::confirm_tags(aws, desired, registry, &mut declared, &searched).await?;
        declared::obstacles(aws, desired, registry, &mut declared).await
    };
    let (judged, obstacles) = futures::try_join!(judged, checked)?;
    declared::keep(&mut declared, &judged.neighbours);
    let residues = declared::residues(&found, &declared, desired, registry);
    // What is told of a declared resource already, and helps in the same way, is not told once more.
    let is_told = |one: &Unread| one.help.is_some() && declared.unknown.values().any(|known| known.help == one.help);
    unsearched.retain(|one| !is_told(one));
    unseen.extend(declared.unseen.into_iter().chain(unsearched).chain(judged.unread));
    Ok(Observed {
        resources: declared.resources,
        orphans: judged.orphans,
        residues,
        obstacles,
        neighbours: judged.neighbours,
        unknown: declared.unknown,
        unseen,
        bootstrap,
    })
}

/// Reads one resource, with its tags if describing it tells them.
///
/// # Errors
/// A failed read.
pub async fn observe_one(
    aws: &Aws,
    kind: &dyn AnyKind,
    name: &str,
    desired: Option<&Value>,
) -> Result<Option<Live<Value>>, AwsError> {
    let wanted = [Wanted { name: name.to_owned(), desired: desired.cloned() }];
    let found = kind.observe(aws, &wanted).await?;
    Ok(found.into_iter().find(|live| kind.named_by_content() || live.name == name))
}
