//! Whether a type's layout is fixed, so that it can cross as it is.

use proc_macro2::TokenStream;
use quote::quote;
use syn::punctuated::Punctuated;
use syn::{Data, DeriveInput, Fields, Meta, Token};

/// The representations of an enum that fix its layout.
const INTEGERS: [&str; 10] = ["u8", "u16", "u32", "u64", "usize", "i8", "i16", "i32", "i64", "isize"];

fn representations(item: &DeriveInput) -> Vec<String> {
    let mut found = Vec::new();
    for attribute in item.attrs.iter().filter(|attribute| attribute.path().is_ident("repr")) {
        if let Ok(list) = attribute.parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated) {
            found.extend(list.iter().map(|meta| quote!(#meta).to_string()));
        }
    }
    found
}

/// The integer that an enum is represented by, if nothing else is said of its layout.
pub(super) fn representation(item: &DeriveInput) -> Option<String> {
    let mut representations = representations(item).into_iter();
    representations
        .next()
        .filter(|repr| INTEGERS.contains(&repr.as_str()) && representations.next().is_none())
}

/// Whether the author fixed the layout, of a type that can have a fixed one. That its fields have one too, and that it is
/// `Copy`, is for the compiler to find out: see [`proof`].
pub(super) fn is_plain(item: &DeriveInput) -> bool {
    let representations = representations(item);
    match &item.data {
        Data::Struct(data) => !data.fields.is_empty() && representations == ["C"],
        Data::Enum(data) => {
            !data.variants.is_empty()
                && representation(item).is_some()
                && data.variants.iter().all(|variant| matches!(variant.fields, Fields::Unit))
        }
        Data::Union(_) => false,
    }
}

/// Writes the representation, with size and alignment.
pub(super) fn size(representation: &str) -> TokenStream {
    let begin = format!("repr({representation}, ");
    quote! {
        shape
            .text(#begin)
            .number(::core::mem::size_of::<Self>() as u64)
            .text("/")
            .number(::core::mem::align_of::<Self>() as u64)
            .text(") ");
    }
}

/// That the type is plain, if its fields are.
pub(super) fn proof(item: &DeriveInput) -> TokenStream {
    let ident = &item.ident;
    let fields = match &item.data {
        Data::Struct(data) => data.fields.iter().map(|field| &field.ty).collect(),
        _ => Vec::new(),
    };
    quote! {
        const _: fn() = || {
            fn plain<T: __reactor::Plain>() {}
            #(plain::<#fields>();)*
        };

        // SAFETY: its layout is fixed by its `repr` and described, and that all of its fields are plain is asked above.
        unsafe impl __reactor::Plain for #ident {}
    }
}
