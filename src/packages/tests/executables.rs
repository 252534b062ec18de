//! The check of executables, on real ones, on broken ones and on noise.

use std::sync::LazyLock;

use proptest::prelude::*;

use super::super::elf::{ElfProblem, GlibcVersion, check};
use super::*;

/// A small real executable of this host.
static TRUE: LazyLock<Vec<u8>> = LazyLock::new(|| fs::read("/bin/true").unwrap_or_default());

const HOST: Architecture = if cfg!(target_arch = "aarch64") { Architecture::Arm64 } else { Architecture::X86_64 };
const OTHER: Architecture = if cfg!(target_arch = "aarch64") { Architecture::X86_64 } else { Architecture::Arm64 };

/// Gives the versions of the C library that a file needs other names of the same length.
fn rename(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    let mut at = 0;
    while let Some(found) = bytes[at..].windows(from.len()).position(|part| part == from) {
        at += found;
        bytes[at..at + to.len()].copy_from_slice(to);
        at += to.len();
    }
    bytes
}

#[cfg(target_os = "linux")]
#[test]
fn takes_this_very_executable() {
    let bytes = fs::read("/proc/self/exe").unwrap();
    // On a host with a newer C library, what it needs is told.
    assert!(matches!(check(&bytes, HOST), Ok(()) | Err(ElfProblem::Glibc(_))));
    assert!(matches!(check(&bytes, OTHER), Err(ElfProblem::Machine { .. })));
}

#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[test]
fn names_the_versions_that_amazon_linux_lacks() {
    let needs_34 = rename(&TRUE, b"GLIBC_2.34\0", b"GLIBC_2.34\0");
    assert!(!matches!(check(&needs_34, HOST), Err(ElfProblem::Damaged(_))));
    for newer in ["GLIBC_2.35", "GLIBC_2.99", "GLIBC_3.00", "GLIBC_PRIV", "GLIBC_ABI_"] {
        let bytes = rename(&TRUE, b"GLIBC_2.34\0", format!("{newer}\0").as_bytes());
        let Err(ElfProblem::Glibc(found)) = check(&bytes, HOST) else { panic!("{newer} was not found") };
        assert!(found.iter().any(|line| line.starts_with(newer) && line.contains("(for ")), "{found:?}");
    }
    let text = ElfProblem::Glibc(vec!["GLIBC_2.38".to_owned()]).to_string();
    assert!(text.contains("GLIBC_2.38") && text.contains("cargo-zigbuild") && text.contains("2.34 or"), "{text}");
}

#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[test]
fn refuses_another_loader() {
    let bytes = rename(&TRUE, b"/ld-linux", b"/ld-other");
    assert!(matches!(check(&bytes, HOST), Err(ElfProblem::Loader { .. })));
}

#[test]
fn refuses_what_is_no_executable() {
    for bytes in [&b""[..], b"#!/bin/sh\n", b"\x7fELF", b"\xcf\xfa\xed\xfe\x0c\0\0\x01", b"PK\x03\x04"] {
        assert!(matches!(check(bytes, HOST), Err(ElfProblem::NotElf(_))));
    }
    // 32 bit, and an object file.
    for (at, value) in [(4, 1), (16, 1)] {
        let mut bytes = TRUE.clone();
        if let Some(byte) = bytes.get_mut(at) {
            *byte = value;
        }
        assert!(matches!(check(&bytes, HOST), Err(ElfProblem::NotElf(_))));
    }
}

#[test]
fn compares_versions_of_the_c_library() {
    let parse = GlibcVersion::parse;
    assert!(parse("GLIBC_2.4") < parse("GLIBC_2.34"));
    assert!(parse("GLIBC_2.2.5") < parse("GLIBC_2.34"));
    assert!(parse("GLIBC_2.34") == Some(super::super::GLIBC_OF_AMAZON_LINUX_2023));
    assert!(parse("GLIBC_2.34.1") > parse("GLIBC_2.34"));
    assert!(parse("GLIBC_10.0") > parse("GLIBC_2.99"));
    let shown: Vec<_> = ["GLIBC_2.2.5", "GLIBC_2.34"].into_iter().filter_map(parse).collect();
    assert_eq!(shown.iter().map(ToString::to_string).collect::<Vec<_>>(), ["2.2.5", "2.34"]);
    for text in ["", "GLIBC_", "GLIBC_2", "GLIBC_2.", "GLIBC_2.3.4.5", "GLIBC_2.+3", "GLIBC_PRIVATE"] {
        assert_eq!(parse(text), None, "{text}");
    }
    for text in ["GCC_3.0", "2.34", "GLIBC_99999999999.1", "GLIBC_2.3x", "GLIBC_ABI_DT_RELR"] {
        assert_eq!(parse(text), None, "{text}");
    }
}

proptest! {
    #[test]
    fn noise_is_an_error(bytes in prop::collection::vec(any::<u8>(), 0..4096)) {
        prop_assert!(check(&bytes, HOST).is_err());
    }

    #[test]
    fn noise_behind_a_header_does_not_panic(bytes in prop::collection::vec(any::<u8>(), 0..4096)) {
        let header: Vec<u8> = TRUE.iter().take(64).copied().collect();
        let _ = check(&[header, bytes].concat(), HOST);
    }

    #[test]
    fn a_cut_file_is_an_error(part in 0.0..1.0_f64) {
        let end = (TRUE.len() as f64 * part) as usize;
        prop_assert!(check(&TRUE[..end], HOST).is_err());
    }

    #[test]
    fn a_damaged_file_does_not_panic(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..400),
    ) {
        let mut bytes = TRUE.clone();
        for (index, value) in changes {
            if !bytes.is_empty() {
                let at = index.index(bytes.len());
                bytes[at] = value;
            }
        }
        let _ = check(&bytes, HOST);
    }

    #[test]
    fn damaged_headers_do_not_panic(
        changes in prop::collection::vec((0..64_usize, any::<u8>()), 1..8),
    ) {
        let mut bytes = TRUE.clone();
        for (at, value) in changes {
            if let Some(byte) = bytes.get_mut(at) {
                *byte = value;
            }
        }
        let _ = check(&bytes, HOST);
    }
}
