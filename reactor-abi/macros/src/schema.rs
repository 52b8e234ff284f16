//! `derive(Schema)`: what a type is made of, and whether it crosses as it is.

mod layout;
mod names;

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Data, DeriveInput, Fields, GenericParam, Ident};

pub(crate) fn expand(item: TokenStream) -> TokenStream {
    syn::parse2::<DeriveInput>(item)
        .and_then(|item| write(&item))
        .unwrap_or_else(syn::Error::into_compile_error)
}

fn write(item: &DeriveInput) -> syn::Result<TokenStream> {
    let container = names::Container::read(item)?;
    let ident = &item.ident;
    let plain = layout::is_plain(item) && item.generics.params.is_empty() && !container.skips(item)?;
    let description = match &item.data {
        Data::Struct(data) => structure(&data.fields, &container, ident, plain)?,
        Data::Enum(data) => choice(item, data, &container, plain)?,
        Data::Union(data) => {
            return Err(syn::Error::new_spanned(
                data.union_token,
                "a union does not say which of its fields is there: write an enum",
            ));
        }
    };
    let mut generics = item.generics.clone();
    for parameter in &mut generics.params {
        match parameter {
            GenericParam::Type(parameter) => parameter.bounds.push(syn::parse_quote!(__reactor::Schema)),
            GenericParam::Lifetime(parameter) => {
                return Err(syn::Error::new_spanned(
                    parameter,
                    "a type of a signature owns its data: write `String` instead of `&str`, `Vec<T>` instead of `&[T]`",
                ));
            }
            GenericParam::Const(_) => {}
        }
    }
    let crosses = if plain { quote!(__reactor::AsPlain) } else { quote!(__reactor::Encoded) };
    let plain = plain.then(|| layout::proof(item));
    let (impl_generics, type_generics, where_clause) = generics.split_for_impl();
    Ok(quote! {
        const _: () = {
            use ::reactor_abi::interface::__made as __reactor;

            #plain

            // SAFETY: described by what it is made of.
            unsafe impl #impl_generics __reactor::Schema for #ident #type_generics #where_clause {
                type Crosses = #crosses;

                fn describe(shape: &mut __reactor::Shape) {
                    shape.within::<Self>(|shape| {
                        #description
                    });
                }
            }
        };
    })
}

fn structure(
    fields: &Fields,
    container: &names::Container,
    ident: &Ident,
    plain: bool,
) -> syn::Result<TokenStream> {
    let layout = plain.then(|| layout::size("C"));
    let fields = contents(fields, container, plain.then_some(ident))?;
    Ok(quote!(#layout #fields))
}

/// `{ name: type, … }`, `(type, …)` or nothing.
fn contents(
    fields: &Fields,
    container: &names::Container,
    placed_in: Option<&Ident>,
) -> syn::Result<TokenStream> {
    let (open, close, empty) = match fields {
        Fields::Named(_) => ("{ ", " }", "{}"),
        Fields::Unnamed(_) => ("(", ")", "unit"),
        Fields::Unit => return Ok(quote!(shape.text("unit");)),
    };
    let mut written = TokenStream::new();
    let mut first = true;
    for (at, field) in fields.iter().enumerate() {
        let Some(name) = container.field(field)? else { continue };
        let comma = if std::mem::take(&mut first) { "" } else { ", " };
        let member = field.ident.clone().map_or_else(|| syn::Member::from(at), syn::Member::from);
        let offset = placed_in.map(|_| {
            quote! {
                shape.text("@").number(::core::mem::offset_of!(Self, #member) as u64);
            }
        });
        let before = match (&name, &offset) {
            (Some(name), _) => quote!(shape.text(#name); #offset shape.text(": ");),
            (None, Some(_)) => quote!(#offset shape.text(": ");),
            (None, None) => quote!(),
        };
        let ty = &field.ty;
        written.extend(quote! {
            shape.text(#comma);
            #before
            <#ty as __reactor::Schema>::describe(shape);
        });
    }
    if first {
        return Ok(quote!(shape.text(#empty);));
    }
    Ok(quote!(shape.text(#open); #written shape.text(#close);))
}

fn choice(
    item: &DeriveInput,
    data: &syn::DataEnum,
    container: &names::Container,
    plain: bool,
) -> syn::Result<TokenStream> {
    let mut written = TokenStream::new();
    let mut first = true;
    for variant in &data.variants {
        let (name, inner) = container.variant(variant)?;
        let bar = if std::mem::take(&mut first) { "" } else { " | " };
        let fields = match &variant.fields {
            Fields::Unit => quote!(),
            fields @ Fields::Named(_) => {
                let fields = contents(fields, &inner, None)?;
                quote!(shape.text(" "); #fields)
            }
            fields @ Fields::Unnamed(_) => contents(fields, &inner, None)?,
        };
        let discriminant = plain.then(|| {
            let ident = &variant.ident;
            quote!(shape.text(&::std::format!(" = {}", Self::#ident as i128));)
        });
        written.extend(quote!(shape.text(#bar); shape.text(#name); #fields #discriminant));
    }
    let layout =
        if plain { layout::representation(item) } else { None }.map(|integer| layout::size(&integer));
    Ok(quote!(#layout shape.text("enum { "); #written shape.text(" }");))
}
