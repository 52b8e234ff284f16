//! The provider's side: thunks, the table of them, and what is said of the interface.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};

use super::calls::raw_type;
use super::model::{Argument, Interface, Kind, Method, place};

pub(super) fn write(interface: &Interface) -> TokenStream {
    let Interface { name, version, ident, methods, .. } = interface;
    let handle = interface.handle();
    let version_text = version.to_string();
    let count = methods.len();
    let thunks = methods.iter().map(|method| thunk(interface, method));
    let encoded = methods.iter().enumerate().map(|(at, method)| encoded(interface, at, method));
    let slots = methods.iter().enumerate().map(|(at, method)| {
        let thunk = thunk_name(method);
        quote! {
            __reactor::Slot {
                thunk: Self::#thunk as *const (),
                number: #at as u32,
            }
        }
    });
    let shapes = methods.iter().map(shape);
    quote! {
        struct __Thunks<__P>(::core::marker::PhantomData<__P>);

        impl<__P: #ident> __Thunks<__P> {
            const TABLE: &'static __reactor::Table<#count> = &__reactor::Table {
                head: __reactor::TableHead { encoded: Self::__encoded, count: #count as u32 },
                slots: [#(#slots),*],
            };

            unsafe extern "C" fn __encoded(
                __object: *const (),
                __method: u32,
                __input: __reactor::RSlice<'_, u8>,
                __callbacks: __reactor::Callbacks,
                __answer: __reactor::Sink,
            ) -> __reactor::Status {
                __reactor::serve_encoded(__answer, __input.as_slice(), __callbacks, |__input, __output| {
                    // SAFETY: the table is only ever offered with the address of such a provider.
                    let __provider = unsafe { &*__object.cast::<__P>() };
                    match __method {
                        #(#encoded)*
                        _ => return ::core::result::Result::Ok(false),
                    }
                    #[allow(unreachable_code, reason = "an interface may have no methods")]
                    ::core::result::Result::Ok(true)
                })
            }

            #(#thunks)*
        }

        const __METHODS: &[__reactor::MethodShape] = &[#(#shapes),*];

        // SAFETY: the handle calls by the place in this list.
        unsafe impl __reactor::Interface for dyn #ident {
            const NAME: &'static str = #name;
            const VERSION: &'static str = #version_text;
            type Handle = #handle;

            fn descriptor() -> __reactor::Descriptor {
                __reactor::describe(#name, #version_text, __METHODS)
            }

            fn write(shape: &mut __reactor::Shape) {
                __reactor::write_callback::<dyn #ident>(shape, __METHODS);
            }

            fn handle(link: __reactor::Link<Self>) -> #handle {
                #handle { link }
            }
        }

        // SAFETY: the thunks of the same methods, over a `__P`.
        unsafe impl<__P: #ident + ::core::marker::Send + ::core::marker::Sync + 'static> __reactor::Admits<__P>
            for dyn #ident
        {
            fn table() -> *const __reactor::TableHead {
                ::core::ptr::from_ref(__Thunks::<__P>::TABLE).cast()
            }
        }
    }
}

fn thunk_name(method: &Method) -> syn::Ident {
    format_ident!("__thunk_{}", method.ident)
}

fn thunk(interface: &Interface, method: &Method) -> TokenStream {
    let Method { ident, output, arguments, .. } = method;
    let trait_name = &interface.ident;
    let name = thunk_name(method);
    let places: Vec<_> = (0..arguments.len()).map(place).collect();
    let raw_types = arguments.iter().map(raw_type);
    let take = arguments.iter().zip(&places).map(|(argument, place)| match &argument.kind {
        Kind::Value(ty) | Kind::Reference(ty) => {
            quote!(let #place = unsafe { <#ty as __reactor::Argument>::take(#place) }?;)
        }
        Kind::Optional(ty) => quote!(let #place = unsafe { __reactor::optional::take::<#ty>(#place) }?;),
        Kind::Callback(ty) => quote! {
            let #place = unsafe { <#ty as __reactor::Callback>::proxy(#place) }?;
        },
    });
    let passed = arguments.iter().zip(&places).map(|(argument, place)| match &argument.kind {
        Kind::Value(ty) => quote!(__reactor::own::<#ty>(#place)),
        _ => borrowed(argument, place),
    });
    quote! {
        unsafe extern "C" fn #name(
            __object: *const (),
            #(#places: #raw_types,)*
            __answer: __reactor::Sink,
        ) -> __reactor::Reply<<#output as __reactor::Answer>::Raw> {
            __reactor::serve(__answer, || {
                // SAFETY: the table is only ever offered with the address of such a provider; what the caller passes is
                // there for the call.
                let __provider = unsafe { &*__object.cast::<__P>() };
                let __answered = {
                    #(#take)*
                    let __answered = <__P as #trait_name>::#ident(__provider, #(#passed),*);
                    // What was taken is dropped here: were it after the answer is given, a panic would be written behind it.
                    __answered
                };
                __reactor::Answer::give(__answered, __answer)
            })
        }
    }
}

/// What was taken, as the trait's method has it.
fn borrowed(argument: &Argument, place: &syn::Ident) -> TokenStream {
    match &argument.kind {
        Kind::Value(_) => quote!(#place),
        Kind::Reference(ty) => quote!(::core::borrow::Borrow::<#ty>::borrow(&#place)),
        Kind::Optional(ty) => quote! {
            ::core::option::Option::as_ref(&#place).map(::core::borrow::Borrow::<#ty>::borrow)
        },
        Kind::Callback(ty) => quote!(<#ty as __reactor::Callback>::object(&#place)),
    }
}

/// One arm of the function that takes encoded calls.
fn encoded(interface: &Interface, at: usize, method: &Method) -> TokenStream {
    let Method { ident, arguments, .. } = method;
    let trait_name = &interface.ident;
    let at = u32::try_from(at).unwrap_or(u32::MAX);
    let places: Vec<_> = (0..arguments.len()).map(place).collect();
    let get = arguments.iter().zip(&places).map(|(argument, place)| match &argument.kind {
        Kind::Value(ty) | Kind::Reference(ty) => {
            quote!(let #place = <#ty as __reactor::Argument>::get(__input)?;)
        }
        Kind::Optional(ty) => quote!(let #place = __reactor::optional::get::<#ty>(__input)?;),
        Kind::Callback(ty) => quote! {
            // SAFETY: the callbacks of a call are those of the method's signature.
            let #place = unsafe { <#ty as __reactor::Callback>::proxy(__reactor::lent(__input)?) }?;
        },
    });
    let passed = arguments.iter().zip(&places).map(|(argument, place)| borrowed(argument, place));
    quote! {
        #at => {
            #(#get)*
            __input.end()?;
            __reactor::Answer::put(<__P as #trait_name>::#ident(__provider, #(#passed),*), __output)?;
        }
    }
}

/// What is said of a method.
fn shape(method: &Method) -> TokenStream {
    let Method { ident, arguments, output, since, .. } = method;
    let name = quote::ToTokens::to_token_stream(ident).to_string();
    let name = name.trim_start_matches("r#");
    let begin = format!("fn {name}(&self");
    let each = arguments.iter().map(|argument| match &argument.kind {
        Kind::Value(ty) => quote!(shape.text(", "); <#ty as __reactor::Argument>::write(shape);),
        Kind::Reference(ty) => quote!(shape.text(", &"); <#ty as __reactor::Argument>::write(shape);),
        Kind::Optional(ty) => {
            quote!(shape.text(", Option<&"); <#ty as __reactor::Argument>::write(shape); shape.text(">");)
        }
        Kind::Callback(ty) => quote!(shape.text(", &"); <#ty as __reactor::Interface>::write(shape);),
    });
    let since = since.as_ref().map_or_else(
        || quote!(::core::option::Option::None),
        |since| quote!(::core::option::Option::Some(#since)),
    );
    let output = if let syn::Type::Tuple(tuple) = output
        && tuple.elems.is_empty()
    {
        quote!(shape.text(")");)
    } else {
        quote!(shape.text(") -> "); <#output as __reactor::Answer>::write(shape);)
    };
    quote! {
        __reactor::MethodShape {
            name: #name,
            since: #since,
            write: |shape| {
                shape.text(#begin);
                #(#each)*
                #output
            },
        }
    }
}
