//! Intrinsic functions: `States.Format('Hello {}', $.name)` and the like.

use super::paths::path_fault;
use crate::finding::nearest;

/// The intrinsic functions with the fewest and most arguments they take.
///
/// Source: Step Functions developer guide, "Intrinsic functions for JSONPath states".
const FUNCTIONS: [(&str, usize, usize); 18] = [
    ("States.Format", 1, usize::MAX),
    ("States.StringToJson", 1, 1),
    ("States.JsonToString", 1, 1),
    ("States.Array", 0, usize::MAX),
    ("States.ArrayPartition", 2, 2),
    ("States.ArrayContains", 2, 2),
    ("States.ArrayRange", 3, 3),
    ("States.ArrayGetItem", 2, 2),
    ("States.ArrayLength", 1, 1),
    ("States.ArrayUnique", 1, 1),
    ("States.Base64Encode", 1, 1),
    ("States.Base64Decode", 1, 1),
    ("States.Hash", 2, 2),
    ("States.JsonMerge", 3, 3),
    ("States.MathRandom", 2, 3),
    ("States.MathAdd", 2, 2),
    ("States.StringSplit", 2, 2),
    ("States.UUID", 0, 0),
];

/// How deep calls may nest. Source: the same page.
const DEEPEST: usize = 10;

/// Tells whether a text means to call an intrinsic function, rightly or not.
pub(super) fn looks_like_call(text: &str) -> bool {
    text.get(..7).is_some_and(|start| start.eq_ignore_ascii_case("States."))
}

/// Checks a call of an intrinsic function.
pub(super) fn check_call(text: &str) -> Result<(), String> {
    let rest = call(text, 1)?;
    if rest.trim().is_empty() { Ok(()) } else { Err(format!("`{}` follows its closing parenthesis", rest.trim())) }
}

/// Reads one call and returns what follows it.
fn call(text: &str, depth: usize) -> Result<&str, String> {
    if depth > DEEPEST {
        return Err(format!("calls nest deeper than {DEEPEST}"));
    }
    let (name, mut rest) = text.split_once('(').ok_or("its parentheses are missing")?;
    let Some((_, least, most)) = FUNCTIONS.iter().find(|(known, ..)| *known == name) else {
        let fault = format!("there is no function `{name}`");
        let near = nearest(name, FUNCTIONS.iter().map(|(known, ..)| *known));
        return Err(near.map_or_else(|| fault.clone(), |near| format!("{fault}, did you mean `{near}`?")));
    };
    let mut count = 0;
    let mut template = None;
    rest = rest.trim_start();
    if let Some(after) = rest.strip_prefix(')') {
        rest = after;
    } else {
        loop {
            let after = argument(rest.trim_start(), depth)?;
            if count == 0 {
                template = rest.trim_start().strip_suffix(after);
            }
            count += 1;
            let after = after.trim_start();
            if let Some(next) = after.strip_prefix(',') {
                rest = next;
            } else if let Some(next) = after.strip_prefix(')') {
                rest = next;
                break;
            } else {
                return Err(format!("`{name}` is not closed by `)`"));
            }
        }
    }
    if count < *least || count > *most {
        let wanted = if least == most { least.to_string() } else { format!("{least} or more") };
        return Err(format!("`{name}` takes {wanted} arguments, and {count} are given"));
    }
    if name == "States.Format" {
        check_holes(template.unwrap_or_default(), count - 1)?;
    }
    Ok(rest)
}

/// Reads one argument and returns what follows it.
fn argument(text: &str, depth: usize) -> Result<&str, String> {
    if text.starts_with('\'') {
        return quoted(text);
    }
    if looks_like_call(text) {
        return call(text, depth + 1);
    }
    let end = plain_length(text);
    let (plain, rest) = text.split_at(end);
    let plain = plain.trim_end();
    if plain.starts_with('$') {
        return path_fault(plain).map_or(Ok(rest), |fault| Err(format!("the path `{plain}` is wrong: {fault}")));
    }
    let literal = matches!(plain, "true" | "false" | "null") || plain.parse::<f64>().is_ok();
    match plain {
        _ if literal => Ok(rest),
        "" => Err("an argument is missing".to_owned()),
        _ => Err(format!("the argument `{plain}` is no path, number, call or text in single quotes")),
    }
}

/// Returns the length of an argument that is neither quoted nor a call: up to the `,` or `)` outside its brackets.
fn plain_length(text: &str) -> usize {
    let mut depth = 0_usize;
    let mut quote = None;
    for (at, character) in text.char_indices() {
        match (quote, character) {
            (Some(mark), _) if mark == character => quote = None,
            (Some(_), _) => {}
            (None, '\'' | '"') => quote = Some(character),
            (None, '[' | '(') => depth += 1,
            (None, ',' | ')') if depth == 0 => return at,
            (None, ']' | ')') => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    text.len()
}

/// Reads a text in single quotes, in which a backslash escapes, and returns what follows it.
fn quoted(text: &str) -> Result<&str, String> {
    let mut escaped = false;
    for (at, character) in text.char_indices().skip(1) {
        match character {
            '\'' if !escaped => return Ok(text.get(at + 1..).unwrap_or_default()),
            '\\' if !escaped => escaped = true,
            _ => escaped = false,
        }
    }
    Err("a quote is left open".to_owned())
}

/// Checks that a literal template of `States.Format` has a `{}` for each further argument.
fn check_holes(template: &str, given: usize) -> Result<(), String> {
    if !template.starts_with('\'') {
        return Ok(());
    }
    let holes = template.replace(r"\{", "").replace(r"\}", "").matches("{}").count();
    if holes == given {
        return Ok(());
    }
    Err(format!("the template has {holes} `{{}}`, and {given} values are given for them"))
}
