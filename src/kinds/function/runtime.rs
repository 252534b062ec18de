//! Lambda's runtimes, as far as a name alone tells that one will not do.

use crate::finding::nearest;

/// Runtimes that Lambda has deprecated, and what followed each: they get no security patches any more, and sooner or later
/// Lambda refuses to create and update functions with them.
///
/// Source: "Lambda runtimes" in the Lambda developer guide, its tables of supported and of deprecated runtimes. Only what was
/// past its date when this was written is listed: a plan does not change because a day went by.
const DEPRECATED: &[(&str, &str)] = &[
    ("python2.7", "python3.13"),
    ("python3.6", "python3.13"),
    ("python3.7", "python3.13"),
    ("python3.8", "python3.13"),
    ("python3.9", "python3.13"),
    ("nodejs", "nodejs24.x"),
    ("nodejs4.3", "nodejs24.x"),
    ("nodejs4.3-edge", "nodejs24.x"),
    ("nodejs6.10", "nodejs24.x"),
    ("nodejs8.10", "nodejs24.x"),
    ("nodejs10.x", "nodejs24.x"),
    ("nodejs12.x", "nodejs24.x"),
    ("nodejs14.x", "nodejs24.x"),
    ("nodejs16.x", "nodejs24.x"),
    ("nodejs18.x", "nodejs24.x"),
    ("nodejs20.x", "nodejs24.x"),
    ("ruby2.5", "ruby3.4"),
    ("ruby2.7", "ruby3.4"),
    ("ruby3.2", "ruby3.4"),
    ("java8", "java25"),
    ("dotnetcore1.0", "dotnet10"),
    ("dotnetcore2.0", "dotnet10"),
    ("dotnetcore2.1", "dotnet10"),
    ("dotnetcore3.1", "dotnet10"),
    ("dotnet6", "dotnet10"),
    ("go1.x", "provided.al2023"),
    ("provided", "provided.al2023"),
];

/// One of each family, to tell a misspelt name from one that is newer than this program.
const FAMILIES: &[&str] = &["python3.13", "nodejs24.x", "ruby3.4", "java25", "dotnet10", "provided.al2023", "java8.al2"];

/// What is wrong with a runtime's name, and what would be right.
pub fn fault(runtime: &str) -> Option<(String, String)> {
    if let Some((_, next)) = DEPRECATED.iter().find(|(name, _)| *name == runtime) {
        return Some((format!("Lambda has deprecated the runtime {runtime}"), format!("its successors are maintained: {next}")));
    }
    if is_of_a_family(runtime) {
        return None;
    }
    let help = match nearest(runtime, FAMILIES.iter().copied()) {
        Some(near) => format!("did you mean {near}?"),
        None => format!("such as {}", FAMILIES.join(", ")),
    };
    Some((format!("Lambda has no runtime {runtime}"), help))
}

/// Whether a name is a family's with another version in it; AWS may have added that since.
fn is_of_a_family(runtime: &str) -> bool {
    let shape =
        |name: &str| name.split(|c: char| c.is_ascii_digit()).filter(|part| !part.is_empty()).collect::<Vec<_>>().join("0");
    FAMILIES.iter().any(|family| shape(family) == shape(runtime) && runtime.contains(|c: char| c.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bug_a_runtime_past_its_end_of_life() {
        for (runtime, next) in [("python3.8", "python3.13"), ("nodejs18.x", "nodejs24.x"), ("provided", "provided.al2023")] {
            let (message, help) = fault(runtime).unwrap();
            assert!(message.contains("deprecated") && help.contains(next), "{message}: {help}");
        }
    }

    #[test]
    fn maintained_runtimes_and_later_ones_pass() {
        for runtime in
            ["python3.10", "python3.13", "python3.19", "nodejs24.x", "nodejs30.x", "java21", "java8.al2", "dotnet10", "ruby3.4"]
        {
            assert_eq!(fault(runtime), None);
        }
        for runtime in ["provided.al2", "provided.al2023"] {
            assert_eq!(fault(runtime), None);
        }
    }

    #[test]
    fn misspelt_runtimes_do_not() {
        assert_eq!(fault("pyton3.13").unwrap().1, "did you mean python3.13?");
        assert_eq!(fault("nodejs24").unwrap().1, "did you mean nodejs24.x?");
        for runtime in ["python", "rust", "provided.al"] {
            assert!(fault(runtime).is_some_and(|(message, _)| message.contains("no runtime")), "{runtime}");
        }
    }

    #[test]
    fn successors_are_not_deprecated_themselves() {
        for (_, next) in DEPRECATED {
            assert_eq!(fault(next), None);
        }
    }
}
