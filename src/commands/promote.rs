//! `scones promote`: pins in one environment's file what runs proven in another.

use std::sync::Arc;

use clap::Args;

use super::{Context, Error, accept, compare, exit, print, tell, write_file};
use crate::apply::copies;
use crate::artifact::Artifact;
use crate::environment::blocks::promotion::Promotion;
use crate::environment::source::{self, Source};
use crate::environment::{self, Environment, edit};
use crate::observe::Looking;
use crate::plan::{Mode, Observed, Plan, drift_of, plan};
use crate::promote::evidence::{Proof, proofs};
use crate::promote::{Form, Home, Model, Origin, Pin, Reason, Side, Taken, home, taken, unfit};
use crate::report::promote::{evidence, reasons};
use crate::report::style::{STRONG, paint};
use crate::workload::promoting;
use crate::{desired, report};

#[derive(Args)]
pub struct Arguments {
    /// Where it runs: a file, or a name for environments/NAME.yaml
    from: String,
    /// Where it is pinned
    to: String,
    /// Only say what would be pinned, and exit 2 if that is anything
    #[arg(long)]
    check: bool,
}

/// An environment of the two: its files, and a connection to its account.
struct Open {
    context: Context,
    files: Environment,
}

impl Open {
    async fn open(name: &str) -> Result<Self, Error> {
        let (context, files) = Context::open_with_files(name).await?;
        Ok(Self { context, files })
    }

    fn side(&self) -> Side<'_> {
        Side { files: &self.files, desired: &self.context.desired }
    }
}

pub async fn run(arguments: Arguments) -> Result<u8, Error> {
    let (from, to) = (Open::open(&arguments.from).await?, Open::open(&arguments.to).await?);
    let promotion = to.context.blocks()?.promotion;
    refuse_strangers(&from.files, &to.files, promotion.as_ref())?;
    let observed = from.context.observe(Looking::Closely).await?;
    let drift = drift_of(plan(&from.context.desired, &observed, &from.context.registry, Mode::Apply), &observed);
    let mut wanted = Wanted::of(&from, &to, &observed).await?;
    let pins = wanted.pins(&to)?;
    if pins.is_empty() && wanted.taken.refused.is_empty() {
        let (from, to) = (&from.context.name, &to.context.name);
        print(&format!("Nothing to do: {to} has pinned already what runs in {from}."))?;
        return Ok(exit::OK);
    }
    let proofs = proven(&from, &observed, &drift, promotion.as_ref(), &wanted.taken.models).await?;
    print(&judged(&from, &to, &proofs, &wanted.taken, promotion.is_some()))?;
    refuse_unproven(&proofs, &wanted.taken.refused)?;
    let old = source::read(&to.files.file, None)?;
    // Before anything is copied: whatever is wrong with the file is told here.
    let preview = rewritten(&old, &pins)?;
    let files = checked(&preview, &to)?;
    if arguments.check {
        print(&shown(&old, &preview, &from.files, &files, &to)?)?;
        print(&format!("Not written. To pin this: scones promote {} {}", arguments.from, arguments.to))?;
        return Ok(exit::CHANGES);
    }
    copy(&from, &to, &mut wanted).await?;
    let new = rewritten(&old, &wanted.pins(&to)?)?;
    let files = checked(&new, &to)?;
    write_file(&to.files.file.canonicalize().unwrap_or_else(|_| to.files.file.clone()), &new.text)?;
    print(&shown(&old, &new, &from.files, &files, &to)?)?;
    print(&format!("Pinned in {}. To go on: scones plan {}", to.files.file.display(), arguments.to))?;
    Ok(exit::OK)
}

/// Refuses a pair of which one cannot be promoted into the other.
fn refuse_strangers(from: &Environment, to: &Environment, promotion: Option<&Promotion>) -> Result<(), Error> {
    compare::one_app(from, to)?;
    let (left, right) = (&from.header.environment, &to.header.environment);
    if left == right {
        return Err(Error::other(
            format!("{left} cannot be promoted to itself"),
            "name two environments: scones promote FROM TO",
        ));
    }
    match promotion.and_then(|promotion| promotion.from.as_ref()).filter(|only| *only != left) {
        Some(only) => Err(Error::other(
            format!("{right} is promoted from {only}, not from {left}"),
            format!("`promotion.from` in {} says so", to.file.display()),
        )),
        None => Ok(()),
    }
}

/// What is to be pinned, with where the artifacts of models lie.
struct Wanted {
    taken: Taken,
    /// Of models that take an artifact: where it comes from, and where it will be.
    homes: Vec<(Model, Origin, Home)>,
}

impl Wanted {
    async fn of(from: &Open, to: &Open, observed: &Observed) -> Result<Self, Error> {
        let mut taken = taken(&from.side(), observed, &to.side(), &from.context.registry);
        let mut homes = vec![];
        for model in &taken.models {
            let refused = match model.form {
                Form::Package => unusable(model, from, to).await?,
                Form::Artifact => match promoting::origin(&from.context.aws, &model.runs).await {
                    Ok(origin) => {
                        let unfit = unfit(model, &origin);
                        let home = lasting(model, &origin, to).await?;
                        homes.push((model.clone(), origin, home));
                        unfit
                    }
                    Err(error) if error.is_not_found() => Some(format!("what it is made of is gone: {error}")),
                    Err(error) => return Err(error.into()),
                },
            };
            taken.refused.extend(refused.map(|why| Reason { address: model.address.clone(), why }));
        }
        Ok(Self { taken, homes })
    }

    /// The pins that are not in the file yet.
    fn pins(&self, to: &Open) -> Result<Vec<Pin>, Error> {
        let files = &to.files;
        let functions =
            self.taken.functions.iter().filter_map(|one| Pin::of(&one.address, &one.address.name, one.package.clone(), files));
        let packages = self.taken.models.iter().filter(|model| model.form == Form::Package);
        let packages = packages.filter_map(|model| Pin::of(&model.address, &model.pin, model.runs.package.clone()?, files));
        let artifacts = self.homes.iter().filter_map(|(model, _, home)| {
            let (Home::There(artifact) | Home::Copy(artifact)) = home;
            Pin::of(&model.address, &model.pin, artifact.to_string(), files)
        });
        Ok(functions.chain(packages).chain(artifacts).collect())
    }
}

/// Where a model's artifact lies or will: a pinned copy that was overwritten is made anew.
async fn lasting(model: &Model, origin: &Origin, to: &Open) -> Result<Home, Error> {
    let current = to.files.header.pins.get(&model.pin).map(String::as_str);
    Ok(match home(origin, &to.context.desired.world, current) {
        Home::There(place) if place != origin.artifact => {
            match promoting::copied(&to.context.aws, origin, &place).await? == place.etag {
                true => Home::There(place),
                false => Home::Copy(Artifact { etag: None, ..place }),
            }
        }
        home => home,
    })
}

/// Says what keeps a model's package from being used where it is pinned.
async fn unusable(model: &Model, from: &Open, to: &Open) -> Result<Option<String>, Error> {
    let (left, right) = (&from.context.desired.world, &to.context.desired.world);
    let Some(package) = model.runs.package.as_deref() else { return Ok(None) };
    let copy =
        format!("write `package: null`, `image` and `artifact: \"${{pins.{}}}\"` for it, and its artifact is copied", model.pin);
    if left.region != right.region {
        return Ok(Some(format!("a model package of {} cannot be used in {}: {copy}", left.region, right.region)));
    }
    let why = promoting::unusable(&to.context.aws, package).await?;
    Ok(why.map(|why| format!("{why}: {copy}")))
}

async fn proven(
    from: &Open,
    observed: &Observed,
    drift: &Plan,
    promotion: Option<&Promotion>,
    models: &[Model],
) -> Result<Vec<Proof>, Error> {
    let blocks = from.context.blocks()?;
    let context = &from.context;
    let source =
        promoting::Source { aws: &context.aws, name: &context.name, desired: &context.desired, observed, drift, blocks: &blocks };
    let demanded = promotion.cloned().unwrap_or_default();
    let facts = promoting::facts(&source, &demanded, models).await?;
    context.tell_throttles();
    Ok(proofs(&demanded, &facts))
}

fn judged(from: &Open, to: &Open, proofs: &[Proof], taken: &Taken, demands: bool) -> String {
    let app = &from.files.header.app;
    let title = format!("{app}: {} → {}", from.files.header.environment, to.files.header.environment);
    let mut out = vec![paint(STRONG, title), String::new()];
    out.extend(evidence(proofs));
    if !demands {
        out.push(format!("  {} demands no more: it has no block `promotion`", to.context.name));
    }
    out.extend(reasons("cannot be pinned", &taken.refused));
    out.extend(reasons("not pinned", &taken.left));
    out.join("\n")
}

fn refuse_unproven(proofs: &[Proof], refused: &[Reason]) -> Result<(), Error> {
    let missing = proofs.iter().filter(|proof| !proof.held).count();
    let mut why = vec![];
    match missing {
        0 => {}
        1 => why.push("1 piece of evidence is missing".to_owned()),
        count => why.push(format!("{count} pieces of evidence are missing")),
    }
    match refused.len() {
        0 => {}
        1 => why.push("1 resource cannot be pinned".to_owned()),
        count => why.push(format!("{count} resources cannot be pinned")),
    }
    match why.is_empty() {
        true => Ok(()),
        false => Err(Error::other(format!("not promoted: {}", why.join(", ")), "Nothing was copied, and no file was changed.")),
    }
}

fn rewritten(old: &Arc<Source>, pins: &[Pin]) -> Result<Arc<Source>, Error> {
    let mut now = old.clone();
    for pin in pins {
        let text = edit::set(&now, &pin.keys(), &pin.value.as_str().into())?;
        now = edit::source(&old.path, text);
    }
    Ok(now)
}

/// The environment that the edited text makes; it must still be a sound one.
fn checked(text: &Arc<Source>, to: &Open) -> Result<Environment, Error> {
    let files = environment::load::load_text(text, &to.context.registry)?;
    desired::desired(&files, &to.context.desired.world.account, &to.context.registry)?;
    Ok(files)
}

/// Puts into the other account's bucket what is pinned there.
async fn copy(from: &Open, to: &Open, wanted: &mut Wanted) -> Result<(), Error> {
    let (source, target) = (&from.context.aws, &to.context.aws);
    if copies::make_room(target).await? {
        tell(&format!("made the bucket {}", target.world.bootstrap_bucket()));
    }
    for function in &wanted.taken.functions {
        if copies::package(source, target, function).await? {
            tell(&format!("copied the package of {}", function.address));
        }
    }
    for (model, origin, home) in &mut wanted.homes {
        let Home::Copy(place) = home else { continue };
        let copied: Artifact = copies::artifact(source, target, origin, place).await?;
        tell(&format!("copied the artifact of {} ({:.1} MB)", model.address, origin.size as f64 / 1e6));
        *home = Home::There(copied);
    }
    Ok(())
}

/// What changes in the file, and how the environments differ then.
fn shown(old: &Source, new: &Source, from: &Environment, to: &Environment, open: &Open) -> Result<String, Error> {
    let mut out = vec![String::new()];
    out.extend(accept::difference(old, new));
    let comparison = compare::of(from, to, &open.context.registry)?;
    out.extend([String::new(), paint(STRONG, "how they differ then"), report::compare::text(&comparison), String::new()]);
    Ok(out.join("\n"))
}
