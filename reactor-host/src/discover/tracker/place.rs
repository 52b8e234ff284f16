//! What the tracker remembers of one path.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use semver::Version;

use super::super::{Candidate, ContentHash, DiscoverError, Entry, Outcome, Stamp};
use crate::manifest::{Manifest, PluginId};

/// The build that was last taken from a path. The bytes are not kept: every plugin would be held twice.
pub(super) struct Build {
    pub(super) manifest: Manifest,
    hash: ContentHash,
}

impl Build {
    fn of(candidate: &Candidate) -> Self {
        Self { manifest: candidate.manifest.clone(), hash: candidate.hash }
    }
}

/// What stands at the path but has not rested yet.
struct Held {
    stamp: Stamp,
    since: Instant,
    id: Option<PluginId>,
    what: Result<Box<Candidate>, DiscoverError>,
}

#[derive(Default)]
pub(super) struct Place {
    pub(super) build: Option<Build>,
    pub(super) missing_since: Option<Instant>,
    /// Next in line: its bytes are needed again.
    pub(super) wanted: bool,
    /// It was missing, and what came back is not decided yet.
    returning: bool,
    held: Option<Held>,
    /// The state of the files that a reason was given for, and the reason's code.
    refused: Option<(Stamp, &'static str)>,
    /// The build that the policy did not accept.
    declined: Option<Build>,
    listed: bool,
}

/// What one look at a path came to.
pub(super) enum Verdict {
    Nothing,
    Restored(PathBuf),
    Refused { source: PathBuf, id: Option<PluginId>, error: DiscoverError },
    Complete(Box<Candidate>),
}

impl Place {
    pub(super) fn observe(&mut self, entry: Entry, rested: bool, quiet: Duration, now: Instant) -> Verdict {
        self.returning |= self.missing_since.take().is_some();
        let Entry { source, id, stamp, outcome, .. } = entry;
        let what = match outcome {
            Outcome::Unchanged => return self.unchanged(source, stamp, rested, quiet, now),
            Outcome::Candidate(candidate) => Ok(candidate),
            Outcome::Unsettled { reason } => Err(reason),
            Outcome::Refused(error) => Err(error),
        };
        self.wanted = false;
        if let Ok(candidate) = &what {
            let same = |build: &Build| build.hash == candidate.hash && build.manifest == candidate.manifest;
            if self.build.as_ref().is_some_and(same) {
                return self.current(source);
            }
            if self.declined.as_ref().is_some_and(same) {
                self.held = None;
                return Verdict::Nothing;
            }
        } else if let (Err(error), Some(told)) = (&what, self.refused)
            && told == (stamp, error.code())
        {
            self.held = None;
            return Verdict::Nothing;
        }
        let since = self.held.as_ref().filter(|held| held.stamp == stamp).map_or(now, |held| held.since);
        self.held = Some(Held { stamp, since, id, what });
        self.decide(source, rested, quiet, now)
    }

    /// Nothing was read, but what is held may have rested by now.
    fn unchanged(
        &mut self,
        source: PathBuf,
        stamp: Stamp,
        rested: bool,
        quiet: Duration,
        now: Instant,
    ) -> Verdict {
        if self.held.as_ref().is_some_and(|held| held.stamp == stamp) {
            return self.decide(source, rested, quiet, now);
        }
        self.held = None;
        if self.build.is_some() && self.refused.is_none_or(|(told, _)| told != stamp) {
            self.current(source)
        } else {
            Verdict::Nothing
        }
    }

    /// The build that was last taken stands there again, or still.
    fn current(&mut self, source: PathBuf) -> Verdict {
        self.held = None;
        let recovered = self.refused.take().is_some();
        let returned = std::mem::take(&mut self.returning);
        if returned || recovered { Verdict::Restored(source) } else { Verdict::Nothing }
    }

    fn decide(&mut self, source: PathBuf, rested: bool, quiet: Duration, now: Instant) -> Verdict {
        let Some(held) = self.held.take() else { return Verdict::Nothing };
        let changing = matches!(held.what, Err(DiscoverError::Changing { .. }));
        let waited = now.saturating_duration_since(held.since) >= quiet;
        if changing || !(rested || waited) {
            let since = if changing { now } else { held.since };
            self.held = Some(Held { since, ..held });
            return Verdict::Nothing;
        }
        match held.what {
            Ok(candidate) => Verdict::Complete(candidate),
            Err(error) => {
                self.refused = Some((held.stamp, error.code()));
                self.listed = true;
                Verdict::Refused { source, id: held.id, error }
            }
        }
    }

    /// Marks it missing; returns since when.
    pub(super) fn miss(&mut self, now: Instant) -> Instant {
        (self.held, self.refused, self.declined, self.wanted) = (None, None, None, false);
        *self.missing_since.get_or_insert(now)
    }

    /// Remembers `candidate` as what stands here.
    pub(super) fn take(&mut self, candidate: &Candidate) {
        self.build = Some(Build::of(candidate));
        (self.refused, self.declined) = (None, None);
        (self.returning, self.listed) = (false, false);
    }

    /// Remembers `candidate` as what stands here and is not accepted.
    pub(super) fn decline(&mut self, candidate: &Candidate) {
        self.declined = Some(Build::of(candidate));
        self.refused = None;
    }

    /// Puts it in line: it is judged afresh when its bytes have been read again.
    pub(super) fn want(&mut self) {
        self.build = None;
        self.wanted = true;
    }

    /// Remembers that a reason was given for not using what stands here.
    pub(super) fn tell(&mut self) {
        self.listed = true;
    }

    /// Whether somebody was told that this is here and not used.
    pub(super) fn is_told(&self) -> bool {
        self.listed
    }

    pub(super) fn version(&self) -> Option<&Version> {
        self.build.as_ref().map(|build| &build.manifest.version)
    }

    pub(super) fn deadline(&self, quiet: Duration) -> Option<Instant> {
        self.held.as_ref().and_then(|held| held.since.checked_add(quiet))
    }
}
