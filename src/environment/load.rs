//! Reads an environment file with all it extends and names.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use indexmap::IndexMap;
use serde_json::Value;

use super::node::{Data, Node};
use super::source::{self, Diagnostic, Diagnostics, Source, Span};
use super::yaml::{self, Tags};
use super::{Blocks, Declared, Environment, Header, schema, shape};
use crate::address::Address;
use crate::kind::{Input, Registry};
use crate::packages;

/// How many files may extend each other.
const LONGEST_CHAIN: usize = 16;

/// Finds the file that a command line means: a path, or a name for `environments/NAME.yaml`.
///
/// # Errors
/// A diagnostic that lists the environments that exist.
pub fn find(name: &str) -> Result<PathBuf, Diagnostic> {
    let path = Path::new(name);
    if path.extension().is_some() || name.contains('/') {
        return match path.is_file() {
            true => Ok(path.to_owned()),
            false => Err(Diagnostic::nowhere(format!("there is no file {name}"))),
        };
    }
    let path = Path::new("environments").join(format!("{name}.yaml"));
    if path.is_file() {
        return Ok(path);
    }
    let known: Vec<String> = std::fs::read_dir("environments")
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path().file_name()?.to_str()?.strip_suffix(".yaml")?.to_owned()))
        .filter(|name| name != "base")
        .collect();
    let diagnostic = Diagnostic::nowhere(format!("there is no environment {name}: environments/{name}.yaml is missing"));
    Err(match (known.is_empty(), shape::nearest(name, known.iter().map(String::as_str))) {
        (true, _) => diagnostic.help("run this in the folder that holds environments/, or give the path of a file"),
        (_, Some(near)) => diagnostic.help(format!("did you mean {near}?")),
        _ => diagnostic.help(format!("there are: {}", known.join(", "))),
    })
}

/// Reads, merges and checks an environment; everything that can be wrong without knowing AWS is found in one run,
/// except what [`crate::desired`] finds.
///
/// # Errors
/// All diagnostics found.
pub fn load(file: &Path, registry: &Registry) -> Result<Environment, Diagnostics> {
    load_text(&source::read(file, None)?, registry)
}

/// Does what [`load`] does for a file whose text is given: one that is not written yet.
///
/// # Errors
/// All diagnostics found.
pub fn load_text(own: &Arc<Source>, registry: &Registry) -> Result<Environment, Diagnostics> {
    let file = own.path.as_path();
    let mut root = merged(layers(own)?, own);
    if !matches!(root.data, Data::Mapping(_)) {
        let help = "an environment file starts with `app:`, `environment:` and `region:`";
        return Err(Diagnostic::new(format!("this is {}, but a mapping belongs here", root.type_name()), &root.span)
            .help(help)
            .into());
    }
    let schema = schema::schema(registry);
    let mut faults = shape::check(&root, &schema, &schema);
    // Where the shape is wrong, what follows would only repeat it.
    if !faults.is_empty() {
        return Err(Diagnostics(faults));
    }
    let header = header(&root, registry)?;
    if let Some(check) = &header.drift_check {
        root = check.expanded(root)?;
    }
    let directory = directory_of(file);
    let mut resources = IndexMap::new();
    let mut documents = BTreeMap::new();
    let mut packages = BTreeMap::new();
    let mut contracts = BTreeMap::new();
    for kind in registry.iter() {
        let entries = root.get(kind.section()).and_then(Node::as_mapping);
        for (name, entry) in entries.into_iter().flatten() {
            let address = Address::new(kind.section(), name);
            check_entry_name(name, &entry.key_span, &mut faults);
            for (key, input) in kind.inputs() {
                let Some(node) = entry.node.get(key) else { continue };
                let Some(path) = node.as_str() else { continue };
                let result = match input {
                    Input::Template => document(&directory, path, node, Tags::CloudFormation, &mut documents),
                    Input::Document => document(&directory, path, node, Tags::Refused, &mut documents),
                    Input::Package => package(&directory, path, node, &entry.node).and_then(|digest| {
                        packages.insert(address.clone(), digest);
                        contracts.extend(contract(&directory, path, node)?.map(|contract| (address.clone(), contract)));
                        Ok(())
                    }),
                };
                faults.extend(result.err());
            }
            let declared = Declared { node: entry.node.clone(), key_span: entry.key_span.clone() };
            resources.insert(address, declared);
        }
    }
    if !faults.is_empty() {
        return Err(Diagnostics(faults));
    }
    Ok(Environment { header, root, resources, documents, contracts, packages, directory, file: file.to_owned() })
}

/// What a file inherits from those that it extends; nothing if it extends none.
///
/// # Errors
/// A file that cannot be read or is no YAML.
pub fn inherited(own: &Arc<Source>) -> Result<Option<Node>, Diagnostic> {
    let mut layers = layers(own)?;
    layers.pop();
    Ok(layers.into_iter().reduce(Node::overlay))
}

fn merged(layers: Vec<Node>, own: &Arc<Source>) -> Node {
    layers.into_iter().reduce(Node::overlay).unwrap_or(Node { data: Data::Null, span: Span::file(own) })
}

/// The files that extend each other, the own one last.
fn layers(own: &Arc<Source>) -> Result<Vec<Node>, Diagnostic> {
    let mut chain: Vec<(Arc<Source>, Node)> = vec![];
    let mut next = Some((own.path.clone(), None::<Span>));
    let mut seen: Vec<PathBuf> = vec![];
    while let Some((path, wanted_by)) = next.take() {
        let canonical = path.canonicalize().unwrap_or_else(|_| path.clone());
        if seen.contains(&canonical) || chain.len() >= LONGEST_CHAIN {
            let names: Vec<String> = chain.iter().map(|(source, _)| source.path.display().to_string()).collect();
            let message = format!("`extends` goes round: {} → {}", names.join(" → "), path.display());
            return Err(wanted_by.map_or_else(|| Diagnostic::nowhere(&message), |span| Diagnostic::new(&message, &span)));
        }
        seen.push(canonical);
        let source = if chain.is_empty() { own.clone() } else { source::read(&path, wanted_by.as_ref())? };
        let node = yaml::parse(&source, Tags::Refused)?;
        if let Some(base) = node.get("extends") {
            let Some(name) = base.as_str() else {
                return Err(Diagnostic::new("`extends` names one file", &base.span).help("such as: extends: base.yaml"));
            };
            next = Some((path.parent().unwrap_or(Path::new("")).join(name), Some(base.span.clone())));
        }
        chain.push((source, node));
    }
    Ok(chain.into_iter().rev().map(|(_, node)| node).collect())
}

fn header(root: &Node, registry: &Registry) -> Result<Header, Diagnostic> {
    let mut value = root.to_json();
    if let Value::Object(map) = &mut value {
        map.shift_remove("extends");
        registry.sections().into_iter().for_each(|section| {
            map.shift_remove(section);
        });
        Blocks::keys().iter().for_each(|block| {
            map.shift_remove(block);
        });
    }
    super::typed(&value).map_err(|(path, message)| Diagnostic::new(message, &root.span_at(&path)))
}

fn check_entry_name(name: &str, span: &Span, faults: &mut Vec<Diagnostic>) {
    let right = name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.ends_with(|c: char| c.is_ascii_alphanumeric())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
        && !name.contains("--");
    if !right {
        let help = "names hold letters, digits and single dashes between them, and start with a letter";
        faults.push(Diagnostic::new(format!("`{name}` cannot be a name"), span).help(help));
    }
}

/// The folder that paths in an environment file start from: above `environments/`, or else where the file lies.
fn directory_of(file: &Path) -> PathBuf {
    let folder = file.parent().unwrap_or(Path::new(""));
    let root = match folder.file_name().is_some_and(|name| name == "environments") {
        true => folder.parent().unwrap_or(Path::new("")),
        false => folder,
    };
    if root.as_os_str().is_empty() { PathBuf::from(".") } else { root.to_owned() }
}

fn inside(directory: &Path, path: &str, node: &Node) -> Result<PathBuf, Diagnostic> {
    let relative = Path::new(path);
    if path.is_empty() || relative.components().any(|part| !matches!(part, Component::Normal(_) | Component::CurDir)) {
        let help = format!("paths start from {} and stay inside it", directory.display());
        return Err(Diagnostic::new(format!("`{path}` leaves the project's folder"), &node.span).help(help));
    }
    let clean = if directory == Path::new(".") { relative.to_owned() } else { directory.join(relative) };
    Ok(clean)
}

fn document(directory: &Path, path: &str, node: &Node, tags: Tags, found: &mut BTreeMap<String, Node>) -> Result<(), Diagnostic> {
    if found.contains_key(path) {
        return Ok(());
    }
    // A template and a definition are never one file, so a path is read in one manner.
    let source = source::read(&inside(directory, path, node)?, Some(&node.span))?;
    let parsed = yaml::parse(&source, tags)?;
    if !matches!(parsed.data, Data::Mapping(_)) {
        return Err(Diagnostic::new(format!("{path} holds {}, but a mapping belongs there", parsed.type_name()), &node.span));
    }
    found.insert(path.to_owned(), parsed);
    Ok(())
}

/// What the function in a folder says of itself, if it does.
fn contract(directory: &Path, path: &str, node: &Node) -> Result<Option<Node>, Diagnostic> {
    let file = inside(directory, path, node)?.join("contract.yaml");
    if !file.is_file() {
        return Ok(None);
    }
    yaml::parse(&source::read(&file, Some(&node.span))?, Tags::Refused).map(Some)
}

fn package(directory: &Path, path: &str, node: &Node, entry: &Node) -> Result<String, Diagnostic> {
    let fault = |error: packages::PackageError| Diagnostic::new(error.to_string(), &node.span);
    if path != packages::PROGRAM {
        inside(directory, path, node)?;
    }
    let source = packages::inspect(directory, Path::new(path)).map_err(fault)?;
    let architecture = entry.get("architecture").map(Node::to_json).and_then(|value| serde_json::from_value(value).ok());
    packages::digest(directory, &source, architecture.unwrap_or_default()).map(|digest| digest.to_string()).map_err(fault)
}
