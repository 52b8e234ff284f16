//! What callers hold.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::{Attribute, Ident, Type};

use super::model::{Interface, Method};

/// The handle's type, where the trait stands.
pub(super) fn write(interface: &Interface) -> TokenStream {
    let Interface { name, version, visibility, ident, .. } = interface;
    let handle = interface.handle();
    let about = format!(
        "A handle to whoever provides the interface `{name}` ([`{ident}`], as of version {version}).\n\nIt names the \
         provider and owns nothing of it: each call goes to whoever provides the interface then, and holds that for as \
         long as it lasts. It stays good when providers are swapped, come and go. Each method answers what the trait's \
         method returns, or a [`CallError`](::reactor_abi::interface::CallError)."
    );
    quote! {
        #[doc = #about]
        #[derive(::core::clone::Clone)]
        #visibility struct #handle {
            link: ::reactor_abi::interface::__made::Link<dyn #ident>,
        }
    }
}

/// Its methods, and what stands in for methods that a provider has not.
pub(super) fn write_calls(interface: &Interface) -> TokenStream {
    let handle = interface.handle();
    let name = handle.to_string();
    let methods = interface.methods.iter().map(|method| one(interface, method));
    let stand_ins = interface
        .methods
        .iter()
        .filter(|method| method.has_stand_in())
        .map(|method| stand_in(interface, method));
    quote! {
        impl #handle {
            #(#methods)*

            /// Whether somebody can be called now.
            ///
            /// # Errors
            ///
            /// Why nobody can.
            pub fn check(&self) -> ::core::result::Result<(), ::reactor_abi::interface::CallError> {
                self.link.check()
            }

            /// Who would be called now.
            ///
            /// # Errors
            ///
            /// Why nobody would.
            pub fn provider(
                &self,
            ) -> ::core::result::Result<::reactor_abi::interface::Provider, ::reactor_abi::interface::CallError> {
                self.link.provider()
            }
        }

        impl ::core::fmt::Debug for #handle {
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                f.debug_tuple(#name).field(&self.link).finish()
            }
        }

        #(#stand_ins)*
    }
}

fn one(interface: &Interface, method: &Method) -> TokenStream {
    let Method { ident, attributes, output, .. } = method;
    let names = method.arguments.iter().map(|argument| &argument.name);
    let types: Vec<&Type> = method.arguments.iter().map(|argument| &argument.ty).collect();
    let passed = method.arguments.iter().map(|argument| &argument.name);
    let received = received(output);
    let missing = missing(interface, method);
    let errors = errors_section(interface, method, attributes);
    quote! {
        #(#attributes)*
        #[doc = #errors]
        #[inline]
        pub fn #ident(
            &self,
            #(#names: #types),*
        ) -> ::core::result::Result<#received, ::reactor_abi::interface::CallError> {
            __Calls::#ident(&self.link, #(#passed,)* #missing)
        }
    }
}

/// What a handle's method answers, as people read it: the method's own type, where its name tells that it is no stream.
/// What another type is, an alias for instance, only the compiler knows.
fn received(output: &Type) -> TokenStream {
    if is_no_stream(output) { quote!(#output) } else { quote!(::reactor_abi::interface::Received<#output>) }
}

/// The types of the language that are named often.
const NO_STREAMS: [&str; 20] = [
    "u8", "u16", "u32", "u64", "u128", "usize", "i8", "i16", "i32", "i64", "i128", "isize", "f32", "f64",
    "bool", "char", "String", "Vec", "Option", "Value",
];

fn is_no_stream(ty: &Type) -> bool {
    match ty {
        Type::Tuple(_) | Type::Array(_) => true,
        Type::Path(path) => path.path.segments.last().is_some_and(|last| {
            NO_STREAMS.iter().any(|name| last.ident == name)
                || last.ident == "Result"
                    && matches!(&last.arguments, syn::PathArguments::AngleBracketed(arguments)
                        if matches!(arguments.args.first(), Some(syn::GenericArgument::Type(ty)) if is_no_stream(ty)))
        }),
        _ => false,
    }
}

fn errors_section(interface: &Interface, method: &Method, attributes: &[Attribute]) -> String {
    let has_section = attributes.iter().any(|attribute| {
        let text = quote!(#attribute).to_string();
        text.contains("# Errors")
    });
    let heading = if has_section { "\n\nOf the call itself" } else { "\n\n# Errors\n\nOf the call" };
    let more = match &method.since {
        Some(since) if !method.has_body => format!(
            " A provider of `{}` older than {since} does not have the method: that is \
             [`CallError::Unsupported`](::reactor_abi::interface::CallError::Unsupported).",
            interface.name
        ),
        Some(since) => format!(
            " For a provider of `{}` older than {since} the trait's own body answers, over the methods that it has.",
            interface.name
        ),
        None => String::new(),
    };
    format!(
        "{heading}: nobody provides the interface now, who does panicked, or the data does not cross.{more}"
    )
}

/// A closure for the case that the provider has not got the method.
fn missing(interface: &Interface, method: &Method) -> TokenStream {
    let places = method.places();
    if method.has_stand_in() {
        let trait_name = &interface.ident;
        let Method { ident, output, .. } = method;
        let (stand_in, unsupported) = (stand_in_name(method), unsupported_error(interface, method));
        return quote! {
            |#places| __reactor::stand_in::<#output>(#unsupported, || {
                <#stand_in<'_> as #trait_name>::#ident(&#stand_in(self), #places)
            })
        };
    }
    unsupported(interface, method)
}

/// A closure that says so.
pub(super) fn unsupported(interface: &Interface, method: &Method) -> TokenStream {
    let ignored = method.arguments.iter().map(|_| quote!(_));
    let error = unsupported_error(interface, method);
    quote!(|#(#ignored),*| ::core::result::Result::Err(#error))
}

fn unsupported_error(interface: &Interface, method: &Method) -> TokenStream {
    let (interface_name, method_name) = (&interface.name, method.ident.to_string());
    let since = method.since.clone().unwrap_or_else(|| interface.version.to_string());
    quote! {
        __reactor::CallError::Unsupported {
            interface: #interface_name,
            method: #method_name,
            since: #since,
        }
    }
}

fn stand_in_name(method: &Method) -> Ident {
    format_ident!("__StandIn_{}", method.ident)
}

/// The trait over a handle, but for one method, whose own body is what is wanted.
fn stand_in(interface: &Interface, method: &Method) -> TokenStream {
    let trait_name = &interface.ident;
    let handle = interface.handle();
    let name = stand_in_name(method);
    let others = interface.methods.iter().filter(|other| other.ident != method.ident).map(|other| {
        let Method { ident, output, .. } = other;
        let (parameters, places) = (other.parameters(), other.places());
        quote! {
            fn #ident(&self, #parameters) -> #output {
                __reactor::or_carry::<#output>(self.0.#ident(#places))
            }
        }
    });
    quote! {
        #[allow(non_camel_case_types, reason = "named for a method")]
        struct #name<'a>(&'a #handle);

        impl #trait_name for #name<'_> {
            #(#others)*
        }
    }
}
