//! The statistics agree with numpy. `statistics.py` writes the numbers.

use drift_monitor::statistics::{Histogram, Luma};
use serde::Deserialize;

#[derive(Deserialize)]
struct Fixture {
    compared: Vec<Compared>,
    measured: Vec<Measured>,
}

#[derive(Deserialize)]
struct Compared {
    edges: String,
    expected: Vec<f64>,
    actual: Vec<f64>,
    expected_counts: Vec<u64>,
    actual_counts: Vec<u64>,
    psi: f64,
}

#[derive(Deserialize)]
struct Measured {
    width: usize,
    height: usize,
    rgb: Vec<u8>,
    brightness: f64,
    sharpness: f64,
}

fn fixture() -> Fixture {
    serde_json::from_str(include_str!("fixtures/statistics.json")).unwrap()
}

/// To 1e-9, of the number itself where it is large.
fn assert_near(found: f64, wanted: f64) {
    assert!((found - wanted).abs() <= 1e-9 * wanted.abs().max(1.0), "{found} is not {wanted}");
}

#[test]
fn histograms_and_psi_are_those_of_numpy() {
    let compared = fixture().compared;
    assert!(compared.len() >= 9);
    for one in compared {
        let mut expected = match one.edges.as_str() {
            "shares" => Histogram::of_shares(),
            "sharpness" => Histogram::of_sharpness(),
            "bytes" => Histogram::of_bytes(),
            other => panic!("{other}"),
        };
        let mut actual = expected.emptied();
        one.expected.iter().for_each(|value| expected.add(*value));
        one.actual.iter().for_each(|value| actual.add(*value));
        assert_eq!(expected.counts(), one.expected_counts);
        assert_eq!(actual.counts(), one.actual_counts);
        assert_near(expected.psi(&actual).unwrap(), one.psi);
    }
}

#[test]
fn brightness_and_sharpness_are_those_of_numpy() {
    let measured = fixture().measured;
    assert!(measured.len() >= 5);
    for one in measured {
        let luma = Luma::from_rgb(one.width, one.height, &one.rgb).unwrap();
        assert_near(luma.brightness(), one.brightness);
        assert_near(luma.sharpness().unwrap(), one.sharpness);
    }
}
