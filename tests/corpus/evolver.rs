use std::fmt::Debug;

use reactor_abi::interface::Interface;
use reactor_abi::prelude::*;

/// How the interface began.
pub mod v1_0 {
    use reactor_abi::prelude::*;
    /// See the plugin.
    #[interface(name = "tests.evolves", version = "1.0.0")]
    pub trait Evolves {
        /// A number.
        fn base(&self) -> u64;
    }
}

/// With a method that answers for older providers.
pub mod v1_1 {
    use reactor_abi::prelude::*;
    /// See the plugin.
    #[interface(name = "tests.evolves", version = "1.1.0")]
    pub trait Evolves {
        /// Against an older provider: twice the base.
        #[since("1.1")]
        fn twice(&self) -> u64 {
            2 * self.base()
        }
        /// A number.
        fn base(&self) -> u64;
    }
}

/// With one that does not.
pub mod v1_2 {
    use reactor_abi::prelude::*;
    /// See the plugin.
    #[interface(name = "tests.evolves", version = "1.2.0")]
    pub trait Evolves {
        /// A number.
        fn base(&self) -> u64;
        /// No answer against an older provider.
        #[since("1.2")]
        fn named(&self) -> String;
        /// Against an older provider: twice the base.
        #[since("1.1")]
        fn twice(&self) -> u64 {
            2 * self.base()
        }
    }
}

/// Another interface, by the same name.
pub mod v2_0 {
    use reactor_abi::prelude::*;
    /// See the plugin.
    #[interface(name = "tests.evolves", version = "2.0.0")]
    pub trait Evolves {
        /// A number, perhaps.
        fn base(&self) -> Option<u64>;
    }
}

/// What nobody may do: another shape in a version that goes on from the first.
pub mod odd {
    use reactor_abi::prelude::*;
    /// See the plugin.
    #[interface(name = "tests.evolves", version = "1.3.0")]
    pub trait Evolves {
        /// A number of another size.
        fn base(&self) -> u32;
    }
}

struct Provides;

impl v1_0::Evolves for Provides {
    fn base(&self) -> u64 {
        10
    }
}

impl v1_1::Evolves for Provides {
    fn base(&self) -> u64 {
        11
    }
    fn twice(&self) -> u64 {
        1_100
    }
}

impl v1_2::Evolves for Provides {
    fn base(&self) -> u64 {
        12
    }
    fn twice(&self) -> u64 {
        1_200
    }
    fn named(&self) -> String {
        "twelve".to_owned()
    }
}

impl v2_0::Evolves for Provides {
    fn base(&self) -> Option<u64> {
        Some(20)
    }
}

impl odd::Evolves for Provides {
    fn base(&self) -> u32 {
        13
    }
}

/// Who gives handles.
pub trait Source {
    /// A handle.
    ///
    /// # Errors
    ///
    /// Those of an import.
    fn handle<I: Interface + ?Sized>(&self, range: &str) -> Result<I::Handle>;
}

impl Source for Services {
    fn handle<I: Interface + ?Sized>(&self, range: &str) -> Result<I::Handle> {
        self.interface::<I>(range)
    }
}

/// What a caller of this version gets of each of its methods, or why it gets nothing.
///
/// # Errors
///
/// That there is no handle for this range.
pub fn answers(source: &impl Source, version: &str, range: &str) -> Result<String> {
    fn told<T: Debug>(answer: Result<T, CallError>) -> String {
        answer.map_or_else(|error| error.code().to_owned(), |answer| format!("{answer:?}"))
    }
    Ok(match version {
        "1.0" => told(source.handle::<dyn v1_0::Evolves>(range)?.base()),
        "1.1" => {
            let of = source.handle::<dyn v1_1::Evolves>(range)?;
            [told(of.base()), told(of.twice())].join(" ")
        }
        "1.2" => {
            let of = source.handle::<dyn v1_2::Evolves>(range)?;
            [told(of.base()), told(of.twice()), told(of.named())].join(" ")
        }
        _ => told(source.handle::<dyn v2_0::Evolves>(range)?.base()),
    })
}

/// Provides the version that `provides` in its configuration says, or none, and calls what any other one provides.
pub(crate) struct Evolver(Services);

impl Plugin for Evolver {
    fn init(cx: &mut Init<'_>) -> Result<Self> {
        Ok(Self(cx.services()))
    }

    fn register(&self, cx: &mut Register<'_>) -> Result<()> {
        match cx.config().get("provides").and_then(Value::as_str) {
            Some("1.0.0") => cx.provide::<dyn v1_0::Evolves>(Provides),
            Some("1.1.0") => cx.provide::<dyn v1_1::Evolves>(Provides),
            Some("1.2.0") => cx.provide::<dyn v1_2::Evolves>(Provides),
            Some("1.3.0") => cx.provide::<dyn odd::Evolves>(Provides),
            Some("2.0.0") => cx.provide::<dyn v2_0::Evolves>(Provides),
            _ => Ok(()),
        }
    }

    /// `answers`: of `[version, range]`.
    fn invoke(&self, action: &str, value: Value) -> Result<Value> {
        if action != "answers" {
            return Err(Error::unknown_action(action));
        }
        let (version, range): (String, String) = value.read()?;
        Ok(answers(&self.0, &version, &range)?.into())
    }
}
