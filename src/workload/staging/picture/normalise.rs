//! Contrast that does not depend on the light a picture was taken in.

use super::Rgb;

/// A picture with less range than this stays as it is: what would be stretched is mostly noise.
const FLAT: u8 = 16;

/// Stretches the luma so that its 1st percentile becomes 0 and its 99th 255. All channels change alike, so grey stays grey.
pub fn stretch(picture: Rgb) -> Rgb {
    let mut lumas: Vec<u8> = picture.pixels.iter().copied().map(Rgb::luma).collect();
    lumas.sort_unstable();
    let (low, high) = (percentile(&lumas, 1), percentile(&lumas, 99));
    let range = high.saturating_sub(low);
    if range < FLAT {
        return picture;
    }
    let (low, range) = (i32::from(low), i32::from(range));
    picture.map(|value| (((i32::from(value) - low) * 255 + range / 2).div_euclid(range)).clamp(0, 255) as u8)
}

/// The smallest value that so many percent of the sorted values do not exceed (nearest rank).
fn percentile(sorted: &[u8], percent: usize) -> u8 {
    let rank = (sorted.len() * percent).div_ceil(100).saturating_sub(1);
    sorted.get(rank).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn grey(values: impl IntoIterator<Item = u8>) -> Rgb {
        Rgb { edge: 10, pixels: values.into_iter().map(|value| [value; 3]).collect() }
    }

    #[test]
    fn the_percentiles_span_the_range_and_outliers_do_not_count() {
        let values = (0..200).map(|rank| match rank {
            0 => 0,
            1..100 => 100,
            100..199 => 150,
            _ => 255,
        });
        let stretched = stretch(grey(values));
        let expected = grey((0..200).map(|rank| if rank < 100 { 0 } else { 255 }));
        assert_eq!(stretched, expected);
    }

    #[test]
    fn percentiles_are_by_nearest_rank() {
        let values: Vec<u8> = (1..=200).collect();
        assert_eq!((percentile(&values, 1), percentile(&values, 99)), (2, 198));
    }

    #[test]
    fn channels_change_alike() {
        let mut picture = grey((0..100).map(|value| 50 + value));
        picture.pixels[50] = [120, 100, 80];
        let [red, green, blue] = stretch(picture).pixels[50];
        assert_eq!((red - green, green - blue), (52, 52), "20 levels times 255 / 98");
    }

    #[test]
    fn a_flat_picture_stays() {
        let flat = grey((0..100).map(|i| 100 + i % 15));
        assert_eq!(stretch(flat.clone()), flat);
    }

    proptest! {
        #[test]
        fn keeps_the_order_of_values_and_widens_them(values in prop::collection::vec(any::<u8>(), 100)) {
            let stretched = stretch(grey(values.clone()));
            let mut pairs: Vec<_> = values.into_iter().zip(stretched.pixels.iter().map(|pixel| pixel[0])).collect();
            pairs.sort_unstable();
            prop_assert!(pairs.is_sorted_by_key(|pair| pair.1));
        }
    }
}
