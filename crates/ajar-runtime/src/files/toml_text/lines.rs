//! Lines of a text: what belongs to the one below, or above, and what parts them.

/// Where the line begins that this place is in.
pub(super) fn line_start(text: &str, at: usize) -> usize {
    text[..at].rfind('\n').map_or(0, |end| end + 1)
}

/// Where the line ends that this place is in, behind what ends it.
pub(super) fn line_end(text: &str, at: usize) -> usize {
    text[at..].find('\n').map_or(text.len(), |end| at + end + 1)
}

/// The spaces that the line of this place begins with.
pub(super) fn indent(text: &str, at: usize) -> &str {
    let line = &text[line_start(text, at)..at];
    &line[..line.len() - line.trim_start().len()]
}

/// Where the comments begin that stand right above a line, not further up than `floor`.
pub(super) fn with_comments_above(text: &str, line: usize, floor: usize) -> usize {
    walk_up(text, line, floor, |line| line.trim_start().starts_with('#'))
}

/// Where the empty lines begin above a line, not further up than `floor`.
pub(super) fn with_gap_above(text: &str, line: usize, floor: usize) -> usize {
    walk_up(text, line, floor, |line| line.trim().is_empty())
}

fn walk_up(text: &str, line: usize, floor: usize, goes: impl Fn(&str) -> bool) -> usize {
    let mut start = line;
    while start > floor {
        let further = line_start(text, start - 1);
        if further < floor || !goes(&text[further..start]) {
            break;
        }
        start = further;
    }
    start
}

/// Where the empty lines end below.
pub(super) fn with_gap_below(text: &str, line: usize) -> usize {
    let mut end = line;
    while end < text.len() && text[end..line_end(text, end)].trim().is_empty() {
        end = line_end(text, end);
    }
    end
}

/// Where the comments end that stand right below a line, if they belong to it: an empty line, or nothing, comes behind.
pub(super) fn with_comments_below(text: &str, line: usize) -> usize {
    let mut end = line;
    while end < text.len() && text[end..].trim_start_matches([' ', '\t']).starts_with('#') {
        end = line_end(text, end);
    }
    let is_parted = end == text.len() || text[end..line_end(text, end)].trim().is_empty();
    if is_parted { end } else { line }
}
