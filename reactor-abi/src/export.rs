//! `export_plugin!`: what turns a crate into a plugin library.

/// Exports a type that implements [`Plugin`](crate::Plugin) as this library's plugin.
///
/// Put it once into a crate of `crate-type = ["cdylib"]` with a `plugin.toml` beside its `Cargo.toml`. It
/// - exports the entry under a versioned symbol;
/// - embeds `plugin.toml` and facts of the build in an object-file section, so that a lone library can be dropped
///   into a folder and be understood without being run;
/// - on Linux with glibc plants hidden definitions of the libc functions that would otherwise leave traces of the
///   library behind, so that it can be closed.
///
/// In the crate's own tests, and under a feature named `linked` that the crate may declare, none of that is made:
/// then a constant `MANIFEST` and a function `entry` are, for linking the plugin into a program
/// (`Host::builder(…).plugin(MANIFEST, entry())`). Turn the feature on whenever the crate is linked as a library:
/// two plugins in one program would clash over the symbols.
///
/// `panic = "abort"` is refused: a panic in a plugin has to stop at its boundary.
///
/// ```
/// # // The macro reads `plugin.toml` of the crate it stands in; this crate has one for its documentation.
/// use reactor_abi::prelude::*;
///
/// #[derive(Default)]
/// struct Echo;
///
/// impl Invoke for Echo {
///     fn invoke(&self, _action: &str, value: Value) -> Result<Value> {
///         Ok(value)
///     }
/// }
///
/// reactor_abi::export_plugin!(Echo);
/// # fn main() {}
/// ```
#[macro_export]
macro_rules! export_plugin {
    ($plugin:ty) => {
        /// The manifest that this plugin was built with.
        #[allow(unexpected_cfgs, reason = "the feature is the plugin crate's to declare or not")]
        #[cfg(any(test, feature = "linked"))]
        pub const MANIFEST: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/plugin.toml"));

        /// This plugin, for linking it into a program.
        #[allow(unexpected_cfgs, reason = "the feature is the plugin crate's to declare or not")]
        #[cfg(any(test, feature = "linked"))]
        pub fn entry() -> $crate::Entry {
            $crate::Entry::of::<$plugin>()
        }

        #[allow(unexpected_cfgs, reason = "the feature is the plugin crate's to declare or not")]
        #[cfg(not(any(test, feature = "linked")))]
        const _: () = {
            #[cfg(panic = "abort")]
            compile_error!(
                "a plugin must unwind: remove `panic = \"abort\"` from its profile, or the host dies of its panics"
            );

            const MANIFEST: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/plugin.toml"));
            const FACTS: &[&str] = &[
                "api=",
                $crate::facts::API_VERSION,
                "\nfingerprint=",
                $crate::facts::FINGERPRINT_HEX,
                "\ntarget=",
                $crate::facts::TARGET,
                "\ncompiler=",
                $crate::facts::COMPILER,
                "\npanic=unwind\nplanted=",
                if $crate::facts::PLANTED { "true" } else { "false" },
                "\npackage=",
                env!("CARGO_PKG_NAME"),
                " ",
                env!("CARGO_PKG_VERSION"),
                "\n",
            ];
            const LEN: usize = $crate::facts::embedded_len(FACTS, MANIFEST);

            // Exported so that no linker drops it.
            #[unsafe(export_name = "reactor_embedded_v1")]
            #[cfg_attr(target_vendor = "apple", unsafe(link_section = "__DATA,__reactor"))]
            #[cfg_attr(not(target_vendor = "apple"), unsafe(link_section = ".reactor"))]
            static EMBEDDED: [u8; LEN] = $crate::facts::embed::<LEN>(FACTS, MANIFEST);

            extern "C" fn construct() -> $crate::ffi::adapter::Construction {
                $crate::ffi::adapter::construct::<$plugin>()
            }

            #[unsafe(export_name = "reactor_plugin_v1")]
            static ENTRY: $crate::ffi::adapter::Header = $crate::ffi::adapter::header(construct);
        };

        // A module, so that the macro may also stand in a function, as in an example.
        #[allow(unexpected_cfgs, reason = "the feature is the plugin crate's to declare or not")]
        #[cfg(not(any(test, feature = "linked")))]
        mod __reactor_plants {
            $crate::__plant! {}
        }
    };
}

/// Defines the hidden libc entry points: `jmp` to the bodies in `reactor_abi::ffi::plants`.
#[doc(hidden)]
#[macro_export]
#[cfg(all(target_os = "linux", target_env = "gnu", any(target_arch = "x86_64", target_arch = "aarch64")))]
macro_rules! __plant {
    () => {
        $crate::__plant! {
            "pthread_key_create" => pthread_key_create,
            "pthread_key_delete" => pthread_key_delete,
            "pthread_setspecific" => pthread_setspecific,
            "__cxa_thread_atexit_impl" => cxa_thread_atexit_impl,
            "pthread_create" => pthread_create,
            "sigaction" => sigaction,
            "signal" => signal,
            "timer_create" => timer_create,
            // What C++ thread-locals come to; libstdc++'s own would ask libc, past the definition above.
            "__cxa_thread_atexit" => cxa_thread_atexit_impl,
            "bsd_signal" => marks::bsd_signal,
            "ssignal" => marks::ssignal,
            "sysv_signal" => marks::sysv_signal,
            "__sysv_signal" => marks::sysv_signal,
            "sigset" => marks::sigset,
            "__cxa_atexit" => marks::cxa_atexit,
            "on_exit" => marks::on_exit,
            "__cxa_at_quick_exit" => marks::cxa_at_quick_exit,
            "__register_atfork" => marks::register_atfork,
            "mq_notify" => marks::mq_notify,
            "putenv" => marks::putenv,
            "openlog" => marks::openlog,
        }
    };
    ($($symbol:literal => $($body:ident)::+,)*) => {$(
        #[cfg(target_arch = "x86_64")]
        ::core::arch::global_asm!(
            concat!(".pushsection .text.reactor.", $symbol, ",\"ax\",@progbits"),
            concat!(".globl ", $symbol),
            concat!(".hidden ", $symbol),
            concat!(".type ", $symbol, ",@function"),
            concat!($symbol, ":"),
            "jmp {body}",
            concat!(".size ", $symbol, ", . - ", $symbol),
            ".popsection",
            body = sym $crate::ffi::plants::$($body)::+
        );
        #[cfg(target_arch = "aarch64")]
        ::core::arch::global_asm!(
            concat!(".pushsection .text.reactor.", $symbol, ",\"ax\",@progbits"),
            concat!(".globl ", $symbol),
            concat!(".hidden ", $symbol),
            concat!(".type ", $symbol, ",@function"),
            concat!($symbol, ":"),
            "b {body}",
            concat!(".size ", $symbol, ", . - ", $symbol),
            ".popsection",
            body = sym $crate::ffi::plants::$($body)::+
        );
    )*};
}

/// Nothing to plant: this system's libraries are never closed, only retained.
#[doc(hidden)]
#[macro_export]
#[cfg(not(all(
    target_os = "linux",
    target_env = "gnu",
    any(target_arch = "x86_64", target_arch = "aarch64")
)))]
macro_rules! __plant {
    () => {};
}
