//! The pictures that are staged.

use std::fs::{self, File};
use std::io::{BufReader, Cursor};
use std::path::PathBuf;

use serde_json::json;

use super::*;
use crate::workload::staging::pickle::Row;
use crate::workload::staging::{Part, Rgb};

fn files(project: &Project) -> Vec<(String, Vec<u8>)> {
    let mut files = vec![];
    let inventory = project.read().unwrap();
    inventory
        .render(
            |_| true,
            |file, png| {
                files.push((file.key.clone(), png));
                Ok(())
            },
        )
        .unwrap();
    files.sort();
    files
}

fn decoded(png: impl std::io::BufRead + std::io::Seek) -> (u32, Vec<u8>) {
    let mut decoder = png::Decoder::new(png);
    decoder.set_transformations(png::Transformations::normalize_to_color8());
    let mut reader = decoder.read_info().unwrap();
    assert_eq!(reader.output_color_type(), (png::ColorType::Rgb, png::BitDepth::Eight));
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut pixels).unwrap();
    (info.width, pixels)
}

#[test]
fn pixels_come_out_as_they_went_in() {
    let files = files(&Project::new());
    let (_, png) = files.iter().find(|(key, _)| key == "train/bike_s_1.png").unwrap();
    let row: Row = pixels(3).try_into().unwrap();
    assert_eq!(decoded(Cursor::new(png)), (32, Rgb::from_planes(&row).pixels().as_flattened().to_vec()));
}

#[test]
fn copies_are_made_of_training_pictures_only_and_repeat() {
    let mut project = Project::new();
    project.spec["size"] = json!(24);
    project.spec["augment"] = json!({ "copies": 2, "flip": true, "shift": 2, "brightness": 0.1, "contrast": 0.1, "seed": 42 });
    let first = files(&project);
    assert_eq!(first, files(&project));
    let keys: Vec<_> =
        first.iter().map(|(key, _)| key.as_str()).filter(|key| key.contains("_1") || key.starts_with("test")).collect();
    let expected = [
        "test/bike_s_9.png",
        "test/moto_s_9.png",
        "train/bike_s_1.png",
        "train/bike_s_1_aug1.png",
        "train/bike_s_1_aug2.png",
        "train/moto_s_1.png",
        "train/moto_s_1_aug1.png",
        "train/moto_s_1_aug2.png",
    ];
    assert_eq!(keys, expected);
    assert!(first.iter().all(|(_, png)| decoded(Cursor::new(png)).0 == 24));
    assert_eq!(project.read().unwrap().list(Part::Train).lines().count(), 12);

    project.spec["augment"]["seed"] = json!(43);
    let other = files(&project);
    let differing: Vec<_> = first.iter().zip(&other).filter(|(a, b)| a != b).map(|(a, _)| &a.0).collect();
    assert!(!differing.is_empty() && differing.iter().all(|key| key.contains("_aug")), "{differing:?}");
}

/// Rows in another order must not make other copies.
#[test]
fn copies_do_not_depend_on_the_order_of_rows() {
    let mut project = Project::new();
    project.spec["augment"] = json!({ "copies": 1, "shift": 3, "brightness": 0.2, "seed": 1 });
    let mut parts = batch_parts(&TRAIN);
    let mut entries = TRAIN.to_vec();
    entries.reverse();
    let data: Vec<u8> = (0..5).rev().flat_map(pixels).collect();
    let turned = batch_parts(&entries);
    parts.clear();
    parts.extend(turned.into_iter().map(|(key, value)| if key == "data" { (key, array(&data)) } else { (key, value) }));
    let mut other = Project::replacing("train", pickle(&dict(parts)));
    other.spec = project.spec.clone();
    assert_eq!(files(&project), files(&other));
}

#[test]
fn the_summary_sees_each_training_picture_once() {
    let mut project = Project::new();
    project.spec["augment"] = json!({ "copies": 3, "shift": 1 });
    let archive = open(project.dir.path(), &project.spec().archive).unwrap();
    let mut seen = vec![];
    let inventory = read(archive, &project.spec(), &mut |one| seen.push((one.class, one.picture.edge(), one.bytes)), &|_, _| {});
    assert_eq!(seen.iter().map(|one| (one.0, one.1)).collect::<Vec<_>>(), [(1, 32), (0, 32), (0, 32), (1, 32)]);
    let first = inventory.unwrap().files().iter().find(|file| file.key == "train/moto_s_1.png").unwrap().size;
    assert_eq!(seen[0].2 as u64, first);
}

/// Real pictures of CIFAR-100, from the package foolbox: `tests/fixtures/staging/real.py DIR` writes the archive and the
/// PNG files it was made of. Run with `SCONES_REAL_CIFAR=DIR cargo test real_pictures -- --ignored`.
#[test]
#[ignore = "needs a folder made by real.py"]
fn real_pictures_are_decoded_exactly() {
    let dir = PathBuf::from(std::env::var_os("SCONES_REAL_CIFAR").expect("SCONES_REAL_CIFAR names the folder"));
    let spec: Json = serde_json::from_slice(&fs::read(dir.join("classes.json")).unwrap()).unwrap();
    for name in ["python2.tar.gz", "protocol2.tar.gz", "protocol4.tar.gz", "protocol5.tar.gz"] {
        let mut project = Project::with(&fs::read(dir.join(name)).unwrap());
        project.spec["classes"] = spec.clone();
        let staged = files(&project);
        assert_eq!(staged.len(), 40, "20 pictures, each in both parts");
        for (key, png) in staged {
            let file = key.split_once('/').unwrap().1;
            let original = decoded(BufReader::new(File::open(dir.join("pictures").join(file)).unwrap()));
            assert_eq!(decoded(Cursor::new(png)), original, "{name}: {key}");
        }
    }
}
