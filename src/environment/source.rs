//! Files as they were read, places in them, and the diagnostics that point there.

use std::fmt::Write as _;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};

/// A text file that was read: environment file, template or workflow definition.
#[derive(Debug)]
pub struct Source {
    /// The path as the user would write it.
    pub path: PathBuf,
    pub text: String,
}

/// A range of bytes in a [`Source`].
#[derive(Clone)]
pub struct Span {
    pub source: Arc<Source>,
    pub range: Range<usize>,
}

impl Span {
    /// Covers a whole file: for what no single line is to blame.
    pub fn file(source: &Arc<Source>) -> Self {
        Self { source: source.clone(), range: 0..0 }
    }

    /// Narrows the span to the first occurrence of `needle` in it; unchanged if there is none.
    pub fn find(&self, needle: &str) -> Self {
        let text = self.source.text.get(self.range.clone()).unwrap_or_default();
        match text.find(needle) {
            Some(at) => {
                let start = self.range.start + at;
                Self { source: self.source.clone(), range: start..start + needle.len() }
            }
            None => self.clone(),
        }
    }

    /// Returns line and column, both counted from 1, the column in characters.
    pub fn line_column(&self) -> (usize, usize) {
        let before = self.source.text.get(..self.range.start).unwrap_or_default();
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
    }

    /// Writes `file:line:column`.
    pub fn location(&self) -> String {
        let (line, column) = self.line_column();
        format!("{}:{line}:{column}", self.source.path.display())
    }
}

impl std::fmt::Debug for Span {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.location())
    }
}

/// What is wrong, where, and what would be right.
#[derive(Clone, Debug)]
pub struct Diagnostic {
    pub message: String,
    pub span: Option<Span>,
    /// A second place that matters, with what it is: the first of two equal keys, say.
    pub related: Option<(Span, String)>,
    pub help: Option<String>,
}

impl Diagnostic {
    pub fn new(message: impl Into<String>, span: &Span) -> Self {
        Self { message: message.into(), span: Some(span.clone()), related: None, help: None }
    }

    /// A fault of no file: a missing one, say.
    pub fn nowhere(message: impl Into<String>) -> Self {
        Self { message: message.into(), span: None, related: None, help: None }
    }

    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    pub fn related(mut self, span: &Span, label: impl Into<String>) -> Self {
        self.related = Some((span.clone(), label.into()));
        self
    }

    /// Renders with the lines of the file that it speaks of.
    pub fn render(&self, colour: bool) -> String {
        if self.span.is_none() {
            // Without a place there is no picture to draw.
            let red = if colour { anstyle::AnsiColor::Red.on_default().bold() } else { anstyle::Style::new() };
            let help = self.help.as_ref().map(|help| format!("\n  {help}")).unwrap_or_default();
            return format!("{red}error{red:#}: {}{help}", self.message);
        }
        let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
        let renderer = renderer.decor_style(DecorStyle::Ascii).term_width(100);
        let mut groups = vec![];
        let mut group = annotate_snippets::Group::with_title(Level::ERROR.primary_title(&self.message));
        let span = self.span.as_ref();
        let path = span.map(|span| span.source.path.display().to_string()).unwrap_or_default();
        let related = self.related.as_ref();
        let related_path = related.map(|(span, _)| span.source.path.display().to_string()).unwrap_or_default();
        let excerpt = span.map(|span| excerpt(&span.source.text, &span.range));
        let related_excerpt = related.map(|(span, _)| excerpt_of(span));
        if let Some(excerpt) = &excerpt {
            let mut snippet = Snippet::source(&excerpt.text).line_start(excerpt.line).path(&path);
            if excerpt.mark.start < excerpt.mark.end || !excerpt.text.is_empty() {
                snippet = snippet.annotation(AnnotationKind::Primary.span(excerpt.mark.clone()));
            }
            group = group.element(snippet);
        }
        if let (Some((_, label)), Some(excerpt)) = (related, &related_excerpt) {
            group = group.element(
                Snippet::source(&excerpt.text)
                    .line_start(excerpt.line)
                    .path(&related_path)
                    .annotation(AnnotationKind::Context.span(excerpt.mark.clone()).label(label)),
            );
        }
        if let Some(help) = &self.help {
            group = group.element(Level::HELP.message(help));
        }
        groups.push(group);
        renderer.render(&groups).to_string()
    }
}

impl std::fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(span) = &self.span {
            write!(f, "{}: ", span.location())?;
        }
        f.write_str(&self.message)?;
        match &self.help {
            Some(help) => write!(f, " ({help})"),
            None => Ok(()),
        }
    }
}

/// Lines around a range, bounded, so that a file of one long line prints no wall of text.
struct Excerpt {
    text: String,
    line: usize,
    mark: Range<usize>,
}

fn excerpt_of(span: &Span) -> Excerpt {
    excerpt(&span.source.text, &span.range)
}

const LONGEST_LINE: usize = 160;

fn excerpt(text: &str, range: &Range<usize>) -> Excerpt {
    let start = floor(text, range.start.min(text.len()));
    let line_start = text[..start].rfind('\n').map_or(0, |at| at + 1);
    let line_end = text[start..].find('\n').map_or(text.len(), |at| start + at);
    let line = text[..line_start].matches('\n').count() + 1;
    let cut_start = if start - line_start > LONGEST_LINE / 2 { floor(text, start - LONGEST_LINE / 2) } else { line_start };
    let cut_end = if line_end - cut_start > LONGEST_LINE { floor(text, cut_start + LONGEST_LINE) } else { line_end };
    let end = floor(text, range.end.clamp(start, line_end).min(cut_end));
    let mark_end = if end > start { end } else { text[start..cut_end].chars().next().map_or(start, |c| start + c.len_utf8()) };
    Excerpt { text: text[cut_start..cut_end].to_owned(), line, mark: start - cut_start..mark_end - cut_start }
}

fn floor(text: &str, mut at: usize) -> usize {
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// Several diagnostics at once; at least one.
#[derive(Clone, Debug)]
pub struct Diagnostics(pub Vec<Diagnostic>);

impl Diagnostics {
    /// Renders all of them, then their number.
    pub fn render(&self, colour: bool) -> String {
        let mut out = String::new();
        for diagnostic in &self.0 {
            let _ = writeln!(out, "{}\n", diagnostic.render(colour));
        }
        let count = self.0.len();
        let _ = write!(out, "{count} error{} found; nothing was changed", if count == 1 { "" } else { "s" });
        out
    }
}

impl From<Diagnostic> for Diagnostics {
    fn from(diagnostic: Diagnostic) -> Self {
        Self(vec![diagnostic])
    }
}

impl std::fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for diagnostic in &self.0 {
            writeln!(f, "{diagnostic}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Diagnostics {}

/// The largest text file that is read, in bytes; CloudFormation and Step Functions take no more than 1 MB either.
pub const LARGEST_FILE: u64 = 1_048_576;

/// Reads a text file, refusing what is too large, missing or not UTF-8.
///
/// # Errors
/// One diagnostic that names the file and, where `wanted_by` is given, the line that asks for it.
pub fn read(path: &Path, wanted_by: Option<&Span>) -> Result<Arc<Source>, Diagnostic> {
    let fail = |message: String| match wanted_by {
        Some(span) => Diagnostic::new(message, span),
        None => Diagnostic::nowhere(message),
    };
    let shown = path.display();
    let about = std::fs::metadata(path).map_err(|error| fail(format!("cannot read {shown}: {error}")))?;
    if !about.is_file() {
        return Err(fail(format!("cannot read {shown}: it is not a file")));
    }
    if about.len() > LARGEST_FILE {
        return Err(fail(format!("{shown} has {} bytes, more than the {LARGEST_FILE} that are read", about.len())));
    }
    let bytes = std::fs::read(path).map_err(|error| fail(format!("cannot read {shown}: {error}")))?;
    let text = String::from_utf8(bytes).map_err(|_| fail(format!("{shown} is not UTF-8 text")))?;
    Ok(Arc::new(Source { path: path.to_owned(), text }))
}
