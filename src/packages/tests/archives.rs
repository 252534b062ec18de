//! Zip files: the same bytes from the same files, and nothing half written.

use std::io::Read as _;

use super::super::tree::{self, Rules};
use super::super::{Package, archive};
use super::*;

fn package(project: &Project, out: &str) -> Package {
    let entries = tree::files(&project.path("f"), &[&project.root], Rules::Folder).unwrap();
    let digest = project.digest("f").unwrap();
    archive::write(&project.path(out), "f", digest, &entries).unwrap()
}

fn project() -> Project {
    let text = "def handler(event, context):\n    return event\n".repeat(200);
    Project::new(&[("f/main.py", &text), ("f/run.sh", "#!/bin/sh\n"), ("f/lib/ü.py", "")])
}

#[test]
fn are_the_same_from_the_same_files() {
    let first = project();
    first.set_executable("f/run.sh", 0o700);
    let one = package(&first, "out");

    let second = project();
    second.set_executable("f/run.sh", 0o755);
    second.set_executable("f/main.py", 0o600);
    touch(&second.path("f/main.py"), FAR_FUTURE);
    let two = package(&second, "elsewhere/out");

    assert_eq!(fs::read(&one.path).unwrap(), fs::read(&two.path).unwrap());
    assert_eq!(one.code_sha256, two.code_sha256);
    assert_eq!(one.size, fs::metadata(&one.path).unwrap().len());
    assert_eq!(one.path, first.path(&format!("out/f-{}.zip", one.digest.short())));
    // The base64 of 32 bytes, as Lambda writes it.
    assert!(one.code_sha256.len() == 44 && one.code_sha256.ends_with('='));
}

#[test]
fn hold_sorted_files_with_fixed_modes_and_times() {
    let project = project();
    project.set_executable("f/run.sh", 0o700);
    let package = package(&project, "out");
    let mut zip = zip::ZipArchive::new(File::open(package.path).unwrap()).unwrap();
    let mut found = Vec::new();
    for index in 0..zip.len() {
        let mut file = zip.by_index(index).unwrap();
        let time = file.last_modified().unwrap();
        assert_eq!((time.year(), time.month(), time.day()), (1980, 1, 1));
        let mut content = Vec::new();
        file.read_to_end(&mut content).unwrap();
        let name = file.name().unwrap().into_owned();
        assert_eq!(content, fs::read(project.path("f").join(&name)).unwrap());
        found.push((name, file.unix_mode().unwrap() & 0o777));
    }
    let expected = [("lib/ü.py", 0o644), ("main.py", 0o644), ("run.sh", 0o755)];
    assert_eq!(found, expected.map(|(name, mode)| (name.to_owned(), mode)));
}

#[test]
fn are_found_again_unless_damaged() {
    let project = project();
    let out = project.path("out");
    let digest = project.digest("f").unwrap();
    assert_eq!(archive::cached(&out, "f", digest), None);
    let package = package(&project, "out");
    assert_eq!(archive::cached(&out, "f", digest), Some(package.clone()));
    assert_eq!(archive::cached(&out, "g", digest), None);
    assert_eq!(archive::cached(&out, "f", Digest::of(b"other")), None);

    let whole = fs::read(&package.path).unwrap();
    fs::write(&package.path, &whole[..whole.len() / 2]).unwrap();
    assert_eq!(archive::cached(&out, "f", digest), None);
    fs::write(&package.path, &whole).unwrap();
    assert_eq!(archive::cached(&out, "f", digest), Some(package.clone()));

    let sidecar = package.path.with_extension("json");
    for content in ["", "{}", "null", "{\"digest\": 3, \"code_sha256\": []}"] {
        fs::write(&sidecar, content).unwrap();
        assert_eq!(archive::cached(&out, "f", digest), None, "{content}");
    }
}

#[test]
fn leave_nothing_behind_when_they_fail() {
    let project = project();
    let mut entries = tree::files(&project.path("f"), &[&project.root], Rules::Folder).unwrap();
    entries[1].file = project.path("gone");
    let out = project.path("out");
    let error = archive::write(&out, "f", Digest::of(b""), &entries).unwrap_err();
    assert!(error.to_string().contains("gone"), "{error}");
    assert_eq!(fs::read_dir(out).unwrap().count(), 0);
}
