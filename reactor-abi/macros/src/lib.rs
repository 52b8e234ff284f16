//! The macros behind Reactor's typed interfaces. Use them through `reactor_abi`, which documents them.
//!
//! What they write names everything by `::reactor_abi`, so a crate that uses them needs no other crate of Reactor's. Owns
//! the syntax of interfaces and what is refused there; must never know how anything crosses, which is `reactor_abi`'s.

mod interface;
mod schema;

use proc_macro::TokenStream;

/// Documented where it is re-exported: `reactor_abi::interface`.
#[proc_macro_attribute]
pub fn interface(arguments: TokenStream, item: TokenStream) -> TokenStream {
    interface::expand(arguments.into(), item.into()).into()
}

/// Documented with the trait that it derives: `reactor_abi::interface::Schema`.
#[proc_macro_derive(Schema, attributes(serde))]
pub fn schema(item: TokenStream) -> TokenStream {
    schema::expand(item.into()).into()
}
