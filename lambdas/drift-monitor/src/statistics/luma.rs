//! The brightness and the sharpness of a picture.

/// The luma of a picture, each pixel from 0 to 255.
#[derive(Debug, Clone, PartialEq)]
pub struct Luma {
    width: usize,
    pixels: Vec<f64>,
}

impl Luma {
    /// From rows of interleaved 8-bit RGB, by Rec. 601: 0.299 R + 0.587 G + 0.114 B. Nothing if `rgb` does not hold
    /// `width` × `height` pixels, at least one.
    pub fn from_rgb(width: usize, height: usize, rgb: &[u8]) -> Option<Self> {
        let pixels = width.checked_mul(height).filter(|pixels| *pixels > 0)?;
        if pixels.checked_mul(3) != Some(rgb.len()) {
            return None;
        }
        let luma = |pixel: &[u8]| 0.299 * f64::from(pixel[0]) + 0.587 * f64::from(pixel[1]) + 0.114 * f64::from(pixel[2]);
        Some(Self { width, pixels: rgb.chunks_exact(3).map(luma).collect() })
    }

    /// The mean luma, from 0 (black) to 1 (white).
    pub fn brightness(&self) -> f64 {
        mean(self.pixels.iter().copied()) / 255.0
    }

    /// The variance of the Laplacian (the kernel of four neighbours) over the pixels that have all four: small for a
    /// blurred picture. Nothing for a picture of less than 3 × 3 pixels.
    pub fn sharpness(&self) -> Option<f64> {
        if self.width < 3 || self.pixels.len() < 3 * self.width {
            return None;
        }
        let mean = mean(self.laplacian());
        Some(self::mean(self.laplacian().map(|value| (value - mean).powi(2))))
    }

    fn laplacian(&self) -> impl Iterator<Item = f64> {
        let rows = self.pixels.chunks_exact(self.width);
        let triples = rows.clone().zip(rows.clone().skip(1)).zip(rows.skip(2));
        triples.flat_map(|((above, row), below)| {
            let neighbours = row.windows(3).zip(&above[1..]).zip(&below[1..]);
            neighbours.map(|((row, above), below)| row[0] + row[2] + above + below - 4.0 * row[1])
        })
    }
}

/// The mean of values, 0 if there are none.
fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (sum, count) = values.fold((0.0, 0u64), |(sum, count), value| (sum + value, count + 1));
    if count == 0 { 0.0 } else { sum / count as f64 }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_flat_picture_has_no_sharpness_and_a_small_one_none_to_tell() {
        let grey = Luma::from_rgb(4, 3, &[51; 36]).unwrap();
        assert!((grey.brightness() - 0.2).abs() < 1e-12);
        assert!(grey.sharpness().unwrap() < 1e-20);
        assert_eq!(Luma::from_rgb(2, 3, &[0; 18]).unwrap().sharpness(), None);
        assert_eq!(Luma::from_rgb(3, 2, &[0; 18]).unwrap().sharpness(), None);
        assert_eq!(Luma::from_rgb(0, 3, &[]), None);
        assert_eq!(Luma::from_rgb(1, 1, &[0; 4]), None);
        assert_eq!(Luma::from_rgb(usize::MAX, 2, &[]), None);
    }

    #[test]
    fn the_laplacian_by_hand() {
        // 4 × 3: one white pixel among the two that have four neighbours. Its Laplacian is −1020, the other's is 255.
        let mut rgb = [0; 36];
        rgb[15..18].fill(255);
        let sharpness = Luma::from_rgb(4, 3, &rgb).unwrap().sharpness().unwrap();
        assert!((sharpness - 637.5f64.powi(2)).abs() < 1e-6, "{sharpness}");
    }

    proptest! {
        #[test]
        fn brightness_is_a_share_and_sharpness_is_finite(width in 1usize..20, height in 1usize..20, seed in any::<u8>()) {
            let rgb: Vec<u8> = (0..width * height * 3).map(|at| (at as u8).wrapping_mul(seed)).collect();
            let luma = Luma::from_rgb(width, height, &rgb).unwrap();
            prop_assert!((0.0..=1.0).contains(&luma.brightness()));
            prop_assert_eq!(luma.sharpness().is_some(), width >= 3 && height >= 3);
            prop_assert!(luma.sharpness().is_none_or(|value| value.is_finite() && value >= 0.0));
        }
    }
}
