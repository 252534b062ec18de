//! Resampling with a triangle filter, as Pillow's `BILINEAR` does it: smaller pictures are averaged, not sampled.
//!
//! The arithmetic is Pillow's too (coefficients of 22 bits, rounding after each direction), so that pictures resized in a
//! notebook are the same to the last bit: <https://github.com/python-pillow/Pillow/blob/main/src/libImaging/Resample.c>.

use super::Rgb;

/// Fractional bits of a coefficient.
const PRECISION: u32 = 32 - 8 - 2;

/// Which source values make a target value.
struct Window {
    start: usize,
    weights: Vec<i64>,
}

/// Makes a picture of another size.
pub fn resize(picture: Rgb, edge: usize) -> Rgb {
    if picture.edge == edge {
        return picture;
    }
    let windows = windows(picture.edge, edge);
    let wide: Vec<Vec<[u8; 3]>> = picture
        .pixels
        .chunks_exact(picture.edge)
        .map(|row| windows.iter().map(|window| weigh(window, row.iter().skip(window.start).copied())).collect())
        .collect();
    let mut pixels = Vec::with_capacity(edge * edge);
    for window in &windows {
        for column in 0..edge {
            let values = wide.iter().skip(window.start).filter_map(|row| row.get(column)).copied();
            pixels.push(weigh(window, values));
        }
    }
    Rgb { edge, pixels }
}

fn windows(from: usize, to: usize) -> Vec<Window> {
    let scale = from as f64 / to as f64;
    let stretch = scale.max(1.0);
    let window = |index: usize| {
        let center = (index as f64 + 0.5) * scale;
        let start = ((center - stretch + 0.5) as i64).max(0) as usize;
        let end = ((center + stretch + 0.5) as usize).min(from);
        let weight = |source: usize| (1.0 - ((source as f64 - center + 0.5) * (1.0 / stretch)).abs()).max(0.0);
        let weights: Vec<f64> = (start..end).map(weight).collect();
        let sum: f64 = weights.iter().sum();
        let fixed = |weight: &f64| (0.5 + weight / sum * f64::from(1 << PRECISION)) as i64;
        Window { start, weights: weights.iter().map(fixed).collect() }
    };
    (0..to).map(window).collect()
}

fn weigh(window: &Window, values: impl Iterator<Item = [u8; 3]>) -> [u8; 3] {
    let mut sums = [1_i64 << (PRECISION - 1); 3];
    for (weight, value) in window.weights.iter().zip(values) {
        for (sum, channel) in sums.iter_mut().zip(value) {
            *sum += weight * i64::from(channel);
        }
    }
    sums.map(|sum| (sum >> PRECISION).clamp(0, 255) as u8)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A picture that has all directions and some noise.
    fn sample() -> Rgb {
        let pixels = (0..32 * 32_u32).map(|i| {
            let (x, y) = (i % 32, i / 32);
            [(x * 8) as u8, (y * 8) as u8, ((x * x + 31 * y * x + 7 * y) % 256) as u8]
        });
        Rgb { edge: 32, pixels: pixels.collect() }
    }

    #[test]
    fn its_own_size_changes_nothing() {
        assert_eq!(resize(sample(), 32), sample());
    }

    /// The sums were made with Pillow 12.3.0: `Image.fromarray(sample).resize((edge, edge), Image.Resampling.BILINEAR)`.
    #[test]
    fn agrees_with_pillow() {
        use md5::{Digest as _, Md5};
        let sum = |edge| {
            let digest = Md5::digest(resize(sample(), edge).pixels.as_flattened());
            digest.iter().map(|byte| format!("{byte:02x}")).collect::<String>()
        };
        assert_eq!([8, 24, 33, 64, 224].map(sum), PILLOW);
    }

    const PILLOW: [&str; 5] = [
        "f2ea081568155f08df76ffd7b1e0fe12",
        "8df4a56bfb5a59d57ce2eca62f5bbcfd",
        "893b199af948547c52a56b9982ad5335",
        "265b32484ea3de8fdf770d9e6b3c740c",
        "675edc0435ec96fc0708fa35f835ecb8",
    ];

    proptest! {
        #[test]
        fn a_plain_picture_stays_plain(colour in any::<[u8; 3]>(), edge in 8_usize..=256) {
            let resized = resize(Rgb { edge: 32, pixels: vec![colour; 1024] }, edge);
            prop_assert_eq!(resized.edge * resized.edge, resized.pixels.len());
            prop_assert!(resized.pixels.iter().all(|pixel| *pixel == colour));
        }
    }
}
