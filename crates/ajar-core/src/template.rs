//! Texts in which something is named in braces that stands for something else: `{vm}`. A brace itself is written twice.

/// A part of such a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Piece<'t> {
    /// What stands for itself.
    Text(&'t str),
    /// What is named, with its braces; also a lone brace, which names nothing that is known.
    Named(&'t str),
}

/// A text's pieces, in order.
pub(crate) fn pieces(mut text: &str) -> impl Iterator<Item = Piece<'_>> {
    std::iter::from_fn(move || {
        let (head, rest) = match text.find(['{', '}']) {
            _ if text.is_empty() => return None,
            None => (Piece::Text(text), ""),
            Some(0) if text.starts_with("{{") || text.starts_with("}}") => (Piece::Text(&text[..1]), &text[2..]),
            Some(0) => {
                let end = text.find('}').map_or(text.len(), |end| end + 1);
                (Piece::Named(&text[..end]), &text[end..])
            }
            Some(plain) => (Piece::Text(&text[..plain]), &text[plain..]),
        };
        text = rest;
        Some(head)
    })
}

/// What a text names that is none of `known`, such as `{ticket}` or a lone brace.
pub(crate) fn unknown<'t>(text: &'t str, known: &[&str]) -> Option<&'t str> {
    pieces(text).find_map(|piece| match piece {
        Piece::Named(name) if !known.contains(&name) => Some(name),
        Piece::Named(_) | Piece::Text(_) => None,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_nobody_knows_is_told_and_a_brace_is_written_twice() {
        for (text, name) in [
            ("{vm}{date}", None),
            ("ticket {ticket}", Some("{ticket}")),
            ("{vm", Some("{vm")),
            ("vm}", Some("}")),
            ("{{vm}}", None),
            ("{{{vm}}}", None),
            ("{vm}}", Some("}")),
        ] {
            assert_eq!(unknown(text, &["{vm}", "{date}"]), name, "{text}");
        }
        let (open, vm, close) = (Piece::Text("{"), Piece::Named("{vm}"), Piece::Text("}"));
        assert_eq!(pieces("{{{vm}}}").collect::<Vec<_>>(), [open, vm, close]);
    }

    proptest! {
        #[test]
        fn no_text_loses_anything_but_every_second_brace_of_two(text in "[a{} ]{0,12}") {
            let again = |piece| match piece {
                Piece::Text(brace @ ("{" | "}")) => brace.repeat(2),
                Piece::Text(same) | Piece::Named(same) => same.to_owned(),
            };
            prop_assert_eq!(pieces(&text).map(again).collect::<String>(), text);
        }

        #[test]
        fn any_text_can_be_written(text in "[a{}: ]{0,12}") {
            let written = text.replace('{', "{{").replace('}', "}}");
            let read = pieces(&written).map(|piece| match piece { Piece::Text(text) | Piece::Named(text) => text });
            prop_assert_eq!(read.collect::<String>(), text.as_str());
            prop_assert_eq!(unknown(&written, &[]), None);
        }
    }
}
