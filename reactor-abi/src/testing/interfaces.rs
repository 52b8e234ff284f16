//! Interfaces on a bench: who provides which, and the cells that lead there.

use std::any::Any;
use std::sync::atomic::Ordering;

use semver::{Version, VersionReq};

use super::code;
use super::world::{Seat, World};
use crate::error::{Error, Result};
use crate::ffi::interface::Offer;
use crate::ffi::stand_in::{Bound, Wire, WireState};
use crate::interface::agreement::{self, Comparable, Side};
use crate::interface::{Descriptor, Provider, Want};

/// The interfaces of a world.
#[derive(Default)]
pub(super) struct Interfaces {
    offers: Vec<Offered>,
    wires: Vec<Imported>,
    /// Whether calls are encoded, as they are between processes.
    pub(super) encoded: bool,
}

/// A cell that was asked for.
struct Imported {
    want: Want,
    wire: &'static Wire,
    /// Whom it leads to.
    to: Option<Whom>,
}

/// Plugin and generation.
type Whom = (String, u64);

struct Offered {
    plugin: String,
    generation: u64,
    descriptor: Descriptor,
    bound: Bound,
    /// What keeps the object, where that is not an instance.
    _object: Option<Box<dyn Any + Send + Sync>>,
}

impl Interfaces {
    /// The first offer that fits, or why none does.
    fn find(&self, want: &Want) -> Result<(&Offered, Vec<Option<u32>>)> {
        let name = &want.descriptor.name;
        let range = VersionReq::parse(&want.range).map_err(|error| {
            Error::new("RE0745", format!("{name}: `{}` is no range of versions: {error}", want.range))
        })?;
        let mut misfit = None;
        let named = self.offers.iter().filter(|offer| {
            offer.descriptor.name == *name
                && want.provider.as_ref().is_none_or(|plugin| *plugin == offer.plugin)
        });
        for offer in named {
            match places(want, &range, offer) {
                Ok(places) => return Ok((offer, places)),
                Err(error) => misfit = misfit.or(Some(error)),
            }
        }
        Err(misfit.unwrap_or_else(|| {
            let whom = want.provider.as_ref().map_or_else(String::new, |plugin| format!(" by {plugin}"));
            Error::new(
                code::NO_PROVIDER,
                format!("nobody provides the interface {name}{whom}; give it to the bench with `provide`"),
            )
        }))
    }

    /// Whom a cell is to lead to, and how.
    fn state(&self, want: &Want) -> (Option<Whom>, WireState) {
        match self.find(want) {
            Ok((offer, places)) => {
                let state = WireState::Bound(offer.bound.bind(&places, self.encoded));
                (Some((offer.plugin.clone(), offer.generation)), state)
            }
            Err(error) => (None, WireState::Cut(error)),
        }
    }

    /// What is to change, with nobody told yet.
    fn changes(&mut self) -> Vec<(&'static Wire, WireState)> {
        let mut wires = std::mem::take(&mut self.wires);
        let changes = wires.iter_mut().filter_map(|imported| {
            let (to, state) = self.state(&imported.want);
            // Where it leads to the same as before, a call that is under way has nothing to wait for.
            let changed = to.is_none() || to != imported.to;
            imported.to = to;
            changed.then_some((imported.wire, state))
        });
        let changes = changes.collect();
        self.wires = wires;
        changes
    }
}

/// Where the provider has each method of the caller's, if it fits: as a host compares.
fn places(want: &Want, range: &VersionReq, offer: &Offered) -> Result<Vec<Option<u32>>> {
    let methods = |descriptor: &Descriptor| {
        let methods: Result<Vec<_>, String> =
            descriptor.methods.iter().cloned().map(Comparable::new).collect();
        methods.map_err(|text| {
            Error::new("RE0740", format!("{}: `{text}` is no minor version (`1.2`)", descriptor.name))
        })
    };
    let (wanted, offered) = (&want.descriptor, &offer.descriptor);
    let (caller, provider) = (methods(wanted)?, methods(offered)?);
    agreement::fit(
        range,
        Side { version: &Version::parse(&wanted.version)?, methods: &caller },
        Side { version: &Version::parse(&offered.version)?, methods: &provider },
    )
    .map_err(|misfit| {
        let text = format!("the interface {} does not fit: {}", wanted.name, misfit.told(&offer.plugin));
        Error::new(misfit.code(), text)
    })
}

impl World {
    /// Adds an offer, and lets all cells lead to whom they are to lead to now.
    pub(crate) fn offer(
        &self,
        plugin: &str,
        generation: u64,
        descriptor: Descriptor,
        bound: Bound,
        object: Option<Box<dyn Any + Send + Sync>>,
    ) -> Result<()> {
        self.change(|inner| {
            let offers = &mut inner.interfaces.offers;
            if offers.iter().any(|offer| {
                offer.plugin == plugin
                    && offer.generation == generation
                    && offer.descriptor.name == descriptor.name
            }) {
                return Err(Error::new(
                    "RE0743",
                    format!("{plugin} provides the interface {} twice", descriptor.name),
                ));
            }
            let offer = Offered { plugin: plugin.to_owned(), generation, descriptor, bound, _object: object };
            offers.push(offer);
            Ok(())
        })?;
        self.rewire();
        Ok(())
    }

    /// Takes all offers of a generation back, and waits until nobody is inside them.
    pub(super) fn withdraw(&self, generation: u64) {
        let gone: Vec<Offered> = self.change(|inner| {
            inner.interfaces.offers.extract_if(.., |offer| offer.generation == generation).collect()
        });
        self.rewire();
        drop(gone);
    }

    /// Outside the lock: switching a cell waits for calls inside.
    fn rewire(&self) {
        let changes = self.lock().interfaces.changes();
        for (wire, state) in changes {
            wire.set(state);
        }
    }
}

impl Seat {
    pub(crate) fn provide(&self, descriptor: Descriptor, offer: Offer) -> Result<()> {
        let world = self.world()?;
        if !self.registers.load(Ordering::Acquire) {
            return Err(Error::new(
                "RE0744",
                format!("{} provides {} outside of `register`", self.plugin, descriptor.name),
            ));
        }
        world.offer(&self.plugin, self.generation, descriptor, Bound::of_offer(offer), None)
    }

    pub(crate) fn import(&self, want: Want) -> Result<&'static Wire> {
        let world = self.world()?;
        world.change(|inner| {
            let interfaces = &mut inner.interfaces;
            match interfaces.find(&want) {
                Err(error) if error.code() != code::NO_PROVIDER => Err(error),
                _ => {
                    let (to, state) = interfaces.state(&want);
                    let wire = Wire::new(state);
                    interfaces.wires.push(Imported { want, wire, to });
                    Ok(wire)
                }
            }
        })
    }

    pub(crate) fn provider(&self, want: &Want) -> Result<Provider> {
        let world = self.world()?;
        let inner = world.lock();
        let (offer, _) = inner.interfaces.find(want)?;
        Ok(Provider::new(offer.plugin.clone(), offer.descriptor.version.clone(), offer.generation))
    }
}
