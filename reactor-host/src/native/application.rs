//! The application, where it calls plugins and is called by them: what a generation is for a plugin.
//!
//! Owns the objects that the application provides and the cells of its handles. Its generation has the number 0, has no
//! phases, and ends with the host. Must never know what an interface is for.

use std::any::Any;
use std::collections::BTreeMap;
use std::sync::{Arc, Weak};

use reactor_abi::ffi::client::KeptClient;
use reactor_abi::interface::Offered as Object;
use semver::Version;

use super::context::{Context, Desk};
use super::life::{Life, Stage};
use super::services::SERVICES;
use crate::interfaces::{OfferError, Offered};
use crate::manifest::PluginId;
use crate::routes::Routes;

/// See the module.
pub(crate) struct Application {
    /// Boxed: its address is in every client.
    context: Box<Context>,
}

impl Application {
    /// `objects`: what it provides.
    ///
    /// # Errors
    ///
    /// An interface twice, or one whose descriptor is none.
    pub(crate) fn new(
        name: PluginId,
        version: Version,
        routes: &Arc<Routes>,
        desk: Weak<dyn Desk>,
        objects: Vec<Object>,
    ) -> Result<Arc<Self>, OfferError> {
        let mut declared = BTreeMap::new();
        let mut offers = Vec::new();
        for Object { descriptor, offer, object } in objects {
            let offered = Offered::new(descriptor)?;
            declared.entry(offered.name.clone()).or_insert_with(|| offered.version.clone());
            offers.push((offered, offer, object));
        }
        let number = crate::shared::APPLICATION;
        let life = Life::new(routes.pool(), routes.weak(), name, version, number, declared, Arc::default());
        life.set_stage(Stage::Live);
        for (offered, offer, object) in offers {
            // SAFETY: `interface::offer` made table and descriptor from one trait; the object is kept with the export.
            unsafe { life.exports.add(life.plugin.as_str(), offered, offer, Some(object)) }?;
        }
        routes.set_application(Some(Arc::clone(&life)));
        Ok(Arc::new(Self { context: Box::new(Context::new(life, desk)) }))
    }

    /// The host's services in the application's name.
    pub(crate) fn client(self: &Arc<Self>) -> KeptClient {
        let keeper = Arc::clone(self) as Arc<dyn Any + Send + Sync>;
        // SAFETY: the context belongs to the services, and lives as long as the application, as do the cells of its life.
        unsafe { KeptClient::new(SERVICES, self.context.raw(), keeper) }
    }
}

impl Application {
    /// The host ends: lets go of the objects, which may hold handles that hold this. Nothing leads to them by now. Who is
    /// inside one all the same came before that, and is a plugin that does not return: then they stay.
    pub(crate) fn end(&self) {
        let life = &self.context.life;
        if life.inside() == 0 {
            life.exports.clear();
        }
    }
}

/// What [`end`](Application::end) did not let go of is in use, and stays.
impl Drop for Application {
    fn drop(&mut self) {
        let life = &self.context.life;
        if life.inside() > 0 {
            std::mem::forget(Arc::clone(life));
        }
    }
}
