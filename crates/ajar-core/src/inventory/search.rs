//! Finding VMs by parts of what is known of them: their names, resource groups, subscriptions, tags and addresses.

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;
use std::ops::Range;

use nucleo_matcher::pattern::{Atom, AtomKind, CaseMatching, Normalization};
use nucleo_matcher::{Config, Matcher, Utf32Str};

use super::{InventoryVm, Part};

/// How much more a word counts where it fits a name, than where it fits a group, a subscription or a note, or a tag.
const OF_NAME: u32 = 4;
const OF_ADDRESS: u32 = 4;
const OF_PLACE: u32 = 2;
const OF_NOTE: u32 = 2;
const OF_TAG: u32 = 1;

/// Where a VM lies among the parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct At {
    pub(super) part: usize,
    pub(super) vm: usize,
}

/// A VM as it is looked for.
#[derive(Debug)]
struct Entry {
    /// Where it lies among the parts: which part, and which of its VMs.
    at: (u32, u32),
    /// Where its own texts lie among those of all: its name, and from there on its addresses, with spaces between them.
    name: Range<u32>,
    addresses_end: u32,
    /// Among the shared texts.
    group: u32,
    subscription: u32,
    subscription_id: u32,
    /// Where their numbers lie among those of all.
    tags: Range<u32>,
}

/// What is looked for among, by the VMs' numbers.
#[derive(Debug)]
pub(super) struct Among {
    /// How much each is used; `None` where it is not looked for.
    pub(super) weights: Vec<Option<u32>>,
    /// What the user has noted about those that there is a note about, in lower case.
    pub(super) notes: HashMap<usize, String>,
}

/// All VMs, by name. Texts are in lower case, and what many VMs share is there once. A keystroke reads through all of it, so it
/// lies together and in that order: what is scattered takes several times as long among a hundred thousand.
#[derive(Debug)]
pub(super) struct Index {
    entries: Vec<Entry>,
    texts: String,
    tags: Vec<u32>,
    shared: Vec<Box<str>>,
}

/// Gives a text that many share its number.
#[derive(Default)]
struct Shared {
    texts: Vec<Box<str>>,
    numbers: HashMap<Box<str>, u32>,
}

impl Shared {
    fn number(&mut self, text: &str) -> u32 {
        let text = text.to_ascii_lowercase();
        if let Some(number) = self.numbers.get(text.as_str()) {
            return *number;
        }
        let number = narrow(self.texts.len());
        self.texts.push(text.as_str().into());
        self.numbers.insert(text.into(), number);
        number
    }
}

impl Index {
    /// Of a VM that several parts show, the first of them counts.
    pub(super) fn new(parts: &[Part]) -> Self {
        let mut seen = HashSet::new();
        let all = parts.iter().enumerate().flat_map(|(part, of_part)| {
            let places = of_part.vms.iter().enumerate();
            places.map(move |(vm, shown)| (At { part, vm }, (&of_part.viewpoint.cloud, &shown.id)))
        });
        let mut places: Vec<At> = all.filter_map(|(at, vm)| seen.insert(vm).then_some(at)).collect();
        let vm = |at: &At| &parts[at.part].vms[at.vm];
        places.sort_by_cached_key(|at| vm(at).id.name().to_ascii_lowercase());

        let mut index = Self {
            entries: Vec::with_capacity(places.len()),
            texts: String::new(),
            tags: Vec::new(),
            shared: Vec::new(),
        };
        let mut shared = Shared::default();
        for at in places {
            index.add(at, vm(&at), &mut shared);
        }
        index.texts.shrink_to_fit();
        index.tags.shrink_to_fit();
        Self { shared: shared.texts, ..index }
    }

    fn add(&mut self, at: At, vm: &InventoryVm, shared: &mut Shared) {
        let from = narrow(self.texts.len());
        self.texts.extend(vm.id.name().chars().map(|c| c.to_ascii_lowercase()));
        let name = from..narrow(self.texts.len());
        for address in vm.private_addresses.iter().chain(&*vm.public_addresses) {
            // Written to a text, which takes all that there is memory for.
            let _written = write!(self.texts, "{address} ");
        }
        let first_tag = narrow(self.tags.len());
        self.tags.extend(vm.tags.iter().map(|(name, value)| shared.number(&format!("{name}={value}"))));
        self.entries.push(Entry {
            at: (narrow(at.part), narrow(at.vm)),
            name,
            addresses_end: narrow(self.texts.len()),
            group: shared.number(vm.id.resource().resource_group()),
            subscription: shared.number(vm.subscription_name()),
            subscription_id: shared.number(vm.id.resource().subscription_id()),
            tags: first_tag..narrow(self.tags.len()),
        });
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    fn at(entry: &Entry) -> At {
        At { part: wide(entry.at.0), vm: wide(entry.at.1) }
    }

    fn name(&self, entry: &Entry) -> &str {
        &self.texts[span(&entry.name)]
    }

    /// Whether a word is a resource id of Azure's that the VM has, or lies under.
    fn lies_under(&self, entry: &Entry, id: &str) -> bool {
        let Entry { group, subscription_id, .. } = entry;
        let of = |number: u32| &self.shared[wide(number)];
        let (subscription, group, name) = (of(*subscription_id), of(*group), self.name(entry));
        let whole = format!(
            "/subscriptions/{subscription}/resourcegroups/{group}/providers/microsoft.compute/virtualmachines/{name}"
        );
        whole.strip_prefix(id.trim_end_matches('/')).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }

    /// Its addresses, each with a space behind it.
    fn addresses(&self, entry: &Entry) -> &str {
        &self.texts[span(&(entry.name.end..entry.addresses_end))]
    }

    /// Where in the order of the names that one is, or would be.
    fn first_of(&self, name: &str) -> usize {
        self.entries.partition_point(|entry| self.name(entry) < name)
    }

    /// The VMs of that name, whatever its case, with their numbers.
    pub(super) fn named(&self, name: &str) -> impl Iterator<Item = (usize, At)> {
        let name = name.to_ascii_lowercase();
        let first = self.first_of(&name);
        let same = self.entries[first..].iter().take_while(move |entry| *self.name(entry) == *name);
        same.enumerate().map(move |(place, entry)| (first + place, Self::at(entry)))
    }

    /// The VMs whose names begin so, whatever its case.
    pub(super) fn beginning(&self, name: &str) -> impl Iterator<Item = At> {
        let name = name.to_ascii_lowercase();
        let first = self.first_of(&name);
        self.entries[first..].iter().take_while(move |entry| self.name(entry).starts_with(&name)).map(Self::at)
    }

    /// Of the VMs that fit, `limit` after the `skip` best, the best one first, and how many fit.
    pub(super) fn find(&self, query: &str, skip: usize, limit: usize, among: &Among) -> (Vec<At>, usize) {
        let whole = query.trim().to_ascii_lowercase();
        let words: Vec<Word<'_>> = whole.split_whitespace().map(|word| Word::new(word, &self.shared)).collect();
        let mut matcher = Matcher::new(Config::DEFAULT);
        let mut best = Best::of(skip.saturating_add(limit));
        let scored = self.entries.iter().enumerate().filter_map(|(number, entry)| {
            let weight = among.weights[number]?;
            let note = among.notes.get(&number).map(String::as_str);
            let score = words.iter().map(|word| word.score(self, entry, note, &mut matcher)).sum::<Option<u32>>()?;
            let is_it = *self.name(entry) == *whole || self.addresses(entry).split(' ').any(|one| one == whole);
            Some(Reverse((is_it && !whole.is_empty(), score, weight, Reverse(narrow(number)))))
        });
        scored.for_each(|one| best.take(one));
        let total = best.total;
        let at = |Reverse((.., Reverse(number))): Scored| Self::at(&self.entries[wide(number)]);
        (best.in_order().into_iter().skip(skip).map(at).collect(), total)
    }
}

/// A VM that fits, the best one first: whether it is called just so or has just that address, how well it fits, how much it is used, and its number.
type Scored = Reverse<(bool, u32, u32, Reverse<u32>)>;

/// The best of many that fit. The others need no room, and no order.
struct Best {
    wanted: usize,
    total: usize,
    so_far: Vec<Scored>,
}

impl Best {
    fn of(wanted: usize) -> Self {
        Self { wanted, total: 0, so_far: Vec::new() }
    }

    fn take(&mut self, one: Scored) {
        self.total += 1;
        self.so_far.push(one);
        // As seldom as it takes for it to cost no more than a look at each.
        if self.so_far.len() >= self.wanted.saturating_mul(2).max(1024) {
            self.leave_the_rest();
        }
    }

    fn leave_the_rest(&mut self) {
        if self.wanted < self.so_far.len() {
            self.so_far.select_nth_unstable(self.wanted);
            self.so_far.truncate(self.wanted);
        }
    }

    fn in_order(mut self) -> Vec<Scored> {
        self.leave_the_rest();
        self.so_far.sort_unstable();
        self.so_far
    }
}

/// A word of a query, and how well it fits the texts that many VMs share.
struct Word<'w> {
    text: &'w str,
    fuzzy: Atom,
    shared: Vec<Option<u32>>,
    id: Option<Id>,
}

/// What a word is, if it is a whole id: no VM is found by a part of one, which would be in half of all.
enum Id {
    Subscription,
    Resource,
}

impl Id {
    fn of(word: &str) -> Option<Self> {
        let is_hex =
            |group: &str, length: usize| group.len() == length && group.bytes().all(|byte| byte.is_ascii_hexdigit());
        let groups: Vec<_> = word.split('-').collect();
        if groups.len() == 5 && groups.iter().zip([8, 4, 4, 4, 12]).all(|(group, length)| is_hex(group, length)) {
            Some(Self::Subscription)
        } else {
            word.starts_with("/subscriptions/").then_some(Self::Resource)
        }
    }
}

impl<'w> Word<'w> {
    fn new(text: &'w str, shared: &[Box<str>]) -> Self {
        // Spaces are not in it, and no other character means anything but itself.
        let fuzzy = Atom::new(text, CaseMatching::Ignore, Normalization::Smart, AtomKind::Fuzzy, false);
        let mut matcher = Matcher::new(Config::DEFAULT);
        let shared = shared.iter().map(|text| score(&fuzzy, text, &mut matcher)).collect();
        Self { text, fuzzy, shared, id: Id::of(text) }
    }

    /// How well it fits what of a VM it fits best; `None` where it fits nothing.
    fn score(&self, index: &Index, entry: &Entry, note: Option<&str>, matcher: &mut Matcher) -> Option<u32> {
        let shared = |number: u32| self.shared[wide(number)];
        let name = score(&self.fuzzy, index.name(entry), matcher).map(|score| score * OF_NAME);
        // Digits of an address are together, or they would be in half of all addresses.
        let address = in_addresses(self.text, index.addresses(entry)).map(|more| {
            let length = u32::try_from(self.text.len()).unwrap_or(u32::MAX);
            length.saturating_add(more).saturating_mul(LIKE_A_CHARACTER).saturating_mul(OF_ADDRESS)
        });
        let places = [entry.group, entry.subscription].into_iter().filter_map(shared).map(|score| score * OF_PLACE);
        let tags = index.tags[span(&entry.tags)].iter().copied().filter_map(shared).map(|score| score * OF_TAG);
        // Letters that are gathered from all over a sentence are no sign of anything.
        let noted = note.iter().flat_map(|note| note.split_whitespace());
        let note = noted.filter_map(|noted| score(&self.fuzzy, noted, matcher)).map(|score| score * OF_NOTE).max();
        let has_id = match self.id {
            Some(Id::Subscription) => *index.shared[wide(entry.subscription_id)] == *self.text,
            Some(Id::Resource) => index.lies_under(entry, self.text),
            None => false,
        };
        let by_id = has_id.then_some(OF_NAME * LIKE_A_CHARACTER);
        name.into_iter().chain(by_id).chain(address).chain(places).chain(tags).chain(note).max()
    }
}

/// How much more than by its characters a text fits one of some addresses with spaces behind them: most if it is all of one,
/// a little if it begins or ends one, and not within a number. `None` where it fits none.
fn in_addresses(text: &str, addresses: &str) -> Option<u32> {
    let fits = |(at, found): (usize, &str)| {
        let before = addresses[..at].chars().next_back();
        let behind = addresses[at + found.len()..].chars().next();
        let (begins, ends) = (before.is_none_or(|c| c == ' '), behind.is_none_or(|c| c == ' '));
        let is_apart = |c: Option<char>| c.is_none_or(|c| !c.is_ascii_digit());
        match (begins, ends) {
            (true, true) => 4,
            (true, false) | (false, true) if is_apart(before) && is_apart(behind) => 2,
            (true | false, false) | (false, true) => 0,
        }
    };
    addresses.match_indices(text).map(fits).max()
}

/// About what the matcher gives for a character in its place.
const LIKE_A_CHARACTER: u32 = 16;

fn score(atom: &Atom, text: &str, matcher: &mut Matcher) -> Option<u32> {
    let mut characters = Vec::new();
    atom.score(Utf32Str::new(text, &mut characters), matcher).map(u32::from)
}

/// A place among texts that are shorter than four gigabytes: those of some forty million VMs. Half the room is half the reading.
fn narrow(place: usize) -> u32 {
    u32::try_from(place).unwrap_or(u32::MAX)
}

fn wide(place: u32) -> usize {
    usize::try_from(place).unwrap_or(usize::MAX)
}

fn span(range: &Range<u32>) -> Range<usize> {
    wide(range.start)..wide(range.end)
}
