//! Further copies of a training picture: mirrored, moved, brighter, with more contrast.

use sha2::{Digest as _, Sha256};

use super::super::spec::Augment;
use super::Rgb;

/// What happens to one copy.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Change {
    mirror: bool,
    /// To the right and down, in pixels.
    shift: (i32, i32),
    /// Added to each value.
    brightness: f64,
    /// Each value's distance from the picture's mean is multiplied by it.
    contrast: f64,
}

impl Change {
    /// Draws a change. It depends on nothing but the arguments, so neither on the order of pictures nor on a generator's
    /// version: the random numbers are the digits of a SHA-256.
    pub fn draw(augment: &Augment, name: &str, copy: u32) -> Self {
        let mut hash = Sha256::new();
        hash.update(augment.seed.to_le_bytes());
        hash.update(copy.to_le_bytes());
        hash.update(name.as_bytes());
        let digest: [u8; 32] = hash.finalize().into();
        let (words, _) = digest.as_chunks::<4>();
        let mut words = words.iter().map(|word| u32::from_le_bytes(*word));
        let mut next = || words.next().unwrap_or_default();
        let mirror = augment.flip && next() & 1 == 1;
        let shift = augment.shift.get();
        let mut pixels = || {
            let choices = u64::from(2 * shift + 1);
            ((u64::from(next()) * choices) >> 32) as i32 - shift as i32
        };
        let shift = (pixels(), pixels());
        let mut signed = || f64::from(next()) / f64::from(u32::MAX) * 2.0 - 1.0;
        let brightness = signed() * augment.brightness.get() * 255.0;
        let contrast = 1.0 + signed() * augment.contrast.get();
        Self { mirror, shift, brightness, contrast }
    }

    /// Makes the copy.
    pub fn apply(&self, picture: &Rgb) -> Rgb {
        let moved = self.moved(picture);
        let sum: u64 = moved.pixels.as_flattened().iter().map(|value| u64::from(*value)).sum();
        let mean = sum as f64 / moved.pixels.as_flattened().len().max(1) as f64;
        moved.map(|value| {
            let value = (f64::from(value) - mean) * self.contrast + mean + self.brightness;
            value.round().clamp(0.0, 255.0) as u8
        })
    }

    fn moved(&self, picture: &Rgb) -> Rgb {
        let edge = picture.edge as i32;
        let source = |position: i32, shift: i32| (position - shift).clamp(0, edge - 1);
        let mut pixels = Vec::with_capacity(picture.pixels.len());
        for y in 0..edge {
            for x in 0..edge {
                let x = if self.mirror { edge - 1 - x } else { x };
                let index = source(y, self.shift.1) * edge + source(x, self.shift.0);
                pixels.push(picture.pixels.get(index as usize).copied().unwrap_or_default());
            }
        }
        Rgb { edge: picture.edge, pixels }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn augment(seed: u64) -> Augment {
        let json = json!({ "copies": 1, "flip": true, "shift": 2, "brightness": 0.1, "contrast": 0.2, "seed": seed });
        serde_json::from_value(json).unwrap()
    }

    fn sample() -> Rgb {
        Rgb { edge: 8, pixels: (0..64_u8).map(|value| [value, value + 64, value + 128]).collect() }
    }

    const NOTHING: Change = Change { mirror: false, shift: (0, 0), brightness: 0.0, contrast: 1.0 };

    #[test]
    fn each_change_does_what_it_says() {
        assert_eq!(NOTHING.apply(&sample()), sample());
        let row = |picture: &Rgb| picture.pixels[..8].iter().map(|pixel| pixel[0]).collect::<Vec<_>>();
        let mirrored = Change { mirror: true, ..NOTHING }.apply(&sample());
        assert_eq!(row(&mirrored), [7, 6, 5, 4, 3, 2, 1, 0]);
        let moved = Change { shift: (2, 1), ..NOTHING }.apply(&sample());
        assert_eq!(row(&moved), [0, 0, 0, 1, 2, 3, 4, 5], "two to the right, the edge repeated");
        assert_eq!(moved.pixels[8..16], moved.pixels[..8], "one down, the edge repeated");
        let brighter = Change { brightness: 70.4, ..NOTHING }.apply(&sample());
        assert_eq!(brighter.pixels[1], [71, 135, 199]);
        assert_eq!(brighter.pixels[63], [133, 197, 255]);
        let contrast = Change { contrast: 2.0, ..NOTHING }.apply(&sample());
        assert_eq!(contrast.pixels[63], [31, 159, 255], "twice as far from the mean, 95.5");
    }

    #[test]
    fn a_draw_repeats_and_differs_by_seed_name_and_copy() {
        let draw = |seed, name, copy| Change::draw(&augment(seed), name, copy);
        assert_eq!(draw(1, "a.png", 1), draw(1, "a.png", 1));
        assert_ne!(draw(1, "a.png", 1), draw(2, "a.png", 1));
        assert_ne!(draw(1, "a.png", 1), draw(1, "b.png", 1));
        assert_ne!(draw(1, "a.png", 1), draw(1, "a.png", 2));
    }

    /// Pictures that were staged must not change by an update of this program.
    #[test]
    fn draws_are_pinned() {
        // Worked out with Python's hashlib.
        let change = Change::draw(&augment(42), "bike_s_000658.png", 1);
        assert_eq!((change.mirror, change.shift), (false, (2, -1)));
    }

    proptest! {
        #[test]
        fn a_draw_keeps_its_bounds(seed: u64, name in "[a-z]{1,9}", copy in 1_u32..16) {
            let change = Change::draw(&augment(seed), &name, copy);
            prop_assert!(change.shift.0.abs() <= 2 && change.shift.1.abs() <= 2);
            prop_assert!(change.brightness.abs() <= 25.5 && (0.8..=1.2).contains(&change.contrast));
        }
    }

    #[test]
    fn all_shifts_and_both_sides_occur() {
        let draws: Vec<Change> = (0..200).map(|copy| Change::draw(&augment(7), "a.png", copy)).collect();
        for shift in -2..=2 {
            assert!(draws.iter().any(|change| change.shift.0 == shift) && draws.iter().any(|change| change.shift.1 == shift));
        }
        let mirrored = draws.iter().filter(|change| change.mirror).count();
        assert!((70..130).contains(&mirrored), "{mirrored} of 200");
    }
}
