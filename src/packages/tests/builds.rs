//! Whole builds, with the cargo of this host and without any registry.

use std::sync::Mutex;

use super::super::{ElfProblem, Package, Source, build};
use super::*;

/// A function and a library, named after the test: tests may share a target folder.
fn crates(test: &str) -> Project {
    let project = Project::new(&[
        ("Cargo.toml", "[workspace]\nmembers = [\"fun\", \"common\"]\nresolver = \"3\"\n[profile.release]\nstrip = true\n"),
        ("fun/src/main.rs", "fn main() { println!(\"{}\", common::pick(std::env::args().count())) }\n"),
        ("common/src/lib.rs", "pub fn pick(at: usize) -> u8 { b\"abc\"[at] }\n"),
    ]);
    let package = |name| format!("name = \"{name}-{test}\"\nversion = \"0.1.0\"\n");
    let (fun, common) = (package("fun"), package("common"));
    let edition = "edition = \"2024\"\n";
    let needs = format!("[dependencies]\ncommon = {{ path = \"../common\", package = \"common-{test}\" }}\n");
    project.write("common/Cargo.toml", &format!("[package]\n{common}{edition}"));
    project.write("fun/Cargo.toml", &format!("[package]\n{fun}{edition}{needs}"));
    let lock = "[[package]]\n";
    let locked = format!("version = 4\n\n{lock}{common}\n{lock}{fun}dependencies = [\n \"common-{test}\",\n]\n");
    project.write("Cargo.lock", &locked);
    project
}

async fn run(project: &Project, source: &str) -> Result<(Package, Vec<String>), PackageError> {
    let said = Mutex::new(Vec::new());
    let host = if cfg!(target_arch = "aarch64") { Architecture::Arm64 } else { Architecture::X86_64 };
    let source = inspect(&project.root, Path::new(source))?;
    let digest = digest(&project.root, &source, host)?;
    let sources = [("fun".to_owned(), source, digest, host)];
    let progress = |line: &str| said.lock().unwrap().push(line.to_owned());
    let mut packages = build(&project.root, &sources, &project.path("target/packages"), &progress).await?;
    Ok((packages.remove(0), said.into_inner().unwrap()))
}

/// `None` on a host whose C library is too new to build for Lambda.
async fn run_crate(project: &Project) -> Option<(Package, Vec<String>)> {
    match run(project, "fun").await {
        Err(PackageError::Executable { problem: ElfProblem::Glibc(_), .. }) => None,
        built => Some(built.unwrap()),
    }
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn of_a_crate_are_the_same_in_two_folders() {
    let (first, second) = (crates("same"), crates("same"));
    let Some((one, _)) = run_crate(&first).await else {
        return;
    };
    let Some((two, _)) = run_crate(&second).await else {
        return;
    };
    assert_eq!(one.digest, two.digest);
    assert_eq!(one.code_sha256, two.code_sha256);
    let mut zip = zip::ZipArchive::new(File::open(&one.path).unwrap()).unwrap();
    assert_eq!(zip.len(), 1);
    let bootstrap = zip.by_name("bootstrap").unwrap();
    assert_eq!(bootstrap.unix_mode().map(|mode| mode & 0o777), Some(0o755));
    drop(bootstrap);

    let (again, said) = run_crate(&first).await.unwrap();
    assert_eq!(again, one);
    assert!(said.len() == 1 && said[0].contains("there already"), "{said:?}");
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn are_of_these_sources_whatever_cargo_holds_for_up_to_date() {
    let target = tempfile::tempdir().unwrap();
    let (first, second) = (crates("stale"), crates("stale"));
    second.write("common/src/lib.rs", "pub fn pick(at: usize) -> u8 { b\"xyz\"[at] }\n");
    let config = format!("[build]\ntarget-dir = {:?}\n", target.path());
    for project in [&first, &second] {
        project.write(".cargo/config.toml", &config);
        for path in ["common/src/lib.rs", "fun/src/main.rs"] {
            touch(&project.path(path), Duration::from_secs(1_000_000_000));
        }
    }
    let Some((one, _)) = run_crate(&first).await else { return };
    let Some((two, _)) = run_crate(&second).await else { return };
    assert_ne!(one.code_sha256, two.code_sha256);

    fs::remove_dir_all(first.path("target/packages")).unwrap();
    let (again, _) = run_crate(&first).await.unwrap();
    assert_eq!(again, one);
}

#[tokio::test]
async fn tell_why_a_crate_does_not_compile() {
    let project = crates("broken");
    project.write("fun/src/main.rs", "fn main() { common::pack(1) }\n");
    let text = run(&project, "fun").await.unwrap_err().to_string();
    assert!(text.contains("cannot find function `pack`"), "{text}");
    assert!(text.contains("cargo build --release --locked --manifest-path=fun/Cargo.toml"), "{text}");
    assert!(!text.contains("Compiling"), "{text}");
}

#[tokio::test]
async fn of_a_folder_zip_its_files() {
    let project = Project::new(&[("f/main.py", "x = 1\n")]);
    let (package, said) = run(&project, "f").await.unwrap();
    assert!(package.path.is_file());
    assert_eq!(said.len(), 2, "{said:?}");
}

#[tokio::test]
async fn refuse_sources_that_are_not_the_planned_ones() {
    let project = Project::new(&[("f/main.py", "x = 1\n")]);
    let source = inspect(&project.root, Path::new("f")).unwrap();
    let planned = digest(&project.root, &source, Architecture::X86_64).unwrap();
    project.write("f/main.py", "x = 2\n");
    let run = async |name: &str, source: &Source| {
        let sources = [(name.to_owned(), source.clone(), planned, Architecture::X86_64)];
        build(&project.root, &sources, &project.path("out"), &|_| ()).await.unwrap_err()
    };
    assert!(matches!(run("f", &source).await, PackageError::Changed { .. }));
    for name in ["", "../f", "a/b", ".f", "f\0"] {
        assert!(matches!(run(name, &source).await, PackageError::Name(_)), "{name}");
    }
    assert!(!project.path("out").exists());
}
