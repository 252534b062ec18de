//! What becomes of each member of what a service answers: nothing that it tells escapes without a reason.

/// An answer that a kind turns into state, member by member. A test holds the list against botocore's shape of it.
#[derive(Clone, Copy, Debug)]
pub struct Answer {
    /// The request, as IAM names it.
    pub operation: &'static str,
    /// Each member once: an entry stands for all below it.
    pub members: &'static [Member],
}

/// A member of an answer, with all below it.
#[derive(Clone, Copy, Debug)]
pub struct Member {
    /// Names joined by dots, as the service writes them; lists and maps are passed through.
    pub path: &'static str,
    pub fate: Fate,
}

/// What becomes of a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It is a field of the state, `*` standing for any one key; or `name`, `arn`, `tags`, `status`, `attributes` or
    /// `generations` of [`Live`](super::Live).
    Compared { field: &'static str },
    /// The same; but where it is the default, or left out, it counts as what was declared by saying nothing.
    Folded { field: &'static str, default: &'static str, why: &'static str },
    /// Nobody looks at it.
    Ignored { why: &'static str },
}

/// A member that is compared.
pub const fn compared(path: &'static str, field: &'static str) -> Member {
    Member { path, fate: Fate::Compared { field } }
}

/// A member that is compared, but for its default.
pub const fn folded(path: &'static str, field: &'static str, default: &'static str, why: &'static str) -> Member {
    Member { path, fate: Fate::Folded { field, default, why } }
}

/// A member that is left out.
pub const fn ignored(path: &'static str, why: &'static str) -> Member {
    Member { path, fate: Fate::Ignored { why } }
}

/// Reasons that many kinds share.
pub mod why {
    /// The default of a member that means "none".
    pub const NONE: &str = "the service leaves it out, or answers with nothing";
    pub const DEFAULT: &str = "the service's default";
    pub const ASKED: &str = "it repeats what was asked for";
    pub const MADE: &str = "the service makes it, and nobody can change it";
    pub const MOVES: &str = "it moves by itself: times, counts, states";
    pub const FOLLOWS: &str = "it follows from members that are compared";
    pub const PAGE: &str = "it leads to the next page, which is read";
    pub const WHOSE: &str = "it leads to the tags, which say whose it is";
    pub const LISTED: &str = "only names are taken from a listing; each is described";
    pub const UNKNOWN: &str = "newer than the AWS SDK in use, which does not pass it on";
}
