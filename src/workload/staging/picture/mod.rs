//! Pictures in memory: what is done to their pixels, and their form as PNG files. Nothing here knows files or AWS.

mod augment;
mod normalise;
mod png;
mod resize;

pub use augment::Change;

use super::pickle::Row;
use super::spec::{Normalise, Staging};

/// Pixels per edge of CIFAR's pictures.
const CIFAR: usize = 32;

/// A square picture of eight bits per channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rgb {
    edge: usize,
    pixels: Vec<[u8; 3]>,
}

impl Rgb {
    /// Makes a picture of CIFAR's three planes: all red values, all green ones, all blue ones, each row by row.
    pub(super) fn from_planes(planes: &Row) -> Self {
        let (red, rest) = planes.split_at(CIFAR * CIFAR);
        let (green, blue) = rest.split_at(CIFAR * CIFAR);
        let pixels = red.iter().zip(green).zip(blue).map(|((red, green), blue)| [*red, *green, *blue]).collect();
        Self { edge: CIFAR, pixels }
    }

    /// Returns the pixels per edge.
    pub fn edge(&self) -> usize {
        self.edge
    }

    /// Returns the pixels (red, green, blue), row by row.
    pub fn pixels(&self) -> &[[u8; 3]] {
        &self.pixels
    }

    /// Makes the picture that is staged: resampled, then normalised.
    pub(super) fn prepared(self, spec: &Staging) -> Self {
        let picture = resize::resize(self, spec.size.get() as usize);
        match spec.normalise {
            Normalise::None => picture,
            Normalise::Contrast => normalise::stretch(picture),
        }
    }

    /// The brightness of a pixel, 0 to 255, by the weights of Rec. 601.
    fn luma([red, green, blue]: [u8; 3]) -> u8 {
        // 19595 + 38470 + 7471 = 65536, so white stays 255.
        let sum = 19595 * u32::from(red) + 38470 * u32::from(green) + 7471 * u32::from(blue) + 32768;
        (sum >> 16) as u8
    }

    /// Changes each value of each channel.
    fn map(mut self, change: impl Fn(u8) -> u8) -> Self {
        let table: [u8; 256] = std::array::from_fn(|value| change(value as u8));
        for value in self.pixels.iter_mut().flatten() {
            *value = table.get(usize::from(*value)).copied().unwrap_or_default();
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn planes_become_pixels() {
        let mut planes = [0; 3072];
        (planes[0], planes[1024], planes[2048]) = (1, 2, 3);
        (planes[33], planes[1023], planes[3071]) = (4, 5, 6);
        let picture = Rgb::from_planes(&planes);
        assert_eq!(picture.edge(), 32);
        assert_eq!(picture.pixels()[0], [1, 2, 3]);
        assert_eq!(picture.pixels()[33], [4, 0, 0], "second column of the second row");
        assert_eq!(picture.pixels()[1023], [5, 0, 6]);
    }

    #[test]
    fn luma_keeps_black_white_and_order() {
        assert_eq!((Rgb::luma([0; 3]), Rgb::luma([255; 3])), (0, 255));
        assert_eq!([[255, 0, 0], [0, 255, 0], [0, 0, 255]].map(Rgb::luma), [76, 150, 29], "0.299, 0.587, 0.114");
    }
}
