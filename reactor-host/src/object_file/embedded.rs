//! What the export macro puts in a library for readers that run none of it.
//!
//! The section `.reactor` (`__DATA,__reactor` in Mach-O) holds [`EMBEDDED_MAGIC`], the lengths of two texts
//! as little-endian `u32`, and the texts: facts of the build as `key=value` lines, and the manifest. Zeros
//! may follow.

use std::collections::BTreeMap;
use std::str::FromStr;

use semver::Version;
use serde::Serialize;

use super::ObjectError;
use crate::manifest::MAX_MANIFEST_BYTES;

/// The first bytes of the section; the last one is the version of this layout.
pub const EMBEDDED_MAGIC: [u8; 8] = *b"REACTOR\x01";

/// The longest text of facts, in bytes.
const MAX_FACTS_BYTES: usize = 16 * 1024;

/// The facts of a build and the manifest that was embedded with them.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Embedded {
    /// How the library was built.
    pub facts: BuildFacts,
    /// The text of its manifest, unread.
    pub manifest_text: String,
}

/// How a library was built, as it says itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct BuildFacts {
    /// The version of the plugin API that it was built against.
    pub api: Version,
    /// The fingerprint of the layouts that it shares with the host.
    pub fingerprint: u64,
    /// The target triple.
    pub target: String,
    /// The compiler, with its version.
    pub compiler: String,
    /// The panic strategy: `unwind` or `abort`.
    pub panic: String,
    /// Whether it holds the definitions without which it is never closed.
    pub planted: bool,
    /// The package and its version.
    pub package: String,
    /// Keys that this host does not know.
    pub other: BTreeMap<String, String>,
}

fn bad(reason: impl Into<std::borrow::Cow<'static, str>>) -> ObjectError {
    ObjectError::Embedded { reason: reason.into() }
}

impl Embedded {
    /// Reads the section's bytes into `place`, which a second section of the name finds taken.
    pub(super) fn only(place: &mut Option<Self>, section: &[u8]) -> Result<(), ObjectError> {
        if place.is_some() {
            return Err(bad("there are two sections for it; link one plugin into a library"));
        }
        *place = Some(Self::read(section)?);
        Ok(())
    }

    /// Reads the section's bytes.
    pub(super) fn read(section: &[u8]) -> Result<Self, ObjectError> {
        let Some((magic, rest)) = section.split_first_chunk::<8>() else {
            return Err(bad("its section is too short"));
        };
        if *magic == [0; 8] {
            return Err(ObjectError::ZeroFilled { what: "the embedded manifest" });
        }
        if magic[..7] != EMBEDDED_MAGIC[..7] {
            return Err(bad("its section begins with other bytes than `REACTOR`"));
        }
        if *magic != EMBEDDED_MAGIC {
            return Err(bad(format!("layout {} is not known to this host, which reads layout 1", magic[7])));
        }
        let (facts, rest) = length(rest, "facts", MAX_FACTS_BYTES)?;
        let (manifest, rest) = length(rest, "manifest", MAX_MANIFEST_BYTES)?;
        let (facts, rest) = text(rest, facts, "facts")?;
        let (manifest, rest) = text(rest, manifest, "manifest")?;
        // A second record would be silently ignored otherwise, and chance would decide which plugin this is.
        if rest.iter().any(|byte| *byte != 0) {
            return Err(bad("something follows the manifest; link one plugin into a library"));
        }
        Ok(Self { facts: BuildFacts::read(facts)?, manifest_text: manifest.to_owned() })
    }
}

fn length<'a>(bytes: &'a [u8], what: &str, limit: usize) -> Result<(usize, &'a [u8]), ObjectError> {
    let Some((length, rest)) = bytes.split_first_chunk::<4>() else {
        return Err(bad("its section is too short"));
    };
    let length = u32::from_le_bytes(*length);
    match usize::try_from(length) {
        Ok(length) if length <= limit => Ok((length, rest)),
        _ => Err(bad(format!("its {what} has {length} bytes, more than {limit}"))),
    }
}

fn text<'a>(bytes: &'a [u8], length: usize, what: &str) -> Result<(&'a str, &'a [u8]), ObjectError> {
    let Some((text, rest)) = bytes.split_at_checked(length) else {
        return Err(bad(format!("its section ends inside the {what}")));
    };
    let text = std::str::from_utf8(text).map_err(|_| bad(format!("its {what} is not UTF-8")))?;
    Ok((text, rest))
}

impl BuildFacts {
    fn read(text: &str) -> Result<Self, ObjectError> {
        let mut values = BTreeMap::new();
        for line in text.lines().filter(|line| !line.is_empty()) {
            let Some((key, value)) = line.split_once('=') else {
                return Err(bad(format!("the fact `{}` has no `=`", line.escape_debug())));
            };
            if values.insert(key.to_owned(), value.to_owned()).is_some() {
                return Err(bad(format!("the fact `{}` is given twice", key.escape_debug())));
            }
        }
        Ok(Self {
            api: parsed(&mut values, "api", |text| Version::from_str(text).ok())?,
            fingerprint: parsed(&mut values, "fingerprint", hexadecimal)?,
            target: fact(&mut values, "target")?,
            compiler: fact(&mut values, "compiler")?,
            panic: fact(&mut values, "panic")?,
            planted: parsed(&mut values, "planted", |text| text.parse().ok())?,
            package: fact(&mut values, "package")?,
            other: values,
        })
    }
}

fn fact(values: &mut BTreeMap<String, String>, key: &str) -> Result<String, ObjectError> {
    values.remove(key).ok_or_else(|| bad(format!("the fact `{key}` is missing")))
}

fn parsed<T>(
    values: &mut BTreeMap<String, String>,
    key: &str,
    read: impl FnOnce(&str) -> Option<T>,
) -> Result<T, ObjectError> {
    let text = fact(values, key)?;
    read(&text).ok_or_else(|| bad(format!("the fact `{key}` cannot be read from `{}`", text.escape_debug())))
}

fn hexadecimal(text: &str) -> Option<u64> {
    // `from_str_radix` alone would take a sign.
    if text.bytes().all(|byte| byte.is_ascii_hexdigit()) { u64::from_str_radix(text, 16).ok() } else { None }
}
