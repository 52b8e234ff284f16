//! Typed reading of a TOML tree that knows where everything stands.
//!
//! The tree is walked by hand, not through serde: an error of serde has a place only sometimes, its kind only
//! as words of a sentence.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::ops::{Range, RangeInclusive};
use std::path::Path;

use serde::Deserialize;
use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue, ValueDeserializer};

use super::error::{ManifestError, Problem, shown};
use super::keys::Section;
use super::rules;

/// The limit, in bytes, of a short text.
const SHORT: usize = 256;
/// The limit, in bytes, of a description.
const LONG: usize = 4096;

/// The text being read and where it came from.
pub(super) struct Source<'d> {
    pub(super) text: &'d str,
    pub(super) path: &'d Path,
}

impl Source<'_> {
    pub(super) fn fail(&self, span: Range<usize>, problem: Problem) -> ManifestError {
        ManifestError::at(self.path, self.text, span, problem)
    }
}

/// A table whose keys are all known.
pub(super) struct Table<'d> {
    source: &'d Source<'d>,
    section: &'static Section,
    /// How messages call it; empty at the top.
    name: String,
    span: Range<usize>,
    entries: &'d DeTable<'d>,
}

impl<'d> Table<'d> {
    pub(super) fn new(
        source: &'d Source<'d>,
        section: &'static Section,
        name: String,
        span: Range<usize>,
        entries: &'d DeTable<'d>,
    ) -> Result<Self, ManifestError> {
        let unknown = entries
            .keys()
            .filter(|key| section.key(key.get_ref()).is_none())
            .min_by_key(|key| key.span().start);
        if let Some(key) = unknown {
            let text: &str = key.get_ref();
            let suggestion = rules::nearest(text, section.keys.iter().map(|key| key.name)).map(str::to_owned);
            let problem = Problem::UnknownKey { key: shown(text), table: shown(&name), suggestion };
            return Err(source.fail(key.span(), problem));
        }
        Ok(Self { source, section, name, span, entries })
    }

    /// The value of `key`, if it is there.
    pub(super) fn get(&self, key: &'static str) -> Option<Item<'d>> {
        debug_assert!(self.section.key(key).is_some(), "`{key}` is not listed in {:?}", self.section.name);
        let value = self.entries.get(key)?;
        Some(Item { source: self.source, key: self.full(key), value })
    }

    /// The value of `key`, which must be there.
    pub(super) fn need(&self, key: &'static str) -> Result<Item<'d>, ManifestError> {
        self.get(key).ok_or_else(|| {
            let example = self.section.key(key).map_or("…", |key| key.example);
            let problem = Problem::MissingKey {
                key: self.full(key).into_owned(),
                example: format!("{key} = {example}"),
            };
            self.source.fail(self.span.clone(), problem)
        })
    }

    fn full(&self, key: &'static str) -> Cow<'static, str> {
        if self.name.is_empty() { Cow::Borrowed(key) } else { Cow::Owned(format!("{}.{key}", self.name)) }
    }

    /// A text of several lines, if it is there.
    pub(super) fn text(&self, key: &'static str) -> Result<Option<String>, ManifestError> {
        let Some(item) = self.get(key) else { return Ok(None) };
        let text = item.text(LONG)?;
        match text.lines().try_for_each(rules::line) {
            Ok(()) => Ok(Some(text.to_owned())),
            Err(reason) => Err(item.fail(Problem::BadName { key: item.key(), found: shown(text), reason })),
        }
    }

    /// A text that obeys a rule, if it is there.
    pub(super) fn ruled(&self, key: &'static str, rule: Rule) -> Result<Option<String>, ManifestError> {
        self.get(key).map(|item| item.ruled(rule)).transpose()
    }

    /// A list of texts that obey a rule, none of them twice; empty when it is not there.
    pub(super) fn list(&self, key: &'static str, rule: Rule) -> Result<Vec<String>, ManifestError> {
        Ok(self.get(key).map(|item| item.distinct(|item| item.ruled(rule))).transpose()?.unwrap_or_default())
    }

    /// `true` or `false`; `false` when it is not there.
    pub(super) fn flag(&self, key: &'static str) -> Result<bool, ManifestError> {
        Ok(self.get(key).map(|item| item.flag()).transpose()?.unwrap_or_default())
    }
}

/// What a text must look like; the error says what to write instead.
pub(super) type Rule = fn(&str) -> Result<(), String>;

/// A value and the key it stands under.
#[derive(Clone)]
pub(super) struct Item<'d> {
    pub(super) source: &'d Source<'d>,
    pub(super) key: Cow<'d, str>,
    pub(super) value: &'d Spanned<DeValue<'d>>,
}

impl<'d> Item<'d> {
    pub(super) fn fail(&self, problem: Problem) -> ManifestError {
        self.source.fail(self.value.span(), problem)
    }

    /// The error of a value of another type.
    pub(super) fn wrong(&self, expected: &'static str) -> ManifestError {
        let found = match self.value.get_ref() {
            DeValue::String(_) => "a text",
            DeValue::Integer(_) => "a whole number",
            DeValue::Float(_) => "a fraction",
            DeValue::Boolean(_) => "true or false",
            DeValue::Datetime(_) => "a date",
            DeValue::Array(_) => "a list",
            DeValue::Table(_) => "a table",
        };
        self.fail(Problem::WrongType { key: self.key(), expected, found })
    }

    pub(super) fn key(&self) -> String {
        shown(&self.key)
    }

    pub(super) fn text(&self, limit: usize) -> Result<&'d str, ManifestError> {
        let DeValue::String(text) = self.value.get_ref() else {
            return Err(self.wrong("a text"));
        };
        if text.trim().is_empty() {
            return Err(self.fail(Problem::Empty { key: self.key() }));
        }
        if text.len() > limit {
            return Err(self.fail(Problem::TooLong { key: self.key(), bytes: text.len(), limit }));
        }
        Ok(text)
    }

    /// Reads a short text with `read`; `problem` makes an error of (key, text, what `read` said).
    pub(super) fn read<T, E>(
        &self,
        read: impl FnOnce(&str) -> Result<T, E>,
        problem: impl FnOnce(String, String, E) -> Problem,
    ) -> Result<T, ManifestError> {
        let text = self.text(SHORT)?;
        read(text).map_err(|reason| self.fail(problem(self.key(), shown(text), reason)))
    }

    pub(super) fn ruled(&self, rule: Rule) -> Result<String, ManifestError> {
        self.read(rule, |key, found, reason| Problem::BadName { key, found, reason })?;
        self.text(SHORT).map(str::to_owned)
    }

    pub(super) fn flag(&self) -> Result<bool, ManifestError> {
        match self.value.get_ref() {
            DeValue::Boolean(flag) => Ok(*flag),
            _ => Err(self.wrong("true or false")),
        }
    }

    /// A whole number; one beyond 64 bits is the nearest that fits.
    pub(super) fn integer(&self) -> Result<i64, ManifestError> {
        let DeValue::Integer(digits) = self.value.get_ref() else {
            return Err(self.wrong("a whole number"));
        };
        let least = if digits.as_str().starts_with('-') { i64::MIN } else { i64::MAX };
        Ok(i64::from_str_radix(digits.as_str(), digits.radix()).unwrap_or(least))
    }

    pub(super) fn number(&self, range: RangeInclusive<u32>) -> Result<u32, ManifestError> {
        let number = self.integer()?;
        u32::try_from(number).ok().filter(|number| range.contains(number)).ok_or_else(|| {
            let reason = format!("write a number from {} to {}", range.start(), range.end());
            self.fail(Problem::BadQuantity { key: self.key(), found: number.to_string(), reason })
        })
    }

    /// One of a few words.
    pub(super) fn choice<T: Copy>(&self, words: &[(&str, T)]) -> Result<T, ManifestError> {
        let find =
            |text: &str| words.iter().find(|(word, _)| *word == text).map(|(_, value)| *value).ok_or(());
        self.read(find, |key, found, ()| {
            let allowed: Vec<_> = words.iter().map(|(word, _)| format!("`{word}`")).collect();
            Problem::BadChoice { key, found, allowed: allowed.join(", ") }
        })
    }

    /// A list; messages call its members by the list's key.
    pub(super) fn members(&self) -> Result<impl Iterator<Item = Item<'d>> + use<'d>, ManifestError> {
        let DeValue::Array(members) = self.value.get_ref() else {
            return Err(self.wrong("a list"));
        };
        let (source, key) = (self.source, self.key.clone());
        Ok(members.iter().map(move |value| Item { source, key: key.clone(), value }))
    }

    /// A list that holds nothing twice.
    pub(super) fn distinct<T: Clone + Ord + ToString>(
        &self,
        read: impl Fn(&Item<'d>) -> Result<T, ManifestError>,
    ) -> Result<Vec<T>, ManifestError> {
        let mut seen = BTreeSet::new();
        let mut list = Vec::new();
        for member in self.members()? {
            let value = read(&member)?;
            if !seen.insert(value.clone()) {
                let value = shown(&value.to_string());
                return Err(member.fail(Problem::Duplicate { key: self.key(), value }));
            }
            list.push(value);
        }
        Ok(list)
    }

    /// A table with the keys of `section`.
    pub(super) fn table(&self, section: &'static Section) -> Result<Table<'d>, ManifestError> {
        let entries = self.value.get_ref().as_table().ok_or_else(|| self.wrong("a table"))?;
        Table::new(self.source, section, self.key.clone().into_owned(), self.value.span(), entries)
    }

    /// A table whose keys the author chooses, in the order of the file.
    pub(super) fn entries(&self) -> Result<Vec<(&'d Spanned<DeString<'d>>, Item<'d>)>, ManifestError> {
        let entries = self.value.get_ref().as_table().ok_or_else(|| self.wrong("a table"))?;
        let mut entries: Vec<_> = entries
            .iter()
            .map(|(name, value)| {
                let key = Cow::Owned(format!("{}.{}", self.key, name.get_ref()));
                (name, Item { source: self.source, key, value })
            })
            .collect();
        entries.sort_by_key(|(name, _)| name.span().start);
        Ok(entries)
    }

    /// A table that only the plugin understands.
    pub(super) fn free_table(&self) -> Result<toml::Table, ManifestError> {
        if !self.value.get_ref().is_table() {
            return Err(self.wrong("a table"));
        }
        toml::Table::deserialize(ValueDeserializer::from(self.value.clone())).map_err(|error| {
            let span = error.span().unwrap_or_else(|| self.value.span());
            self.source.fail(span, Problem::Syntax { reason: shown(error.message()) })
        })
    }
}
