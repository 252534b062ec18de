//! PNG files: the same bytes for the same pixels.

use png::{BitDepth, ColorType, Compression, Encoder, EncodingError};

use super::Rgb;

impl Rgb {
    /// Encodes the picture as PNG, without a time or other text in it.
    ///
    /// # Errors
    /// None for pictures made here; the encoder's, were one of another size than it says.
    pub(in super::super) fn to_png(&self) -> Result<Vec<u8>, EncodingError> {
        let edge = u32::try_from(self.edge).unwrap_or(u32::MAX);
        let mut bytes = vec![];
        let mut encoder = Encoder::new(&mut bytes, edge, edge);
        encoder.set_color(ColorType::Rgb);
        encoder.set_depth(BitDepth::Eight);
        encoder.set_compression(Compression::Balanced);
        let mut writer = encoder.write_header()?;
        writer.write_image_data(self.pixels.as_flattened())?;
        writer.finish()?;
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_decoded_is_what_was_encoded(edge in 8_usize..40, seed in any::<u32>()) {
            let noise = |index: usize| (index as u32).wrapping_mul(2_654_435_761).wrapping_add(seed).to_be_bytes();
            let pixels: Vec<[u8; 3]> = (0..edge * edge).map(|index| { let [a, b, c, _] = noise(index); [a, b, c] }).collect();
            let picture = Rgb { edge, pixels };
            let file = picture.to_png().unwrap();
            prop_assert_eq!(&file, &picture.clone().to_png().unwrap());

            let mut reader = png::Decoder::new(Cursor::new(&file)).read_info().unwrap();
            let mut decoded = vec![0; reader.output_buffer_size().unwrap()];
            let info = reader.next_frame(&mut decoded).unwrap();
            prop_assert_eq!((info.width as usize, info.height as usize, info.color_type), (edge, edge, ColorType::Rgb));
            prop_assert_eq!(&decoded, picture.pixels.as_flattened());
        }
    }
}
