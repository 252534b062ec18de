//! What is measured of one encoded picture.

use std::io::Cursor;

use png::{ColorType, Decoder, Limits, Transformations};

use crate::statistics::Luma;

/// A picture of more pixels is not decoded: 2048 × 2048.
pub const MAX_PIXELS: u64 = 4 * 1024 * 1024;

/// What the decoder may allocate: the pixels with 16 bits for each of four channels, and as much again.
const DECODER: Limits = Limits { bytes: 64 * 1024 * 1024 };

/// What is measured of a picture.
#[derive(Debug, Clone, PartialEq)]
pub struct Picture {
    /// The size of the encoded picture.
    pub bytes: u64,
    /// What it looks like, or why that is not known.
    pub looks: Result<Looks, Unmeasured>,
}

/// What a decoded picture looks like.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Looks {
    /// The mean luma, from 0 to 1.
    pub brightness: f64,
    /// The variance of the Laplacian; nothing for a picture of less than 3 × 3 pixels.
    pub sharpness: Option<f64>,
}

/// Why a picture was not measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unmeasured {
    /// A JPEG: only PNG is decoded.
    Jpeg,
    /// Neither PNG nor JPEG by its first bytes.
    Unknown,
    /// More than [`MAX_PIXELS`].
    TooLarge,
    /// A PNG that does not decode.
    Broken,
}

impl Picture {
    /// Measures an encoded picture.
    pub fn measure(encoded: &[u8]) -> Self {
        Self { bytes: encoded.len() as u64, looks: looks(encoded) }
    }

    /// From what is decoded already; nothing if `rgb` does not hold `width` × `height` pixels of 8-bit RGB.
    pub fn of_rgb(width: usize, height: usize, rgb: &[u8], encoded_bytes: u64) -> Option<Self> {
        Luma::from_rgb(width, height, rgb).map(|luma| Self { bytes: encoded_bytes, looks: Ok(Looks::of(&luma)) })
    }
}

impl Looks {
    fn of(luma: &Luma) -> Self {
        Self { brightness: luma.brightness(), sharpness: luma.sharpness() }
    }
}

fn looks(encoded: &[u8]) -> Result<Looks, Unmeasured> {
    if encoded.starts_with(b"\xff\xd8\xff") {
        return Err(Unmeasured::Jpeg);
    }
    if !encoded.starts_with(b"\x89PNG\r\n\x1a\n") {
        return Err(Unmeasured::Unknown);
    }
    let mut decoder = Decoder::new_with_limits(Cursor::new(encoded), DECODER);
    // Palettes and bit depths become 8-bit channels. Transparency is left out: a pixel's own colour counts.
    decoder.set_transformations(Transformations::EXPAND | Transformations::STRIP_16);
    decoder.set_ignore_text_chunk(true);
    decoder.set_ignore_iccp_chunk(true);
    let header = decoder.read_header_info().map_err(|_| Unmeasured::Broken)?;
    let (width, height) = (header.width, header.height);
    if u64::from(width) * u64::from(height) > MAX_PIXELS {
        return Err(Unmeasured::TooLarge);
    }
    let mut reader = decoder.read_info().map_err(|_| Unmeasured::Broken)?;
    let mut pixels = vec![0; reader.output_buffer_size().ok_or(Unmeasured::TooLarge)?];
    let frame = reader.next_frame(&mut pixels).map_err(|_| Unmeasured::Broken)?;
    pixels.truncate(frame.buffer_size());
    let rgb = rgb(pixels, frame.color_type);
    let luma = Luma::from_rgb(frame.width as usize, frame.height as usize, &rgb).ok_or(Unmeasured::Broken)?;
    Ok(Looks::of(&luma))
}

/// Three channels of what the decoder gave.
fn rgb(pixels: Vec<u8>, color: ColorType) -> Vec<u8> {
    let grey = |channels: usize| pixels.chunks_exact(channels).flat_map(|pixel| [pixel[0]; 3]).collect();
    match color {
        ColorType::Rgba => pixels.chunks_exact(4).flat_map(|pixel| [pixel[0], pixel[1], pixel[2]]).collect(),
        ColorType::Grayscale => grey(1),
        ColorType::GrayscaleAlpha => grey(2),
        ColorType::Rgb | ColorType::Indexed => pixels,
    }
}

#[cfg(test)]
pub mod tests {
    use png::{BitDepth, Encoder};
    use proptest::prelude::*;

    use super::*;

    /// A PNG of `width` × `height` pixels whose samples are `sample(index)`.
    pub fn png(width: u32, height: u32, color: ColorType, depth: BitDepth, sample: impl Fn(usize) -> u8) -> Vec<u8> {
        let mut file = vec![];
        let mut encoder = Encoder::new(&mut file, width, height);
        encoder.set_color(color);
        encoder.set_depth(depth);
        if color == ColorType::Indexed {
            encoder.set_palette(vec![0, 0, 0, 255, 255, 255]);
        }
        let row = (width as usize * color.samples() * (depth as usize)).div_ceil(8);
        let data: Vec<u8> = (0..row * height as usize).map(sample).collect();
        let mut writer = encoder.write_header().unwrap();
        writer.write_image_data(&data).unwrap();
        writer.finish().unwrap();
        file
    }

    /// A picture of one grey.
    pub fn grey(value: u8) -> Vec<u8> {
        png(8, 8, ColorType::Rgb, BitDepth::Eight, |_| value)
    }

    fn brightness(file: &[u8]) -> f64 {
        Picture::measure(file).looks.unwrap().brightness
    }

    #[test]
    fn every_kind_of_png_is_measured() {
        use BitDepth::{Eight, One, Sixteen};
        use ColorType::{Grayscale, GrayscaleAlpha, Indexed, Rgb, Rgba};
        for (color, depth) in
            [(Rgb, Eight), (Rgb, Sixteen), (Rgba, Eight), (Grayscale, Eight), (Grayscale, Sixteen), (GrayscaleAlpha, Eight)]
        {
            let file = png(5, 4, color, depth, |_| 51);
            assert!((brightness(&file) - 0.2).abs() < 1e-9, "{color:?} {depth:?}");
        }
        for color in [Indexed, Grayscale] {
            let half = png(8, 8, color, One, |_| 0b0101_0101);
            assert!((brightness(&half) - 0.5).abs() < 1e-9, "{color:?}");
        }
        let red = png(3, 3, Rgb, Eight, |at| if at % 3 == 0 { 255 } else { 0 });
        assert!((brightness(&red) - 0.299).abs() < 1e-9);
    }

    #[test]
    fn a_picture_is_measured_the_same_before_and_after_encoding() {
        let rgb: Vec<u8> = (0..32 * 32 * 3).map(|at| (at * 7 % 251) as u8).collect();
        let file = png(32, 32, ColorType::Rgb, BitDepth::Eight, |at| rgb[at]);
        assert_eq!(Picture::of_rgb(32, 32, &rgb, file.len() as u64), Some(Picture::measure(&file)));
        assert_eq!(Picture::of_rgb(32, 31, &rgb, 1), None);
    }

    #[test]
    fn what_is_not_measured_says_why_and_still_has_a_size() {
        let mut bomb = grey(0);
        bomb[16..24].copy_from_slice(&[0, 0, 0xff, 0xff, 0, 0, 0xff, 0xff]);
        // The header's checksum, which the decoder tests before its limits.
        let sum = crc32(&bomb[12..29]);
        bomb[29..33].copy_from_slice(&sum.to_be_bytes());
        let half = grey(9);
        for (file, why) in [
            (&b"\xff\xd8\xff\xe0\0\x10JFIF"[..], Unmeasured::Jpeg),
            (b"GIF89a", Unmeasured::Unknown),
            (b"", Unmeasured::Unknown),
            (b"\x89PNG\r\n\x1a\n", Unmeasured::Broken),
            (&half[..half.len() / 2], Unmeasured::Broken),
            (&bomb, Unmeasured::TooLarge),
        ] {
            assert_eq!(Picture::measure(file), Picture { bytes: file.len() as u64, looks: Err(why) });
        }
    }

    fn crc32(bytes: &[u8]) -> u32 {
        !bytes.iter().fold(!0u32, |sum, byte| {
            (0..8).fold(sum ^ u32::from(*byte), |sum, _| if sum & 1 == 1 { (sum >> 1) ^ 0xedb8_8320 } else { sum >> 1 })
        })
    }

    proptest! {
        #[test]
        fn a_damaged_png_never_panics(at in 8usize..200, byte in any::<u8>(), keep in 8usize..400) {
            let mut file = png(9, 7, ColorType::Rgba, BitDepth::Eight, |at| at as u8);
            let at = at % file.len();
            file[at] = byte;
            file.truncate(keep);
            let _ = Picture::measure(&file);
        }
    }
}
