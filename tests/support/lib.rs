//! What the tests and the benches share: plugins built by cargo, folders to drop them into, events waited for.

pub mod child;
pub mod clock;
pub mod corpus;
pub mod drifted;
pub mod folder;
pub mod gate;
pub mod memory;
pub mod need;
pub mod orders;
pub mod puppet;
pub mod roads;
pub mod soak;
pub mod source;
pub mod tell;
pub mod wait;

use reactor_host::HostBuilder;

/// Accepts the native code of this project's own corpus.
#[expect(unsafe_code, reason = "the tests load plugins that this project wrote")]
pub fn trusted(builder: HostBuilder) -> HostBuilder {
    // SAFETY: the folders are the tests' own, and what is in them was built from this repository.
    unsafe { builder.trust_native_code() }
}

/// A host over one plugin folder, not started.
///
/// # Panics
///
/// When it can not be built.
pub fn host(plugins: &std::path::Path) -> reactor_host::Host {
    trusted(reactor_host::Host::builder("dev.reactor.tests", "1.0.0").plugins_dir(plugins))
        .build()
        .expect("a host over a folder of the test's own")
}

/// The documents' examples, which `cargo test` compiles, and runs where they can run.
#[cfg(doctest)]
mod documents {
    macro_rules! documents {
        ($($name:ident $path:literal)*) => {
            $(#[doc = include_str!($path)] mod $name {})*
        };
    }
    documents! {
        readme "../../README.md"
        control "../../book/src/control.md"
        first_application "../../book/src/first-application.md"
        first_plugin "../../book/src/first-plugin.md"
        hot_swap "../../book/src/hot-swap.md"
        interfaces "../../book/src/interfaces.md"
    }
}
