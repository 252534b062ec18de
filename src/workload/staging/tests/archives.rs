//! Archives, whole and broken.

use std::fs;
use std::path::Path;

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::workload::staging::archive::{MAX_MEMBERS, Part};

#[test]
fn the_declared_classes_are_kept_in_their_order() {
    let inventory = Project::new().read().unwrap();
    let keys: Vec<_> = inventory.files().iter().map(|file| (file.key.as_str(), file.class)).collect();
    let expected = [
        ("test/bike_s_9.png", 0),
        ("test/moto_s_9.png", 1),
        ("train/bike_s_1.png", 0),
        ("train/bike_s_2.png", 0),
        ("train/moto_s_1.png", 1),
        ("train/moto_s_2.png", 1),
    ];
    assert_eq!(keys, expected);
    assert_eq!(inventory.originals(), [2, 2]);
    assert_eq!(inventory.list(Part::Test), "0\t0\tbike_s_9.png\n1\t1\tmoto_s_9.png\n");

    let mut project = Project::new();
    project.spec["classes"] = json!({ "motorcycle": 48, "bicycle": 8 });
    assert_eq!(project.read().unwrap().list(Part::Test), "0\t1\tbike_s_9.png\n1\t0\tmoto_s_9.png\n");
}

/// Written by numpy 2.4 and Python 3.11; `py2` as Python 2 pickles, memo entries and all. `make.py` there says how.
#[test]
fn all_protocols_hold_the_same_pictures() {
    let read = |name: &str| {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/staging").join(name);
        let inventory = Project::with(&fs::read(path).unwrap()).read().unwrap();
        assert!(inventory.files().len() > 2);
        inventory.files().to_vec()
    };
    let expected = read("python2.tar.gz");
    for name in ["protocol2.tar.gz", "protocol3.tar.gz", "protocol4.tar.gz", "protocol5.tar.gz"] {
        assert_eq!(read(name), expected, "{name}");
    }
}

#[test]
fn data_may_come_before_names_and_labels() {
    let mut parts = batch_parts(&TRAIN);
    parts.reverse();
    let turned = Project::replacing("train", pickle(&dict(parts)));
    assert_eq!(turned.read().unwrap().files(), Project::new().read().unwrap().files());
}

#[test]
fn each_member_is_there_once_as_a_plain_file() {
    for name in ["train", "test", "meta"] {
        let without: Vec<_> = members().into_iter().filter(|(other, _)| *other != name).collect();
        let missing = Project::with(&gzip(&tar(&without))).refusal();
        assert!(missing.contains(&format!("has no `cifar-100-python/{name}`")), "{missing}");
        let mut twice = members();
        twice.push((name, b"".to_vec()));
        assert!(Project::with(&gzip(&tar(&twice))).refusal().contains("is in it twice"));
    }
    let mut link = tar(&members());
    let train = 512 + 512; // behind `file.txt~` and its one block
    link[train + 156] = b'2';
    link[train + 148..train + 156].fill(b' ');
    let sum: u32 = link[train..train + 512].iter().map(|byte| u32::from(*byte)).sum();
    link[train + 148..train + 156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    let refusal = Project::with(&gzip(&link)).refusal();
    assert!(refusal.contains("`cifar-100-python/train` in it is no plain file"), "{refusal}");
}

#[test]
fn other_paths_are_never_taken_for_a_member() {
    let mut members = members();
    for name in ["../cifar-100-python/train", "../../etc/passwd", "sub/train", "train/", "Train"] {
        members.insert(0, (name, b"no pickle".to_vec()));
    }
    let project = Project::with(&gzip(&tar(&members)));
    assert_eq!(project.read().unwrap().files(), Project::new().read().unwrap().files());
    let files: Vec<_> = fs::read_dir(project.dir.path()).unwrap().map(|file| file.unwrap().file_name()).collect();
    assert_eq!(files, ["cifar.tar.gz"], "nothing is unpacked to disk");
}

#[test]
fn the_size_and_digest_that_are_declared_must_fit() {
    let mut project = Project::new();
    let size = fs::metadata(project.path()).unwrap().len();
    project.spec["archive"]["size"] = json!(size + 1);
    assert!(project.refusal().contains(&format!("has {size} bytes, but {} are declared", size + 1)));
    project.spec["archive"]["size"] = json!(size);
    project.spec["archive"]["sha256"] = json!("0".repeat(64));
    let refusal = project.refusal();
    assert!(refusal.contains(&format!("but {} is declared", "0".repeat(64))), "{refusal}");
    let found = refusal.split_whitespace().find(|word| word.len() == 65).unwrap().trim_end_matches(',').to_owned();
    project.spec["archive"]["sha256"] = json!(found);
    assert!(project.read().is_ok());
    project.spec["archive"]["url"] = json!("elsewhere.tar.gz");
    assert!(project.refusal().contains("there is no archive"));
    project.spec["archive"]["url"] = json!(".");
    assert!(matches!(project.read(), Err(StagingError::Archive { .. })));
}

#[test]
fn an_archive_of_countless_files_is_refused() {
    let many: Vec<_> = (0..=MAX_MEMBERS).map(|_| ("x", vec![])).collect();
    assert!(Project::with(&gzip(&tar(&many))).refusal().contains("more than 1000 files"));
}

#[test]
fn trailing_bytes_are_refused() {
    let mut bytes = gzip(&tar(&members()));
    bytes.extend(b"more");
    assert!(Project::with(&bytes).read().is_err());
}

#[test]
fn classes_must_fit_the_archive() {
    let mut project = Project::new();
    project.spec["classes"] = json!({ "bicycle": 48, "x": 8 });
    let refusal = project.refusal();
    assert!(refusal.contains("`bicycle` has the label 8 in it, not 48"), "{refusal}");
    project.spec["classes"] = json!({ "bicycle": 8, "pears": 57 });
    let refusal = project.refusal();
    assert!(refusal.contains("its `train` has no picture of `pears` (label 57)"), "{refusal}");
    project.spec["classes"] = json!({ "cycle": 8, "motor": 48 });
    assert!(project.read().is_ok(), "names of one's own");
}

#[test]
fn names_that_could_be_no_key_are_refused() {
    let long = format!("{}.png", "a".repeat(97));
    for name in ["../a.png", "a/b.png", "a b.png", "a\tb.png", ".png", ".a.png", "a.jpg", "é.png", "a\n.png", "", &long] {
        let mut entries = TRAIN.to_vec();
        entries[1].0 = name;
        let refusal = Project::replacing("train", batch(&entries)).refusal();
        assert!(refusal.contains("row 1 of `train`"), "{name:?}: {refusal}");
        assert!(!refusal.contains(['\n', '\t']), "{refusal:?}");
    }
    let long = format!("{}.png", "a".repeat(96));
    let mut entries = TRAIN.to_vec();
    entries[1].0 = &long;
    assert!(Project::replacing("train", batch(&entries)).read().is_ok());
}

#[test]
fn a_name_that_comes_again_gets_its_row() {
    let mut entries = TRAIN.to_vec();
    entries[3].0 = "bike_s_2.png";
    let inventory = Project::replacing("train", batch(&entries)).read().unwrap();
    assert!(inventory.list(Part::Train).contains("\tbike_s_2_row3.png\n"), "{}", inventory.list(Part::Train));

    entries[0].0 = "bike_s_2_row3.png";
    assert!(Project::replacing("train", batch(&entries)).refusal().contains("`bike_s_2_row3.png` twice"));
}

#[test]
fn a_copy_must_not_take_the_name_of_a_picture() {
    let mut entries = TRAIN.to_vec();
    entries[3].0 = "bike_s_2_aug1.png";
    let mut project = Project::replacing("train", batch(&entries));
    assert!(project.read().is_ok());
    project.spec["augment"] = json!({ "copies": 1 });
    assert!(project.refusal().contains("`train/bike_s_2_aug1.png` twice"));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn what_is_cut_off_anywhere_is_refused(place in 0.0..1.0) {
        let bytes = gzip(&tar(&members()));
        let cut = (bytes.len() as f64 * place) as usize;
        prop_assert!(Project::with(&bytes[..cut]).read().is_err());
    }

    #[test]
    fn a_changed_byte_changes_no_picture_unseen(place in 0.0..1.0, flip in 1_u8..) {
        let mut bytes = gzip(&tar(&members()));
        let index = (bytes.len() as f64 * place) as usize;
        bytes[index] ^= flip;
        // Some bytes of gzip's header mean nothing here, and one text can be compressed in several ways.
        if let Ok(inventory) = Project::with(&bytes).read() {
            let expected = Project::new().read().unwrap();
            prop_assert_eq!(inventory.files(), expected.files());
        }
    }
}
