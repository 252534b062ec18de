//! What is not declared and looks like the environment's: owned by its tags, or only named like it.

use std::collections::{BTreeMap, BTreeSet};

use futures::future::join_all;
use serde_json::Value;

use super::observe_one;
use super::unread::tolerated;
use crate::address::Address;
use crate::aws::{Aws, AwsError, tags};
use crate::desired::{Desired, tag};
use crate::kind::{AnyKind, Live, Part, Registry, Tags};
use crate::plan::{Neighbour, Orphan, Unread, is_owned};

/// Something that looks owned and is not declared; reading it decides.
#[derive(Default)]
pub struct Stranger {
    section: &'static str,
    name: String,
    arns: Vec<String>,
    tags: Option<Tags>,
}

/// What the strangers turned out to be.
#[derive(Default)]
pub struct Judged {
    pub orphans: BTreeMap<Address, Orphan>,
    pub neighbours: Vec<Neighbour>,
    pub unread: Vec<Unread>,
}

/// Names of each kind that start as the environment's do, as far as searches by tags do not find them.
///
/// # Errors
/// A failure that concerns all reads alike.
pub async fn names(aws: &Aws, registry: &Registry, unread: &mut Vec<Unread>) -> Result<Vec<(&'static str, String)>, AwsError> {
    let searches = registry.iter().map(|kind| async move { (kind, kind.discover(aws).await) });
    let mut found = vec![];
    for (kind, names) in join_all(searches).await {
        let what = format!("which {}s there are", kind.title());
        let names = tolerated(&what, names, unread)?.unwrap_or_default();
        found.extend(names.into_iter().map(|name| (kind.section(), name)));
    }
    Ok(found)
}

/// Puts together what tags and names say of things that are not declared.
pub fn strangers(
    found: &BTreeMap<String, Tags>,
    named: Vec<(&'static str, String)>,
    desired: &Desired,
    registry: &Registry,
) -> Vec<Stranger> {
    let declared: BTreeSet<(&str, &str)> =
        desired.resources.iter().map(|(address, resource)| (address.section.as_str(), resource.name.as_str())).collect();
    let mut strangers: BTreeMap<(&'static str, String), Stranger> = BTreeMap::new();
    let parts = found.iter().filter(|(_, tags)| is_owned(tags, &desired.world)).flat_map(|(arn, tags)| {
        kinds_of(arn, tags, registry).into_iter().map(move |(section, part)| (section, part, Some((arn, tags))))
    });
    let parts = parts.map(|(section, part, found)| (section, part.name, found));
    let named = named.into_iter().map(|(section, name)| (section, name, None));
    for (section, name, found) in parts.chain(named) {
        if declared.contains(&(section, name.as_str())) {
            continue;
        }
        let stranger =
            strangers.entry((section, name.clone())).or_insert_with(|| Stranger { section, name, ..Stranger::default() });
        if let Some((arn, tags)) = found {
            stranger.arns.push(arn.clone());
            stranger.tags = Some(tags.clone());
        }
    }
    strangers.into_values().collect()
}

/// The kinds that an ARN may belong to. Where several have ARNs of one form, as metric and composite alarms do, the tag
/// with the address tells which it is.
fn kinds_of(arn: &str, tags: &Tags, registry: &Registry) -> Vec<(&'static str, Part)> {
    let mut claims: Vec<(&'static str, Part)> =
        registry.iter().filter_map(|kind| Some((kind.section(), kind.part(arn)?))).collect();
    let section = tags.get(tag::ADDRESS).and_then(|address| address.split('.').next());
    if claims.iter().any(|(claimed, _)| Some(*claimed) == section) {
        claims.retain(|(claimed, _)| Some(*claimed) == section);
    }
    claims
}

/// Reads strangers, since tag searches lag behind: those that are owned are orphans, the others neighbours.
///
/// # Errors
/// A failure that concerns all reads alike.
pub async fn judge(aws: &Aws, strangers: Vec<Stranger>, desired: &Desired, registry: &Registry) -> Result<Judged, AwsError> {
    let of_ours = |tags: &Tags| {
        tags.get("aws:cloudformation:stack-name").is_some_and(|stack| desired.resources.values().any(|one| one.name == *stack))
    };
    let reads = strangers.into_iter().filter_map(|stranger| Some((registry.get(stranger.section)?, stranger)));
    let reads = reads.map(|(kind, stranger)| async move {
        let read = look_at(aws, kind, &stranger).await;
        (kind, stranger, read)
    });
    let mut judged = Judged::default();
    for (kind, stranger, read) in join_all(reads.collect::<Vec<_>>()).await {
        let what = format!("whose the {} {} is", kind.title(), stranger.name);
        let Some((live, tags)) = tolerated(&what, read, &mut judged.unread)?.flatten() else { continue };
        if is_owned(&tags, &aws.world) {
            let address = tags.get(tag::ADDRESS).and_then(|text| text.parse().ok());
            let address = address.unwrap_or_else(|| Address::new(stranger.section, &stranger.name));
            let mut arns: BTreeSet<String> = stranger.arns.into_iter().collect();
            arns.extend(live.map(|live| live.arn));
            judged.orphans.insert(address, Orphan { name: stranger.name, arns: arns.into_iter().collect() });
        } else if live.is_some() && !of_ours(&tags) {
            judged.neighbours.push(Neighbour { section: stranger.section.to_owned(), name: stranger.name });
        }
    }
    Ok(judged)
}

/// A stranger and its tags; nothing if it is gone with all that belonged to it.
async fn look_at(aws: &Aws, kind: &dyn AnyKind, stranger: &Stranger) -> Result<Option<(Option<Live<Value>>, Tags)>, AwsError> {
    let live = observe_one(aws, kind, &stranger.name, None).await?;
    let tags = match (&live, &stranger.tags) {
        (Some(Live { tags: Some(tags), .. }), _) | (Some(_), Some(tags)) => tags.clone(),
        (Some(live), None) if tags::writable(&live.arn) => tags::read(aws, &live.arn).await?,
        (Some(_), None) => Tags::new(),
        // Only something that belonged to it is left, and that is still listed.
        (None, Some(tags)) if stranger.arns.iter().any(|arn| kind.part(arn).is_some_and(|part| !part.main)) => tags.clone(),
        (None, _) => return Ok(None),
    };
    Ok(Some((live, tags)))
}
