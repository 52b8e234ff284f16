//! An interface as it was read: everything in it can cross.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::{Attribute, FnArg, Ident, ItemTrait, Pat, ReturnType, TraitItem, TraitItemFn, Type, Visibility};

use super::check;
use super::header::Header;

pub(super) struct Interface {
    pub(super) name: String,
    pub(super) version: semver::Version,
    pub(super) visibility: Visibility,
    pub(super) ident: Ident,
    pub(super) methods: Vec<Method>,
}

impl Interface {
    /// The name of its handle.
    pub(super) fn handle(&self) -> Ident {
        format_ident!("{}Handle", self.ident)
    }
}

pub(super) struct Method {
    pub(super) ident: Ident,
    /// The doc comments, and `deprecated`.
    pub(super) attributes: Vec<Attribute>,
    pub(super) arguments: Vec<Argument>,
    /// `()` where none is written.
    pub(super) output: Type,
    /// `major.minor`.
    pub(super) since: Option<String>,
    pub(super) has_body: bool,
}

impl Method {
    /// Whether the provider's being older is answered by the trait's own body.
    pub(super) fn has_stand_in(&self) -> bool {
        self.since.is_some() && self.has_body
    }
}

pub(super) struct Argument {
    /// As the author calls it.
    pub(super) name: Ident,
    /// As the author wrote it.
    pub(super) ty: Type,
    pub(super) kind: Kind,
}

/// How an argument is written.
pub(super) enum Kind {
    /// `T`.
    Value(Type),
    /// `&T`.
    Reference(Type),
    /// `Option<&T>`.
    Optional(Type),
    /// `&dyn Other`: the `dyn Other`.
    Callback(Type),
}

/// Reads a trait.
///
/// # Errors
///
/// All that is wrong with it.
pub(super) fn read(header: Header, item: &ItemTrait) -> syn::Result<Interface> {
    let mut errors = check::Errors::default();
    check::the_trait(item, &mut errors);
    let mut methods = Vec::new();
    for one in &item.items {
        match one {
            TraitItem::Fn(method) => methods.push(read_method(method, &header, &mut errors)),
            other => check::no_method(other, &mut errors),
        }
    }
    errors.none()?;
    Ok(Interface {
        name: header.name.value(),
        version: header.version,
        visibility: item.vis.clone(),
        ident: item.ident.clone(),
        methods,
    })
}

fn read_method(method: &TraitItemFn, header: &Header, errors: &mut check::Errors) -> Method {
    check::the_method(method, errors);
    let since = check::since(method, header, errors);
    let arguments = method.sig.inputs.iter().filter_map(|input| read_argument(input, errors)).collect();
    let output = match &method.sig.output {
        ReturnType::Default => syn::parse_quote!(()),
        ReturnType::Type(_, ty) => {
            check::answer(ty, errors);
            Type::clone(ty)
        }
    };
    let attributes = method
        .attrs
        .iter()
        .filter(|attribute| ["doc", "deprecated"].iter().any(|name| attribute.path().is_ident(name)))
        .cloned()
        .collect();
    Method {
        ident: method.sig.ident.clone(),
        attributes,
        arguments,
        output,
        since,
        has_body: method.default.is_some(),
    }
}

fn read_argument(input: &FnArg, errors: &mut check::Errors) -> Option<Argument> {
    let FnArg::Typed(input) = input else { return None };
    let Pat::Ident(name) = &*input.pat else {
        errors.add(
            &input.pat,
            "an argument of an interface's method has a plain name: take it apart in the body",
        );
        return None;
    };
    if name.by_ref.is_some() || name.mutability.is_some() || name.subpat.is_some() {
        errors.add(
            &input.pat,
            "an argument of an interface's method has a plain name: take it apart in the body",
        );
        return None;
    }
    let kind = check::argument(&input.ty, errors)?;
    Some(Argument { name: name.ident.clone(), ty: Type::clone(&input.ty), kind })
}

/// The name of the argument at `at` in what is written: no name of the author's.
pub(super) fn place(at: usize) -> Ident {
    format_ident!("__argument_{at}")
}

impl Method {
    /// `__argument_0: T, …,`
    pub(super) fn parameters(&self) -> TokenStream {
        let each = self.arguments.iter().enumerate().map(|(at, argument)| {
            let (place, ty) = (place(at), &argument.ty);
            quote!(#place: #ty)
        });
        quote!(#(#each,)*)
    }

    /// `__argument_0, …,`
    pub(super) fn places(&self) -> TokenStream {
        let each = (0..self.arguments.len()).map(place);
        quote!(#(#each,)*)
    }
}
