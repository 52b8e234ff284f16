use reactor_abi::prelude::*;

#[interface(name = "Text.Stats", version = "1.2.0")]
pub trait Capitals {}

#[interface(name = "text..stats", version = "1.2.0")]
pub trait Segments {}

#[interface(name = "text.stats", version = "1.2")]
pub trait Short {}

#[interface(name = "text.stats")]
pub trait Unversioned {}

#[interface(version = "1.0.0")]
pub trait Nameless {}

#[interface]
pub trait Bare {}

#[interface(name = "text.stats", version = "1.0.0", since = "1.0")]
pub trait More {}

#[interface("text.stats")]
pub trait Short2 {}

#[interface(name = "text.stats", version = "1.0.0")]
pub struct NoTrait;

fn main() {}
