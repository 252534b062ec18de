//! Folders of plain files: what counts, and what is refused.

use super::super::{MAX_FILE, Source};
use super::*;

fn python() -> Project {
    Project::new(&[
        ("lambdas/f/main.py", "def handler(event, context): pass\n"),
        ("lambdas/f/lib/a.py", "A = 1\n"),
        ("lambdas/f/lib.py", "B = 1\n"),
    ])
}

#[test]
fn counts_content_names_and_modes() {
    let project = python();
    let first = project.digest("lambdas/f").unwrap();
    assert_eq!(project.digest("./lambdas/../lambdas/f/").unwrap(), first);

    project.edit("lambdas/f/lib/a.py", "1", "2");
    let edited = project.digest("lambdas/f").unwrap();
    assert_ne!(edited, first);

    fs::rename(project.path("lambdas/f/lib/a.py"), project.path("lambdas/f/lib/b.py")).unwrap();
    let renamed = project.digest("lambdas/f").unwrap();
    assert_ne!(renamed, edited);

    project.set_executable("lambdas/f/main.py", 0o755);
    let executable = project.digest("lambdas/f").unwrap();
    assert_ne!(executable, renamed);
    project.set_executable("lambdas/f/main.py", 0o700);
    assert_eq!(project.digest("lambdas/f").unwrap(), executable);
}

#[test]
fn does_not_count_times_places_and_what_is_left_out() {
    let project = python();
    let first = project.digest("lambdas/f").unwrap();
    touch(&project.path("lambdas/f/main.py"), FAR_FUTURE);
    project.write("lambdas/f/.env", "SECRET=1");
    project.write("lambdas/f/.git/HEAD", "ref");
    project.write("lambdas/f/lib/__pycache__/a.pyc", "x");
    project.link("lambdas/f/.cache", "/etc");
    fs::create_dir(project.path("lambdas/f/empty")).unwrap();
    project.write("elsewhere.py", "x");
    assert_eq!(project.digest("lambdas/f").unwrap(), first);

    // The same files, made in another order and elsewhere.
    let other = Project::new(&[("f/lib.py", "B = 1\n"), ("f/lib/a.py", "A = 1\n")]);
    other.write("f/main.py", "def handler(event, context): pass\n");
    assert_eq!(other.digest("f").unwrap(), first);
}

#[test]
fn sorts_by_bytes_with_slashes() {
    let project = python();
    let source = inspect(&project.root, Path::new("lambdas/f")).unwrap();
    let lines = super::super::inputs(&project.root, &source, Architecture::Arm64).unwrap();
    let names: Vec<_> = lines.iter().filter_map(|line| line.split('"').nth(1)).collect();
    assert_eq!(names, ["lib.py", "lib/a.py", "main.py"]);
    assert_eq!(lines[0], "format 1");
    assert_eq!(
        digest(&project.root, &source, Architecture::X86_64).unwrap(),
        digest(&project.root, &source, Architecture::Arm64).unwrap(),
    );
}

#[test]
fn a_name_can_not_pass_for_two_files() {
    let hash = "0".repeat(64);
    let one = Project::new(&[("f/a", ""), ("f/b", "")]);
    let two = Project::new(&[]);
    fs::create_dir(two.path("f")).unwrap();
    two.write(&format!("f/a\" 0644 {hash}\nfile \"b"), "");
    assert_ne!(one.digest("f").unwrap(), two.digest("f").unwrap());
}

#[test]
fn a_link_counts_as_what_it_points_at() {
    let copied = Project::new(&[("shared.py", "S = 1\n"), ("f/main.py", ""), ("f/s.py", "S = 1\n")]);
    let linked = Project::new(&[("shared.py", "S = 1\n"), ("f/main.py", "")]);
    linked.link("f/s.py", "../shared.py");
    assert_eq!(linked.digest("f").unwrap(), copied.digest("f").unwrap());
}

#[test]
fn refuses_what_leads_out_of_the_project() {
    let project = python();
    fs::create_dir_all(project.path("../outside")).unwrap();
    fs::write(project.path("../outside/key"), "secret").unwrap();

    for source in ["../outside", "lambdas/../../outside", "/etc", ".."] {
        let error = project.digest(source).unwrap_err();
        assert!(matches!(error, PackageError::Outside { .. }), "{source}: {error}");
    }
    project.link("lambdas/g", "../../outside");
    let error = project.digest("lambdas/g").unwrap_err();
    assert!(matches!(error, PackageError::Outside { .. }), "{error}");

    for target in ["../../../outside", "../../../outside/key", "/etc/hostname"] {
        project.link("lambdas/f/link", target);
        let error = project.digest("lambdas/f").unwrap_err();
        assert!(matches!(error, PackageError::Outside { .. }), "{target}: {error}");
        assert!(error.to_string().contains("lambdas/f/link"), "{error}");
        fs::remove_file(project.path("lambdas/f/link")).unwrap();
    }
}

#[test]
fn a_name_with_dots_is_no_way_out() {
    let project = Project::new(&[("lambdas/..f/a..b.py", "x"), ("lambdas/g/sub..dir/x.py", "x")]);
    assert!(project.digest("lambdas/..f").is_ok());
    assert!(project.digest("lambdas/g").is_ok());
}

#[test]
fn refuses_links_without_an_end() {
    let project = python();
    project.link("lambdas/f/again", "../f");
    let error = project.digest("lambdas/f").unwrap_err();
    assert!(matches!(error, PackageError::Loop(_)), "{error}");
    fs::remove_file(project.path("lambdas/f/again")).unwrap();

    project.link("lambdas/f/self", "self");
    let error = project.digest("lambdas/f").unwrap_err();
    assert!(matches!(error, PackageError::Dangling(_)), "{error}");
}

#[test]
fn refuses_what_is_missing_empty_or_no_file() {
    let project = python();
    project.write("lambdas/hidden/.gitkeep", "");
    project.write("lambdas/file", "");
    let error = |source: &str| project.digest(source).unwrap_err();
    assert!(matches!(error("lambdas/nothing"), PackageError::Missing(_)));
    assert!(matches!(error("lambdas/hidden"), PackageError::Empty(_)));
    assert!(matches!(error("lambdas/file"), PackageError::NotAFolder(_)));
    assert!(matches!(error("lambdas/file/below"), PackageError::NotAFolder(_)));
    let socket = std::os::unix::net::UnixListener::bind(project.path("lambdas/f/socket")).unwrap();
    assert!(matches!(error("lambdas/f"), PackageError::Special(_)));
    drop(socket);
}

#[test]
fn refuses_what_lambda_would_not_take() {
    let project = python();
    project.write_sparse("lambdas/f/model.bin", MAX_FILE + 1);
    let error = project.digest("lambdas/f").unwrap_err();
    assert!(matches!(error, PackageError::FileTooLarge { .. }), "{error}");
    assert!(error.to_string().contains("model.bin"), "{error}");

    fs::remove_file(project.path("lambdas/f/model.bin")).unwrap();
    for part in 0..6 {
        project.write_sparse(&format!("lambdas/f/part{part}"), MAX_FILE);
    }
    let error = project.digest("lambdas/f").unwrap_err();
    assert!(matches!(error, PackageError::TooLarge { .. }), "{error}");
}

#[cfg(target_os = "linux")]
#[test]
fn refuses_names_that_are_no_text() {
    use std::os::unix::ffi::OsStrExt as _;
    let project = python();
    let name = std::ffi::OsStr::from_bytes(b"lambdas/f/\xff.py");
    fs::write(project.root.join(name), "x").unwrap();
    let error = project.digest("lambdas/f").unwrap_err();
    assert!(matches!(error, PackageError::NotUtf8(_)), "{error}");
}

#[test]
fn is_a_folder_without_a_manifest() {
    let project = python();
    let source = inspect(&project.root, Path::new("lambdas/f")).unwrap();
    assert_eq!(source, Source::Folder { dir: project.path("lambdas/f") });
}
