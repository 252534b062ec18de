//! What runs in one environment → the pins of another that make it run there too. Pure.
//!
//! Nothing is pinned by what files say: a function's package is the one that answers behind its alias `live`, a model the one
//! that an endpoint serves. What of these cannot be told for certain is refused, with why.

pub mod evidence;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use crate::address::Address;
use crate::artifact::Artifact;
use crate::desired::Desired;
use crate::environment::reference::{Part, parts};
use crate::environment::{Environment, Node};
use crate::kind::{Live, Registry, Status, World};
use crate::packages::{Digest, PROGRAM};
use crate::plan::Observed;

/// Where in the bootstrap bucket artifacts lie that were copied there.
const MODELS: &str = "models";
/// How a function says that its alias runs what is deployed.
const CURRENT: &str = "current";

/// What of one environment another takes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Taken {
    pub functions: Vec<Function>,
    pub models: Vec<Model>,
    /// What cannot be pinned, and keeps all else from being pinned.
    pub refused: Vec<Reason>,
    /// What stays as the files have it, since it is not in the other environment.
    pub left: Vec<Reason>,
}

/// Why something is not pinned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Reason {
    pub address: Address,
    pub why: String,
}

/// A function whose package is pinned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Function {
    pub address: Address,
    /// Its name in AWS, where it runs.
    pub name: String,
    /// The digest of the package that runs.
    pub package: String,
}

/// A model that is pinned.
#[derive(Clone, Debug, PartialEq)]
pub struct Model {
    pub address: Address,
    pub pin: String,
    pub form: Form,
    pub runs: Runs,
    /// What the environment that it is pinned in says of it.
    pub image: Option<String>,
    pub variables: BTreeMap<String, String>,
}

/// How a model takes its pin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    Artifact,
    Package,
}

/// What a live model is made of.
#[derive(Clone, Debug, PartialEq)]
pub struct Runs {
    /// Its whole name in SageMaker.
    pub name: String,
    pub image: Option<String>,
    pub artifact: Option<String>,
    pub package: Option<String>,
    pub variables: BTreeMap<String, String>,
}

/// What a model was made from, found out in its own account.
#[derive(Clone, Debug, PartialEq)]
pub struct Origin {
    /// Where its artifact lies, with the ETag that it has there.
    pub artifact: Artifact,
    pub size: u64,
    /// Whether it was written after the model was made of it: then nobody can say what runs.
    pub overwritten: bool,
    pub image: Option<String>,
    /// What a package sets.
    pub variables: BTreeMap<String, String>,
}

/// Where the artifact of a pinned model lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Home {
    /// It is there.
    There(Artifact),
    /// It is to be copied there; the ETag is known afterwards.
    Copy(Artifact),
}

/// One side: an environment's files, what follows from them, and what is live.
pub struct Side<'a> {
    pub files: &'a Environment,
    pub desired: &'a Desired,
}

/// Finds what one environment takes of another.
pub fn taken(from: &Side<'_>, observed: &Observed, to: &Side<'_>, registry: &Registry) -> Taken {
    let mut taken = Taken::default();
    for (address, declared) in &to.files.resources {
        let reason = |why: String| Reason { address: address.clone(), why };
        let absent = !from.desired.resources.contains_key(address);
        match address.section.as_str() {
            "functions" if is_own(&declared.node) => {}
            "functions" | "models" if absent => {
                let environment = &from.desired.world.environment;
                taken.left.push(reason(format!("it is not in {environment}, and stays as the files have it")));
            }
            "functions" => match function(address, from, observed, to) {
                Ok(function) => taken.functions.push(function),
                Err(why) => taken.refused.push(reason(why)),
            },
            "models" => match model(address, &declared.node, from, observed, to, registry) {
                Ok(model) => taken.models.push(model),
                Err(why) => taken.refused.push(reason(why)),
            },
            _ => {}
        }
    }
    taken.refused.extend(clashes(&taken));
    taken
}

/// Whether a function is this program, which follows its releases and not the workload's.
fn is_own(node: &Node) -> bool {
    node.get("source").and_then(Node::as_str) == Some(PROGRAM)
}

/// Two that would write one pin with different values.
fn clashes(taken: &Taken) -> Vec<Reason> {
    let mut pins: BTreeMap<&str, (&Address, String)> = BTreeMap::new();
    let functions = taken.functions.iter().map(|one| (one.address.name.as_str(), &one.address, one.package.clone()));
    let models = taken.models.iter().map(|one| (one.pin.as_str(), &one.address, format!("{:?} {}", one.form, one.runs.name)));
    let mut found = vec![];
    for (pin, address, value) in functions.chain(models) {
        match pins.get(pin) {
            Some((other, known)) if *known != value => {
                let why = format!("the pin {pin} is that of {other} already: give the model's pin another name");
                found.push(Reason { address: address.clone(), why });
            }
            _ => drop(pins.insert(pin, (address, value))),
        }
    }
    found
}

/// The live resource, if AWS is done with it.
fn settled<'a>(address: &Address, from: &Side<'_>, observed: &'a Observed) -> Result<&'a Live<Value>, String> {
    let environment = &from.desired.world.environment;
    if let Some(unread) = observed.unknown.get(address) {
        return Err(format!("it could not be read in {environment}: {}", unread.why));
    }
    let Some(live) = observed.resources.get(address) else {
        return Err(format!("it does not run in {environment}: scones apply {environment}"));
    };
    match &live.status {
        Status::Settled => Ok(live),
        Status::InProgress(what) => Err(format!("AWS still works on it in {environment}: {what}")),
        Status::Failed(why) => Err(format!("it failed in {environment}: {why}")),
    }
}

fn function(address: &Address, from: &Side<'_>, observed: &Observed, to: &Side<'_>) -> Result<Function, String> {
    let live = settled(address, from, observed)?;
    let text = |key: &str| live.state.get(key).and_then(Value::as_str).unwrap_or_default();
    let package = text("package");
    if Digest::parse(package).is_err() {
        return Err(format!("{package}: only a package that scones deployed can be pinned"));
    }
    let version = live.state.pointer("/alias/version").and_then(Value::as_str);
    if version != Some(CURRENT) {
        let runs = version.map_or("nothing".to_owned(), |version| format!("version {version}"));
        return Err(format!("its alias `live` runs {runs}, not what is deployed"));
    }
    let wanted =
        to.desired.resources.get(address).and_then(|resource| resource.state.get("architecture")).and_then(Value::as_str);
    if let Some(wanted) = wanted.filter(|wanted| *wanted != text("architecture")) {
        return Err(format!("its package is for {}, but {wanted} is declared here", text("architecture")));
    }
    Ok(Function { address: address.clone(), name: live.name.clone(), package: package.to_owned() })
}

fn model(
    address: &Address,
    node: &Node,
    from: &Side<'_>,
    observed: &Observed,
    to: &Side<'_>,
    registry: &Registry,
) -> Result<Model, String> {
    let (pin, form) = taker(node, &address.name)?;
    let live = settled(address, from, observed)?;
    let served = served(address, from, observed, registry)?;
    if served != live.name {
        return Err(format!("the endpoint still serves {served}, not {}: apply first", live.name));
    }
    let text = |state: &Value, key: &str| state.get(key).and_then(Value::as_str).map(str::to_owned);
    let variables = |state: &Value| {
        let all = state.get("environment").and_then(Value::as_object).into_iter().flatten();
        all.filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned()))).collect::<BTreeMap<_, _>>()
    };
    let runs = Runs {
        name: live.name.clone(),
        image: text(&live.state, "image"),
        artifact: text(&live.state, "artifact"),
        package: text(&live.state, "package"),
        variables: variables(&live.state),
    };
    if form == Form::Package && runs.package.is_none() {
        let help = format!("write `image` and `artifact: \"${{pins.{pin}}}\"` for it");
        return Err(format!("{} is made of an artifact, not of a model package: {help}", runs.name));
    }
    let declared = to.desired.resources.get(address).map(|resource| &resource.state);
    Ok(Model {
        address: address.clone(),
        pin,
        form,
        runs,
        image: declared.and_then(|state| text(state, "image")),
        variables: declared.map(variables).unwrap_or_default(),
    })
}

/// The pin that a model takes, and how.
fn taker(node: &Node, name: &str) -> Result<(String, Form), String> {
    for (key, form) in [("artifact", Form::Artifact), ("package", Form::Package)] {
        let Some(text) = node.get(key).and_then(Node::as_str) else { continue };
        if let [Part::Reference(reference)] = parts(text)[..]
            && let Some(pin) = reference.strip_prefix("pins.")
        {
            return Ok((pin.to_owned(), form));
        }
    }
    Err(format!(
        "it takes no pin here: write `package: null`, `image` and `artifact: \"${{pins.{name}}}\"` for it, or, in the same \
         account, `package: \"${{pins.{name}}}\"`"
    ))
}

/// The whole name of the model that an endpoint serves.
fn served(address: &Address, from: &Side<'_>, observed: &Observed, registry: &Registry) -> Result<String, String> {
    let (Some(kind), Some(resource)) = (registry.get("models"), from.desired.resources.get(address)) else {
        return Err("it is not declared".to_owned());
    };
    let world = &from.desired.world;
    let base = |name: &str| kind.part(&world.arn("sagemaker", &format!("model/{name}"))).map(|part| part.name);
    for (endpoint, live) in observed.resources.iter().filter(|(address, _)| address.section == "endpoints") {
        let variants = live.state.get("variants").and_then(Value::as_object).into_iter().flatten();
        let mut models = variants.filter_map(|(_, variant)| variant.get("model")?.as_str());
        if let Some(name) = models.find(|name| base(name).as_deref() == Some(resource.name.as_str())) {
            settled(endpoint, from, observed).map_err(|why| format!("{endpoint}: {why}"))?;
            return Ok(name.to_owned());
        }
    }
    Err(format!("no endpoint of {} serves it, so nothing is proven of it", world.environment))
}

/// Says why an artifact would be another model here than where it runs.
pub fn unfit(model: &Model, origin: &Origin) -> Option<String> {
    if origin.overwritten {
        let address = origin.artifact.address();
        return Some(format!("{address} was overwritten after {} was made of it, so nobody can say what runs", model.runs.name));
    }
    if model.form == Form::Artifact && model.image != origin.image {
        let side = |image: &Option<String>| image.clone().unwrap_or_else(|| "none".to_owned());
        return Some(format!("it runs with the image {}, but {} is declared here", side(&origin.image), side(&model.image)));
    }
    let lacking: Vec<&str> = match model.form {
        Form::Artifact => {
            let wanted = origin.variables.iter().filter(|(key, value)| model.variables.get(*key) != Some(value));
            wanted.map(|(key, _)| key.as_str()).collect()
        }
        Form::Package => vec![],
    };
    match lacking.is_empty() {
        true => None,
        false => Some(format!("its package sets variables that are not declared here: {}", lacking.join(", "))),
    }
}

/// Where the artifact lies that an environment pins: always in its own account's bucket, which no environment owns, under the
/// ETag that it had where it came from. `current` is what is pinned by now.
pub fn home(origin: &Origin, to: &World, current: Option<&str>) -> Home {
    let bucket = to.bootstrap_bucket();
    if origin.artifact.bucket == bucket {
        return Home::There(origin.artifact.clone());
    }
    let etag = origin.artifact.etag.as_deref().unwrap_or_default();
    let file = origin.artifact.key.rsplit('/').next().unwrap_or_default();
    let copy = Artifact { bucket, key: format!("{MODELS}/{etag}/{file}"), etag: None };
    match current.and_then(Artifact::parse) {
        Some(pinned) if pinned.etag.is_some() && pinned.address() == copy.address() => Home::There(pinned),
        _ => Home::Copy(copy),
    }
}

/// One pin to write.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Pin {
    pub address: Address,
    pub name: String,
    pub value: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instead_of: Option<String>,
}

impl Pin {
    /// The pin of something, if what is pinned by now is another value.
    pub fn of(address: &Address, name: &str, value: String, files: &Environment) -> Option<Self> {
        let current = files.header.pins.get(name);
        let pin = |instead_of| Self { address: address.clone(), name: name.to_owned(), value: value.clone(), instead_of };
        (current != Some(&value)).then(|| pin(current.cloned()))
    }

    /// Where it stands in the file.
    pub fn keys(&self) -> Vec<String> {
        vec!["pins".to_owned(), self.name.clone()]
    }
}
