//! What is not declared and looks like the environment's: owned by its tags, or only named like it.

use std::collections::{BTreeMap, BTreeSet};

use futures::future::join_all;
use serde_json::Value;

use super::declared::Declared;
use super::observe_one;
use super::unread::tolerated;
use crate::address::Address;
use crate::aws::{Aws, AwsError, Optional as _, tags};
use crate::desired::{Desired, tag};
use crate::kind::{AnyKind, Live, Namesake, Part, Registry, Tags};
use crate::plan::{Neighbour, Orphan, Unread, is_owned};

/// Something that looks owned and is not declared; reading it decides.
#[derive(Default)]
pub struct Stranger {
    section: &'static str,
    name: String,
    arns: Vec<String>,
    tags: Option<Tags>,
}

/// What searches by the environment's prefix bring up, each with the section of the kind that asked.
#[derive(Default)]
pub struct Seen {
    /// Resources by their names.
    pub named: Vec<(&'static str, String)>,
    pub namesakes: Vec<(&'static str, Namesake)>,
}

/// What the strangers turned out to be.
#[derive(Default)]
pub struct Judged {
    pub orphans: BTreeMap<Address, Orphan>,
    pub neighbours: Vec<Neighbour>,
    pub unread: Vec<Unread>,
}

impl Judged {
    pub fn extend(&mut self, other: Self) {
        self.neighbours.extend(other.neighbours);
        self.unread.extend(other.unread);
        other.orphans.into_iter().for_each(|(address, orphan)| self.add(address, orphan));
    }

    fn add(&mut self, address: Address, orphan: Orphan) {
        match self.orphans.get_mut(&address) {
            Some(known) => {
                let arns: BTreeSet<String> = known.arns.drain(..).chain(orphan.arns).collect();
                known.arns = arns.into_iter().collect();
            }
            None => drop(self.orphans.insert(address, orphan)),
        }
    }
}

/// Looks for what bears the environment's prefix, as far as searches by tags do not find it.
///
/// # Errors
/// A failure that concerns all reads alike.
pub async fn search(aws: &Aws, registry: &Registry, unread: &mut Vec<Unread>) -> Result<Seen, AwsError> {
    let searches = registry.iter().map(|kind| async move {
        let (named, namesakes) = futures::join!(kind.discover(aws), kind.namesakes(aws));
        (kind, named, namesakes)
    });
    let mut seen = Seen::default();
    for (kind, named, namesakes) in join_all(searches).await {
        let what = format!("which {}s there are", kind.title());
        let named = tolerated(&what, named, unread)?.unwrap_or_default();
        seen.named.extend(named.into_iter().map(|name| (kind.section(), name)));
        let what = format!("what is named like {}s", kind.title());
        let namesakes = tolerated(&what, namesakes, unread)?.unwrap_or_default();
        seen.namesakes.extend(namesakes.into_iter().map(|one| (kind.section(), one)));
    }
    Ok(seen)
}

/// Leaves out what is declared, and what the search by tags knows as the environment's own: ARNs say so, where a rule's name
/// does not say whether it is a monitor's or a schedule's.
pub fn unclaimed(
    namesakes: Vec<(&'static str, Namesake)>,
    found: &BTreeMap<String, Tags>,
    declared: &Declared,
    desired: &Desired,
    registry: &Registry,
) -> Vec<(&'static str, Namesake)> {
    let is_ours = |arn: &str| found.get(arn).is_some_and(|tags| is_owned(tags, &desired.world));
    let live: BTreeSet<&str> = declared.resources.values().map(|live| live.arn.as_str()).collect();
    let is_unread = |arn: &str| {
        declared.unknown.keys().any(|address| {
            let part = registry.get(&address.section).and_then(|kind| kind.part(arn));
            part.zip(desired.resources.get(address)).is_some_and(|(part, resource)| part.name == resource.name)
        })
    };
    let is_open = |arn: &str| !is_ours(arn) && !live.contains(arn) && !is_unread(arn);
    namesakes.into_iter().filter(|(_, one)| is_open(&one.arn)).collect()
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
            judged.add(address, Orphan { name: stranger.name, arns: arns.into_iter().collect() });
        } else if live.is_some() && !is_of_a_stack(&tags, desired) {
            let section = stranger.section.to_owned();
            judged.neighbours.push(Neighbour { section, name: stranger.name, what: None });
        }
    }
    Ok(judged)
}

/// Reads the tags of what bears the environment's prefix: what has not the environment's is a neighbour.
///
/// # Errors
/// A failure that concerns all reads alike.
pub async fn judge_namesakes(
    aws: &Aws,
    namesakes: Vec<(&'static str, Namesake)>,
    desired: &Desired,
    registry: &Registry,
) -> Result<Judged, AwsError> {
    let reads = namesakes.into_iter().map(|(section, one)| async move {
        let tags = tags::read(aws, &one.arn).await.optional();
        (section, one, tags)
    });
    let mut judged = Judged::default();
    for (section, one, tags) in join_all(reads).await {
        let what = format!("whose the {} {} is", one.what, one.name);
        let Some(tags) = tolerated(&what, tags, &mut judged.unread)?.flatten() else { continue };
        if is_owned(&tags, &desired.world) {
            if let Some((address, orphan)) = late(&one, &tags, desired, registry) {
                judged.add(address, orphan);
            }
        } else if !is_of_a_stack(&tags, desired) {
            let is_whole = registry.get(section).is_some_and(|kind| kind.title().ends_with(one.what));
            let what = (!is_whole).then(|| one.what.to_owned());
            judged.neighbours.push(Neighbour { section: section.to_owned(), name: one.name, what });
        }
    }
    Ok(judged)
}

/// What is the environment's own and the search by tags does not show yet: an orphan, unless it belongs to what is declared.
fn late(one: &Namesake, tags: &Tags, desired: &Desired, registry: &Registry) -> Option<(Address, Orphan)> {
    let (section, part) = kinds_of(&one.arn, tags, registry).into_iter().next()?;
    let mut declared = desired.resources.iter();
    if declared.any(|(address, resource)| address.section == section && resource.name == part.name) {
        return None;
    }
    let address = tags.get(tag::ADDRESS).and_then(|text| text.parse().ok());
    let address = address.unwrap_or_else(|| Address::new(section, &part.name));
    Some((address, Orphan { name: part.name, arns: vec![one.arn.clone()] }))
}

/// Whether a declared stack made it.
fn is_of_a_stack(tags: &Tags, desired: &Desired) -> bool {
    let stack = tags.get("aws:cloudformation:stack-name");
    stack.is_some_and(|stack| desired.resources.values().any(|one| one.name == *stack))
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
