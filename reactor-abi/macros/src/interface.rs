//! `#[interface]`: reads a trait, refuses what can not cross, writes the rest.

mod callback;
mod calls;
mod check;
mod handle;
mod header;
mod model;
mod provider;

use proc_macro2::TokenStream;
use quote::quote;
use syn::{ItemTrait, TraitItem};

use header::Header;
use model::Interface;

pub(crate) fn expand(arguments: TokenStream, item: TokenStream) -> TokenStream {
    let mut item = match syn::parse2::<ItemTrait>(item) {
        Ok(item) => item,
        Err(error) => {
            let error = syn::Error::new(error.span(), format!("`#[interface]` stands on a trait: {error}"));
            return error.into_compile_error();
        }
    };
    let made = syn::parse2::<Header>(arguments)
        .map_err(|error| header::explain(&error))
        .and_then(|header| model::read(header, &item));
    strip(&mut item);
    match made {
        Ok(interface) => {
            let made = write(&interface);
            quote!(#item #made)
        }
        // The trait as it stands: what implements it need not be reported too.
        Err(error) => {
            let error = error.into_compile_error();
            quote!(#item #error)
        }
    }
}

/// Takes out what only this macro understands.
fn strip(item: &mut ItemTrait) {
    for method in &mut item.items {
        if let TraitItem::Fn(method) = method {
            method.attrs.retain(|attribute| !attribute.path().is_ident("since"));
        }
    }
}

fn write(interface: &Interface) -> TokenStream {
    let handle = handle::write(interface);
    let calls = calls::write(interface);
    let handle_calls = handle::write_calls(interface);
    let provider = provider::write(interface);
    let callback = callback::write(interface);
    quote! {
        #handle
        #[allow(deprecated, clippy::all, clippy::pedantic, reason = "the trait is as its author wants it")]
        const _: () = {
            #calls
            #handle_calls
            #provider
            #callback
        };
    }
}
