//! Rust crates: which files, locked packages and settings name the package.

use super::super::Source;
use super::*;

const REGISTRY: &str = "registry+https://github.com/rust-lang/crates.io-index";

fn locked(name: &str, version: &str, dependencies: &[&str]) -> String {
    let dependencies: Vec<_> = dependencies.iter().map(|name| format!("\"{name}\"")).collect();
    format!(
        "\n[[package]]\nname = \"{name}\"\nversion = \"{version}\"\nsource = \"{REGISTRY}\"\n\
         checksum = \"{name}{version}\"\ndependencies = [{}]\n",
        dependencies.join(", ")
    )
}

fn local(name: &str, dependencies: &str) -> String {
    format!("\n[[package]]\nname = \"{name}\"\nversion = \"0.1.0\"\ndependencies = [{dependencies}]\n")
}

/// A workspace of two functions and a library that only the first uses.
fn workspace() -> Project {
    let lock = [
        "version = 4\n".to_owned(),
        local("one", "\"common\", \"serde 1.0.0\", \"tempfile\""),
        local("two", "\"other\", \"serde 2.0.0\""),
        local("common", "\"deep\""),
        locked("serde", "1.0.0", &["serde_derive"]),
        locked("serde", "2.0.0", &[]),
        locked("serde_derive", "1.0.0", &["deep"]),
        locked("deep", "0.3.0", &[]),
        locked("tempfile", "3.0.0", &[]),
        locked("other", "1.0.0", &[]),
    ];
    Project::new(&[
        (
            "Cargo.toml",
            "[workspace]\nmembers = [\"lambdas/*\", \"common\"]\nresolver = \"3\"\n\
             [workspace.package]\nversion = \"0.1.0\"\nauthors = [\"x\"]\n\
             [workspace.dependencies]\nserde = \"1\"\nother = \"1\"\ncommon = { path = \"common\" }\n\
             [profile.release]\nstrip = true\n[profile.release.package.other]\nopt-level = 1\n\
             [profile.dev]\ndebug = false\n",
        ),
        ("Cargo.lock", &lock.concat()),
        (
            "lambdas/one/Cargo.toml",
            "[package]\nname = \"one\"\nversion.workspace = true\nedition = \"2024\"\n\
             [dependencies]\nserde.workspace = true\nours = { package = \"common\", path = \"../../common\" }\n\
             [dev-dependencies]\ntempfile = \"3\"\n",
        ),
        ("lambdas/one/src/main.rs", "fn main() {}\n"),
        (
            "lambdas/two/Cargo.toml",
            "[package]\nname = \"two\"\nversion = \"0.1.0\"\n[dependencies]\nserde = \"2\"\nother.workspace = true\n",
        ),
        ("lambdas/two/src/main.rs", "fn main() {}\n"),
        (
            "common/Cargo.toml",
            "[package]\nname = \"common\"\nversion = \"0.1.0\"\n[target.'cfg(unix)'.dependencies]\ndeep = \"0.3\"\n",
        ),
        ("common/src/lib.rs", "pub fn f() {}\n"),
    ])
}

/// Changes a project and tells which of its two functions have another digest then.
fn changes(project: &Project, change: impl FnOnce(&Project)) -> (bool, bool) {
    let digests = || {
        let digest = |source| project.digest(source).unwrap();
        (digest("lambdas/one"), digest("lambdas/two"))
    };
    let before = digests();
    change(project);
    let after = digests();
    (before.0 != after.0, before.1 != after.1)
}

#[test]
fn knows_a_crate_and_its_workspace() {
    let project = workspace();
    let source = inspect(&project.root, Path::new("lambdas/one")).unwrap();
    let expected = Source::Crate {
        dir: project.path("lambdas/one"),
        package: "one".to_owned(),
        binary: "one".to_owned(),
        workspace_root: project.root.clone(),
    };
    assert_eq!(source, expected);
    assert_ne!(
        digest(&project.root, &source, Architecture::X86_64).unwrap(),
        digest(&project.root, &source, Architecture::Arm64).unwrap(),
    );
    let again = workspace();
    assert_eq!(again.digest("lambdas/one").unwrap(), project.digest("lambdas/one").unwrap());
}

#[test]
fn counts_files_of_the_crate_and_its_path_dependencies() {
    let project = workspace();
    let edit = |path: &'static str, content: &'static str| changes(&project, |project| project.write(path, content));
    assert_eq!(edit("lambdas/one/src/main.rs", "fn main() { }\n"), (true, false));
    assert_eq!(edit("lambdas/one/build.rs", "fn main() {}\n"), (true, false));
    assert_eq!(edit("lambdas/one/data/words.txt", "a\n"), (true, false));
    assert_eq!(edit("lambdas/one/src/target/mod.rs", "\n"), (true, false));
    assert_eq!(edit("common/src/lib.rs", "pub fn g() {}\n"), (true, false));
    assert_eq!(edit("lambdas/two/src/main.rs", "fn main() { }\n"), (false, true));

    assert_eq!(edit("lambdas/one/target/release/one", "\n"), (false, false));
    assert_eq!(edit("lambdas/one/.idea/x", "\n"), (false, false));
    assert_eq!(edit("README.md", "\n"), (false, false));
    let rename = |project: &Project| {
        let from = project.path("lambdas/one/data/words.txt");
        fs::rename(from, project.path("lambdas/one/data/names.txt")).unwrap();
    };
    assert_eq!(changes(&project, rename), (true, false));
    let times = |project: &Project| touch(&project.path("lambdas/one/src/main.rs"), FAR_FUTURE);
    assert_eq!(changes(&project, times), (false, false));
}

#[test]
fn counts_what_is_reachable_in_the_lock_file() {
    let project = workspace();
    let bump = |from: &'static str, to: &'static str| changes(&project, |project| project.edit("Cargo.lock", from, to));
    assert_eq!(bump("other1.0.0", "other1.0.0x"), (false, true));
    assert_eq!(bump("serde2.0.0", "serde2.0.0x"), (false, true));
    assert_eq!(bump("serde1.0.0", "serde1.0.0x"), (true, false));
    assert_eq!(bump("serde_derive1.0.0", "serde_derive1.0.0x"), (true, false));
    assert_eq!(bump("deep0.3.0", "deep0.3.0x"), (true, false));
    // A dependency of the tests only is not in the executable.
    assert_eq!(bump("tempfile3.0.0", "tempfile3.0.0x"), (false, false));
    let more = |project: &Project| {
        let old = fs::read_to_string(project.path("Cargo.lock")).unwrap();
        project.write("Cargo.lock", &format!("{old}{}", locked("unrelated", "9.0.0", &[])));
    };
    assert_eq!(changes(&project, more), (false, false));
}

#[test]
fn counts_how_the_workspace_compiles() {
    let project = workspace();
    let edit = |from: &'static str, to: &'static str| changes(&project, |project| project.edit("Cargo.toml", from, to));
    assert_eq!(edit("strip = true", "strip = false"), (true, true));
    assert_eq!(edit("opt-level = 1", "opt-level = 2"), (false, true));
    assert_eq!(edit("debug = false", "debug = true"), (false, false));
    assert_eq!(edit("serde = \"1\"", "serde = { version = \"1\", features = [\"rc\"] }"), (true, false));
    assert_eq!(edit("authors = [\"x\"]", "authors = [\"y\"]"), (false, false));
    assert_eq!(edit("resolver = \"3\"", "resolver = \"2\""), (true, true));
    let add = |path: &'static str, content: &'static str| changes(&project, |project| project.write(path, content));
    assert_eq!(add("rust-toolchain.toml", "[toolchain]\nchannel = \"1.95\"\n"), (true, true));
    assert_eq!(add(".cargo/config.toml", "[net]\nretry = 3\n"), (false, false));
    let flags = "[build]\nrustflags = [\"-Ctarget-cpu=x86-64-v2\"]\njobs = 3\n";
    assert_eq!(add(".cargo/config.toml", flags), (true, true));
}

#[test]
fn understands_patches_and_old_lock_files() {
    let project = workspace();
    project.edit("Cargo.toml", "[profile.dev]", "[patch.crates-io]\ndeep = { path = \"deep\" }\n[profile.dev]");
    let registry = locked("deep", "0.3.0", &[]);
    project.edit("Cargo.lock", &registry, &local("deep", ""));
    project.write("deep/Cargo.toml", "[package]\nname = \"deep\"\nversion = \"0.1.0\"\n");
    project.write("deep/src/lib.rs", "");
    let edit = |project: &Project| project.write("deep/src/lib.rs", "\n");
    assert_eq!(changes(&project, edit), (true, false));

    let old = format!(
        "{}[metadata]\n\"checksum serde 1.0.0 ({REGISTRY})\" = \"aa\"\n",
        [
            local("solo", &format!("\"serde 1.0.0 ({REGISTRY})\"")),
            format!("[[package]]\nname = \"serde\"\nversion = \"1.0.0\"\nsource = \"{REGISTRY}\"\n"),
        ]
        .concat()
    );
    let solo = Project::new(&[
        ("f/Cargo.toml", "[package]\nname = \"solo\"\n[dependencies]\nserde = \"1\"\n[workspace]\n"),
        ("f/src/main.rs", "fn main() {}"),
        ("f/Cargo.lock", &old),
    ]);
    let before = solo.digest("f").unwrap();
    solo.edit("f/Cargo.lock", "\"aa\"", "\"bb\"");
    assert_ne!(solo.digest("f").unwrap(), before);
}

#[test]
fn tells_what_is_wrong_with_lock_file_and_manifest() {
    let project = workspace();
    let serde = "serde.workspace = true";
    project.edit("lambdas/one/Cargo.toml", serde, "serde.workspace = true\nnewcomer = \"1\"");
    let error = project.digest("lambdas/one").unwrap_err();
    assert!(matches!(error, PackageError::Lock { .. }), "{error}");
    assert!(error.to_string().contains("newcomer"), "{error}");

    for content in ["version = 4\n", "package = 3\n", "]", "[[package]]\nname = \"one\"\n"] {
        project.write("Cargo.lock", content);
        assert!(project.digest("lambdas/one").is_err(), "{content}");
    }
    fs::remove_file(project.path("Cargo.lock")).unwrap();
    let error = project.digest("lambdas/one").unwrap_err();
    assert!(error.to_string().contains("does not exist"), "{error}");

    let inspect = |manifest: &str, file: &str| {
        let project = Project::new(&[("f/Cargo.toml", manifest), (file, "")]);
        inspect(&project.root, Path::new("f"))
    };
    let package = "[package]\nname = \"f\"\n";
    for (manifest, file) in [
        ("[package", "f/src/main.rs"),
        ("[workspace]\nmembers = []\n", "f/src/main.rs"),
        ("package = 1\nworkspace = 2\n", "f/src/main.rs"),
        (package, "f/src/lib.rs"),
    ] {
        let error = inspect(manifest, file).unwrap_err();
        assert!(matches!(error, PackageError::Manifest { .. }), "{manifest}: {error}");
    }
    let several = format!("{package}[[bin]]\nname = \"a\"\n[[bin]]\nname = \"b\"\n");
    let error = inspect(&several, "f/src/bin/c.rs").unwrap_err();
    assert!(error.to_string().contains("a, b, c"), "{error}");
    let chosen = several.replace("name = \"f\"", "name = \"f\"\ndefault-run = \"b\"");
    assert!(matches!(inspect(&chosen, "f/src/bin/c.rs"), Ok(Source::Crate { binary, .. }) if binary == "b"));
}

#[test]
fn refuses_a_path_dependency_outside_of_the_project() {
    let project = Project::new(&[
        (
            "f/Cargo.toml",
            "[package]\nname = \"f\"\nversion = \"0.1.0\"\n[dependencies]\nout = { path = \"../../out\" }\n[workspace]\n",
        ),
        ("f/src/main.rs", "fn main() {}"),
        ("f/Cargo.lock", &[local("f", "\"out\""), local("out", "")].concat()),
        ("../out/Cargo.toml", "[package]\nname = \"out\"\n"),
        ("../out/src/lib.rs", ""),
    ]);
    let error = project.digest("f").unwrap_err();
    assert!(matches!(error, PackageError::Outside { .. }), "{error}");
}

#[test]
fn a_root_crate_is_its_sources_only() {
    let project = workspace();
    project.edit("Cargo.toml", "[workspace]", "[package]\nname = \"root\"\nversion = \"0.1.0\"\n[workspace]");
    project.write("src/lib.rs", "");
    project.edit("lambdas/two/Cargo.toml", "serde =", "root = { path = \"../..\" }\nserde =");
    project.edit("Cargo.lock", "\"other\", ", "\"other\", \"root\", ");
    let old = fs::read_to_string(project.path("Cargo.lock")).unwrap();
    project.write("Cargo.lock", &format!("{old}{}", local("root", "")));
    let edit = |path: &'static str| changes(&project, |project| project.write(path, "\n"));
    assert_eq!(edit("src/lib.rs"), (false, true));
    assert_eq!(edit("environments/prod.yaml"), (false, false));
    assert_eq!(edit("lambdas/one/src/main.rs"), (true, false));
}
