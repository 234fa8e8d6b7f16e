//! Tables among others of their kind: put elsewhere, and brought back where they were.

use super::lines::{line_start, with_gap_below};
use super::lists::{added, own_lines, put_before, rest_of_line};
use super::structure::{Found, Item, Value, begins, names};
use super::{Splice, TomlText, dotted};

/// How a table is written.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Form {
    /// Below heads of its own.
    Heads,
    /// In lines of the table with this path: dotted keys, or on one line.
    Lines(Vec<String>),
    /// Within the braces of the table with this path.
    Braces(Vec<String>),
}

/// A table as it is written, with its comments.
#[derive(Clone, Debug)]
struct Member {
    form: Form,
    /// Its text; between braces what stands there between commas.
    text: String,
    /// The empty lines that part it from what stands above.
    gap: String,
    /// The lines of its own that it has between braces: up to the comma, and behind that.
    lines: Option<(String, String)>,
}

/// A table that has been taken out, and where it was.
#[derive(Clone, Debug)]
pub(in crate::files) struct Removed {
    name: String,
    member: Member,
    /// Those that came after it.
    after: Vec<String>,
}

impl TomlText {
    /// The names of the tables within these keys, in their order.
    pub(in crate::files) fn members(&self, parent: &[&str]) -> Vec<String> {
        let found = &self.found;
        let mut places: Vec<(usize, &str)> = Vec::new();
        let sections = found.sections.iter().skip(1).filter(|section| section.is_within(parent));
        places.extend(
            sections.filter_map(|section| Some((section.head.start, *names(&section.keys).get(parent.len())?))),
        );
        let items = found.all().into_iter().filter(|found| begins(&found.path, parent) && found.base <= parent.len());
        places.extend(items.filter_map(|found| Some((found.item.span().start, *found.path.get(parent.len())?))));
        places.sort_unstable();
        let mut members: Vec<String> = Vec::new();
        for (_, name) in places {
            if !members.iter().any(|known| known == name) {
                members.push(name.to_owned());
            }
        }
        members
    }

    /// Puts a table before another one of its kind, or behind all.
    pub(in crate::files) fn put(&mut self, parent: &[&str], name: &str, before: Option<&str>) {
        let order = self.members(parent);
        let others: Vec<&String> = order.iter().filter(|other| *other != name).collect();
        let place = others.iter().position(|other| Some(other.as_str()) == before).unwrap_or(others.len());
        if order.iter().position(|other| other == name).is_none_or(|now| now == place) {
            return;
        }
        let Some(member) = self.member(parent, name) else { return };
        if let Form::Braces(path) = &member.form {
            let path: Vec<&str> = path.iter().map(String::as_str).collect();
            return self.reorder_in_braces(&path, parent, name, before);
        }
        self.remove_whole(&[parent, &[name]].concat());
        let after: Vec<String> = others[place..].iter().map(ToString::to_string).collect();
        self.put_in(parent, name, member, &after);
    }

    /// Takes a table out, to be brought back.
    pub(in crate::files) fn take_out(&mut self, parent: &[&str], name: &str) -> Option<Removed> {
        let path = [parent, &[name]].concat();
        let mut member = self.member(parent, name)?;
        member.text.replace_range(..self.comments_on_top(&path).min(member.text.len()), "");
        let after = self.members(parent).into_iter().skip_while(|other| other != name).skip(1).collect();
        self.remove(&path);
        Some(Removed { name: name.to_owned(), member, after })
    }

    /// Brings a table back: before the first of those that came after it and are still there.
    pub(in crate::files) fn bring_back(&mut self, parent: &[&str], removed: Removed) {
        let there = self.members(parent);
        let after: Vec<_> = removed.after.into_iter().filter(|name| there.contains(name)).collect();
        self.put_in(parent, &removed.name, removed.member, &after);
    }

    /// A table as it is written.
    fn member(&self, parent: &[&str], name: &str) -> Option<Member> {
        let path = [parent, &[name]].concat();
        let found = &self.found;
        let items = found.below(&path);
        let first = items.first();
        if first.is_some_and(|first| first.list.is_some()) {
            let base = first?.path[..first?.base].iter().map(ToString::to_string).collect();
            let texts: Vec<_> = items.iter().map(|item| &self.text[item.item.span()]).collect();
            let lines = first.filter(|_| items.len() == 1).and_then(|first| self.lines_in_braces(first));
            return Some(Member { form: Form::Braces(base), text: texts.join(", "), gap: String::new(), lines });
        }
        let sections: Vec<_> = found.sections.iter().skip(1).filter(|section| section.is_within(&path)).collect();
        let mut text = String::new();
        if let Some(first) = first.filter(|_| sections.is_empty()) {
            let base = first.path[..first.base].iter().map(ToString::to_string).collect();
            for item in &items {
                text.push_str(&self.whole_lines(&self.text[self.line_of(item)]));
            }
            return Some(Member { form: Form::Lines(base), text, gap: String::new(), lines: None });
        }
        if first.is_some() {
            text.push_str(&self.below_a_head(&path, &items));
        }
        let mut gap = None;
        for section in sections {
            let (block, above) = self.block(section);
            let own = if above.start == 0 { block.end..with_gap_below(&self.text, block.end) } else { above.clone() };
            let own = &self.text[own];
            if gap.is_some() || !text.is_empty() {
                text.push_str(own);
            }
            gap.get_or_insert_with(|| own.to_owned());
            text.push_str(&self.whole_lines(&self.text[block]));
        }
        gap.map(|gap| Member { form: Form::Heads, text, gap, lines: None })
    }

    fn lines_in_braces(&self, found: &Found<'_>) -> Option<(String, String)> {
        let lines = own_lines(&self.text, found.list?, found.place)?;
        let end = found.item.value.span.end;
        let behind = found.item.comma.map_or(end, |comma| comma + 1);
        Some((self.text[lines.start..end].to_owned(), self.text[behind..lines.end].to_owned()))
    }

    /// A table below a head of its own.
    fn headed(&self, block: String) -> Member {
        Member { form: Form::Heads, text: block, gap: self.newline.to_owned(), lines: None }
    }

    fn whole_lines(&self, text: &str) -> String {
        if text.ends_with('\n') { text.to_owned() } else { format!("{text}{}", self.newline) }
    }

    /// What stands in lines of another table, written below a head of its own.
    fn below_a_head(&self, path: &[&str], items: &[Found<'_>]) -> String {
        let head = format!("[{}]", dotted(path));
        let (mut above, mut behind, mut within) = (String::new(), String::new(), String::new());
        for (number, found) in items.iter().enumerate() {
            let Item { keys, value, .. } = found.item;
            let lines = self.line_of(found);
            let line = line_start(&self.text, found.item.span().start);
            let comments = &self.text[lines.start..line];
            if number == 0 {
                above.push_str(comments);
            } else {
                within.push_str(comments);
            }
            if let Some(rest) = keys.get(path.len() - found.base) {
                within.push_str(&self.whole_lines(&self.text[rest.span.start..lines.end]));
            } else {
                behind.push_str(self.text[value.span.end..lines.end].trim_end());
                within.push_str(&self.without_braces(value));
            }
        }
        format!("{above}{head}{behind}{}{within}", self.newline)
    }

    /// What stands between braces, line by line.
    fn without_braces(&self, value: &Value) -> String {
        let inner = value.span.start + 1..value.span.end - 1;
        let (mut text, mut from) = (String::new(), inner.start);
        for comma in value.items().iter().filter_map(|item| item.comma) {
            text.push_str(&self.text[from..comma]);
            let rest = self.text[comma + 1..inner.end].lines().next().unwrap_or_default().trim_start();
            let goes_on = !(rest.is_empty() || rest.starts_with('#'));
            text.push_str(if goes_on { self.newline } else { "" });
            from = comma + 1;
        }
        text.push_str(&self.text[from..inner.end]);
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        lines.flat_map(|line| [line, self.newline]).collect()
    }

    /// Puts a table before the first of those that come after it.
    fn put_in(&mut self, parent: &[&str], name: &str, member: Member, after: &[String]) {
        let form = |text: &Self, name: &String| text.member(parent, name).map(|member| member.form);
        let next = after.first().and_then(|name| form(self, name));
        let last = || self.members(parent).last().and_then(|name| form(self, name));
        let is_beside = next.as_ref().or(last().filter(|_| next.is_none()).as_ref()) == Some(&member.form);
        match (&member.form, after.first()) {
            (Form::Braces(path), _) if self.found.entry(&strs(path)).is_some() => {
                let path = strs(path);
                self.put_in_braces(&path, parent, &member, after.first());
            }
            (Form::Braces(_), _) => {
                let block = below_a_head_alone(&member.text, parent, name, self.newline);
                self.put_in(parent, name, self.headed(block), after);
            }
            (Form::Lines(_), Some(next)) if is_beside => {
                let at = self.start_of(parent, next);
                self.apply(vec![Splice::insert(at, member.text)]);
            }
            (Form::Lines(_), None) if is_beside => {
                let members = self.members(parent);
                let at = members.last().map_or(self.text.len(), |last| self.end_of(parent, last));
                self.apply(vec![Splice::insert(at, format!("{}{}", self.begin_line(at), member.text))]);
            }
            (Form::Lines(base), _) => {
                let block = lines_below_a_head(&member.text, base, parent, name, self.newline);
                self.put_in(parent, name, self.headed(block), after);
            }
            (Form::Heads, Some(next)) if is_beside => {
                let at = self.start_of(parent, next);
                self.apply(vec![Splice::insert(
                    at,
                    format!("{}{}", member.text, self.apart(&member.text, &member.gap)),
                )]);
            }
            (Form::Heads, _) => {
                // Whatever stands in lines comes before all heads: what comes after this one gets heads, too.
                let in_lines = |name: &&String| form(self, name) != Some(Form::Heads);
                let (lines, heads): (Vec<&String>, Vec<&String>) = after.iter().partition(in_lines);
                let heads: Vec<String> = heads.into_iter().cloned().collect();
                if let Some(next) = heads.first() {
                    let at = self.start_of(parent, next);
                    self.apply(vec![Splice::insert(
                        at,
                        format!("{}{}", member.text, self.apart(&member.text, &member.gap)),
                    )]);
                } else {
                    let at = self.behind_sections(parent);
                    self.apply(vec![self.block_at(
                        at,
                        &member.text,
                        Some(&member.gap).filter(|_| at > 0).map(String::as_str),
                    )]);
                }
                for name in lines {
                    let Some(Member { form: Form::Lines(base), text, .. }) = self.member(parent, name) else {
                        continue;
                    };
                    self.remove_whole(&[parent, &[name.as_str()]].concat());
                    let block = lines_below_a_head(&text, &base, parent, name, self.newline);
                    self.put_in(parent, name, self.headed(block), &heads);
                }
            }
        }
    }

    /// Where the first line of a table begins, with the comments above.
    fn start_of(&self, parent: &[&str], name: &str) -> usize {
        let path = [parent, &[name]].concat();
        let found = &self.found;
        let lines =
            found.below(&path).into_iter().filter(|found| found.list.is_none()).map(|found| self.line_of(&found).start);
        let sections = found.sections.iter().skip(1).filter(|section| section.is_within(&path));
        lines.chain(sections.map(|section| self.block(section).0.start)).min().unwrap_or(self.text.len())
    }

    /// Where the last line of a table ends that stands in lines of another one.
    fn end_of(&self, parent: &[&str], name: &str) -> usize {
        let path = [parent, &[name]].concat();
        let found = &self.found;
        let ends = found.below(&path).into_iter().map(|found| self.line_of(&found).end);
        ends.max().unwrap_or(self.text.len())
    }

    /// Has those between braces change places, with the comments of those that stand on lines of their own.
    fn reorder_in_braces(&mut self, path: &[&str], parent: &[&str], name: &str, before: Option<&str>) {
        let Some(entry) = self.found.entry(path) else { return };
        let (list, items) = (&entry.item.value, entry.item.value.items());
        let member =
            |place: &usize| [path, &names(&items[*place].keys)].concat().get(parent.len()).map(ToString::to_string);
        let (moved, mut order): (Vec<usize>, Vec<usize>) =
            (0..items.len()).partition(|place| member(place).as_deref() == Some(name));
        let at = order.iter().position(|place| before.is_some() && member(place).as_deref() == before);
        let at = at.unwrap_or(order.len());
        order.splice(at..at, moved);
        let lines: Option<Vec<_>> = (0..items.len()).map(|place| own_lines(&self.text, list, place)).collect();
        let splices = order.iter().enumerate().map(|(to, from)| match &lines {
            None => Splice { at: items[to].span(), with: self.text[items[*from].span()].to_owned() },
            Some(lines) => {
                let (item, lines_there) = (&items[*from], &lines[*from]);
                let end = item.value.span.end;
                let comma = if items[to].comma.is_some() { "," } else { "" };
                let rest = &self.text[item.comma.map_or(end, |comma| comma + 1)..lines_there.end];
                Splice { at: lines[to].clone(), with: format!("{}{comma}{rest}", &self.text[lines_there.start..end]) }
            }
        });
        let splices = splices.collect();
        self.apply(splices);
    }

    fn put_in_braces(&mut self, path: &[&str], parent: &[&str], member: &Member, next: Option<&String>) {
        let next: Option<Vec<&str>> = next.map(|next| [parent, &[next.as_str()]].concat());
        self.in_list(path, |text, list, newline| {
            let is_next =
                |item: &Item| next.as_ref().is_some_and(|next| begins(&[path, &names(&item.keys)].concat(), next));
            let items = list.items();
            let place = items.iter().position(is_next);
            let beside = place.or(items.len().checked_sub(1));
            let lines = beside.and_then(|beside| own_lines(text, list, beside));
            let first_line = rest_of_line(text, list.span.start + 1, list).filter(|_| items.is_empty());
            if let Some(((own, behind), line)) = member.lines.as_ref().zip(first_line) {
                return vec![Splice::insert(line, format!("{own},{behind}"))];
            }
            match (place, member.lines.as_ref().zip(lines)) {
                (Some(_), Some(((own, behind), next))) => vec![Splice::insert(next.start, format!("{own},{behind}"))],
                (None, Some(((own, behind), last))) => {
                    let end = items.last().filter(|last| last.comma.is_none()).map(|last| last.value.span.end);
                    let comma = if end.is_some() { "" } else { "," };
                    let before = end.map(|end| Splice::insert(end, ",".to_owned()));
                    before.into_iter().chain([Splice::insert(last.end, format!("{own}{comma}{behind}"))]).collect()
                }
                (Some(place), None) => vec![put_before(text, &items[place], &member.text, newline)],
                (None, None) => added(text, list, items.len().checked_sub(1), &member.text, newline),
            }
        });
    }
}

fn strs(path: &[String]) -> Vec<&str> {
    path.iter().map(String::as_str).collect()
}

/// What stood in lines of the table with the path `base`, below a head of its own.
fn lines_below_a_head(lines: &str, base: &[String], parent: &[&str], name: &str, newline: &'static str) -> String {
    let head = if base.is_empty() { String::new() } else { format!("[{}]{newline}", dotted(&strs(base))) };
    let text = TomlText::part(format!("{head}{lines}"), newline);
    let path = [parent, &[name]].concat();
    let found = &text.found;
    text.below_a_head(&path, &found.below(&path))
}

/// What stood between braces, below a head of its own.
fn below_a_head_alone(said: &str, parent: &[&str], name: &str, newline: &'static str) -> String {
    let lines = format!("{} = {{ {said} }}{newline}", dotted(parent));
    lines_below_a_head(&lines, &[], parent, name, newline)
}
