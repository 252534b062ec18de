//! Whether an executable starts on Amazon Linux 2023, told from its bytes.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use object::LittleEndian;
use object::elf::{self, FileHeader64};
use object::read::elf::{FileHeader as _, ProgramHeader as _, SectionTable, Sym as _};

use super::Architecture;

/// The C library of Amazon Linux 2023, and so of `provided.al2023`: glibc 2.34.
///
/// Source: <https://docs.aws.amazon.com/linux/al2023/ug/compare-with-al2.html>.
pub const GLIBC_OF_AMAZON_LINUX_2023: GlibcVersion = GlibcVersion { major: 2, minor: 34, patch: 0 };

/// More needed versions than any real executable has; a circle in a broken file ends here.
const MAX_NEEDS: usize = 10_000;

type Header = FileHeader64<LittleEndian>;
type Sections<'data> = SectionTable<'data, Header>;

/// A version of the GNU C library, as in the symbol version `GLIBC_2.34`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct GlibcVersion {
    /// The first number.
    pub major: u32,
    /// The second number.
    pub minor: u32,
    /// The third number, 0 where there is none.
    pub patch: u32,
}

impl GlibcVersion {
    /// Reads a symbol version such as `GLIBC_2.2.5`; `None` for anything else, such as
    /// `GLIBC_PRIVATE` or `GCC_3.0`.
    pub fn parse(symbol: &str) -> Option<Self> {
        let mut numbers = symbol.strip_prefix("GLIBC_")?.split('.').map(|part| {
            let digits = !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
            part.parse().ok().filter(|_| digits)
        });
        let version = Self { major: numbers.next()??, minor: numbers.next()??, patch: numbers.next().unwrap_or(Some(0))? };
        numbers.next().is_none().then_some(version)
    }
}

impl fmt::Display for GlibcVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)?;
        if self.patch > 0 { write!(f, ".{}", self.patch) } else { Ok(()) }
    }
}

/// Why an executable would not start in Lambda.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ElfProblem {
    /// It is no Linux executable at all.
    #[error("it is no 64-bit Linux (ELF) executable; build it with `cargo build --target {0}` or with cargo-zigbuild")]
    NotElf(&'static str),
    /// It was built for another machine.
    #[error("it was built for {found}; build it with `cargo build --target {target}` or with cargo-zigbuild")]
    Machine {
        /// The machine it was built for.
        found: String,
        /// The target to build for.
        target: &'static str,
    },
    /// Its program loader does not exist in Lambda.
    #[error(
        "it asks for the program loader `{found}`, which Amazon Linux 2023 does not have; build it for {target}, with cargo-zigbuild where the host's own libraries are elsewhere"
    )]
    Loader {
        /// The loader it names.
        found: String,
        /// The target to build for.
        target: &'static str,
    },
    /// It needs a newer C library.
    #[error("it needs {}, but Amazon Linux 2023 has glibc {GLIBC_OF_AMAZON_LINUX_2023}; install cargo-zigbuild, which is then used by itself (`cargo install cargo-zigbuild`, `pip install ziglang`), or build on a host with glibc {GLIBC_OF_AMAZON_LINUX_2023} or older (`ldd --version`)", .0.join(", "))]
    Glibc(Vec<String>),
    /// It is damaged.
    #[error("the file is damaged ({0}); remove it and build again")]
    Damaged(String),
}

impl From<object::read::Error> for ElfProblem {
    fn from(error: object::read::Error) -> Self {
        Self::Damaged(error.to_string())
    }
}

/// Checks that an executable starts on `provided.al2023`: 64-bit ELF for the right machine, a
/// program loader that exists there, and no symbol version newer than its C library.
///
/// # Errors
///
/// Returns the first of these that does not hold.
pub(super) fn check(bytes: &[u8], architecture: Architecture) -> Result<(), ElfProblem> {
    let target = architecture.target();
    let not_elf = || ElfProblem::NotElf(target);
    let header = Header::parse(bytes).map_err(|_| not_elf())?;
    let endian = header.endian().map_err(|_| not_elf())?;
    let (machine, loader) = match architecture {
        Architecture::X86_64 => (elf::EM_X86_64, "/lib64/ld-linux-x86-64.so.2"),
        Architecture::Arm64 => (elf::EM_AARCH64, "/lib/ld-linux-aarch64.so.1"),
    };
    let found = header.e_machine(endian);
    if found != machine {
        let found = match found {
            elf::EM_X86_64 => "x86_64".to_owned(),
            elf::EM_AARCH64 => "arm64".to_owned(),
            other => format!("the machine {other:?}"),
        };
        return Err(ElfProblem::Machine { found, target });
    }
    if ![elf::ET_EXEC, elf::ET_DYN].contains(&header.e_type(endian)) {
        return Err(not_elf());
    }
    let mut dynamic = false;
    for segment in header.program_headers(endian, bytes)? {
        if let Some(found) = segment.interpreter(endian, bytes)? {
            dynamic = true;
            if found != loader.as_bytes() {
                let found = String::from_utf8_lossy(found).into_owned();
                return Err(ElfProblem::Loader { found, target });
            }
        }
    }
    let sections = header.sections(endian, bytes)?;
    if dynamic && sections.is_empty() {
        return Err(ElfProblem::Damaged("it has no sections to read its needs from".to_owned()));
    }
    let too_new = too_new(&sections, bytes)?;
    if too_new.is_empty() { Ok(()) } else { Err(ElfProblem::Glibc(too_new)) }
}

/// Lists the needed symbol versions that glibc 2.34 lacks, each with the symbols that need it.
fn too_new(sections: &Sections<'_>, bytes: &[u8]) -> Result<Vec<String>, ElfProblem> {
    let endian = LittleEndian;
    let Some((needs, strings)) = sections.gnu_verneed(endian, bytes)? else {
        return Ok(Vec::new());
    };
    let strings = sections.strings(endian, bytes, strings)?;
    let mut found = BTreeSet::new();
    let mut count = 0;
    for need in needs {
        for version in need?.1 {
            let version = version?;
            count += 1;
            if count > MAX_NEEDS {
                return Err(ElfProblem::Damaged("too many needed versions".to_owned()));
            }
            // The loader lets a missing version pass where every use of it is weak.
            if version.vna_flags.get(endian).contains(elf::VER_FLG_WEAK) {
                continue;
            }
            let name = String::from_utf8_lossy(version.name(endian, strings)?).into_owned();
            // What starts so but has no number (GLIBC_PRIVATE, GLIBC_ABI_DT_RELR of 2.36) is not
            // there either.
            let supported = GlibcVersion::parse(&name).is_some_and(|it| it <= GLIBC_OF_AMAZON_LINUX_2023);
            if name.starts_with("GLIBC_") && !supported {
                found.insert(name);
            }
        }
    }
    if found.is_empty() {
        return Ok(Vec::new());
    }
    let users = users(sections, bytes).unwrap_or_default();
    let describe = |name: String| match users.get(&name) {
        Some(symbols) => format!("{name} (for {})", symbols.join(", ")),
        None => name,
    };
    Ok(found.into_iter().map(describe).collect())
}

/// Lists the dynamic symbols by the version they are bound to.
fn users(sections: &Sections<'_>, bytes: &[u8]) -> Result<BTreeMap<String, Vec<String>>, object::read::Error> {
    let endian = LittleEndian;
    let mut users: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let Some(versions) = sections.versions(endian, bytes)? else {
        return Ok(users);
    };
    let symbols = sections.symbols(endian, bytes, elf::SHT_DYNSYM)?;
    for (index, symbol) in symbols.enumerate() {
        let version = versions.version(versions.version_index(endian, index).into())?;
        if let Some(version) = version {
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            let name = text(symbol.name(endian, symbols.strings())?);
            users.entry(text(version.name())).or_default().push(name);
        }
    }
    Ok(users)
}
