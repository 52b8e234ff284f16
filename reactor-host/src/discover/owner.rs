//! Who else could decide what stands at a path.
//!
//! Owns the rule (a file that is run, and every folder on the way to it, can be changed by this user and root only) and
//! the walk that judges it. Must never know what is in a file.
//!
//! A name is worth nothing as evidence: it may lead elsewhere a moment later. So the walk goes down from the root one
//! descriptor at a time, follows links itself, and what it hands out is the very file whose way was judged.

use std::fmt::Write as _;
use std::path::PathBuf;

use thiserror::Error;

#[cfg(not(unix))]
mod other;
#[cfg(unix)]
mod private_group;
#[cfg(all(test, unix))]
mod tests;
#[cfg(unix)]
mod unix;

#[cfg(not(unix))]
pub(super) use self::other::{check_folder, check_folder_here, open};
#[cfg(unix)]
pub(super) use self::unix::{check_folder, check_folder_here, open};

/// Why the walk did not reach the end.
#[derive(Debug)]
pub(super) enum Fault {
    /// The system's answer.
    System(std::io::Error),
    /// Somebody else has a say.
    #[cfg_attr(not(unix), expect(dead_code, reason = "owners are judged on Unix only"))]
    Exposed(Box<Exposed>),
}

impl From<std::io::Error> for Fault {
    fn from(error: std::io::Error) -> Self {
        Self::System(error)
    }
}

/// How somebody else has a say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Exposure {
    /// It belongs to another user than this process's, and not to root.
    Foreign,
    /// Its group, which is not the user's own, or everybody can write to it.
    Writable,
}

/// A file or folder that others can change, so that they would decide what code runs here.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Culprit {
    /// Where it stands, links resolved.
    pub path: PathBuf,
    /// What is wrong with it.
    pub exposure: Exposure,
    /// Its mode: permission bits, with the sticky bit.
    pub mode: u32,
    /// The number of the user that it belongs to.
    pub owner: u32,
}

/// Something in a plugin folder that is not used, since others than this user and root could have put it there.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{}", self.sentence())]
#[non_exhaustive]
pub struct Exposed {
    /// What is not used: a plugin folder, a manifest or a library.
    pub path: PathBuf,
    /// The user that this process acts for.
    pub user: u32,
    /// All that others can change: the thing itself, or folders on the way to it. Never empty.
    pub culprits: Vec<Culprit>,
}

impl Exposed {
    /// The stable code of this kind of error.
    pub fn code(&self) -> &'static str {
        match self.culprits.first().map(|first| first.exposure) {
            Some(Exposure::Foreign) | None => "RE0163",
            Some(Exposure::Writable) => "RE0164",
        }
    }

    fn sentence(&self) -> String {
        let mut text = format!("{} is not used:", self.path.display());
        for (index, culprit) in self.culprits.iter().enumerate() {
            let Culprit { path, mode, owner, .. } = culprit;
            let what = match culprit.exposure {
                Exposure::Foreign => format!("belongs neither to user {} nor to root", self.user),
                Exposure::Writable if mode & 0o002 == 0 => "can be changed by its group".to_owned(),
                Exposure::Writable => "can be changed by everybody".to_owned(),
            };
            let comma = if index == 0 { "" } else { "," };
            let which = if *path == self.path { "it".to_owned() } else { path.display().to_string() };
            // Writing to a text can not fail.
            let _ = write!(text, "{comma} {which} (mode {mode:04o}, owner {owner}) {what}");
        }
        let paths = |exposure| -> String {
            let culprits = self.culprits.iter().filter(|culprit| culprit.exposure == exposure);
            culprits.map(|culprit| culprit.path.display().to_string()).collect::<Vec<_>>().join(" ")
        };
        let (foreign, writable) = (paths(Exposure::Foreign), paths(Exposure::Writable));
        let mut cures = Vec::new();
        if !foreign.is_empty() {
            cures.push(format!("`chown {} {foreign}`", self.user));
        }
        if !writable.is_empty() {
            cures.push(format!("`chmod go-w {writable}`"));
        }
        let _ = write!(
            text,
            "; run {}, or accept it for development with `allow_shared_folders` (`--allow-shared-folders`)",
            cures.join(" and ")
        );
        text
    }
}
