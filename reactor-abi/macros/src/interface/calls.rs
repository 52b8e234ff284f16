//! The caller's side of each method, whatever the call goes to: `__Calls::method(target, arguments…, missing)`.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::{Ident, Type};

use super::model::{Argument, Interface, Kind, Method, place};

pub(super) fn write(interface: &Interface) -> TokenStream {
    let each = interface.methods.iter().enumerate().map(|(at, method)| one(at, method));
    quote! {
        use ::reactor_abi::interface::__made as __reactor;

        struct __Calls;

        impl __Calls {
            #(#each)*
        }
    }
}

fn one(at: usize, method: &Method) -> TokenStream {
    let Method { ident, output, .. } = method;
    let (slow, raw, encoded) = (
        format_ident!("__slow_{}", ident),
        format_ident!("__raw_{}", ident),
        format_ident!("__encoded_{}", ident),
    );
    let parameters = method.parameters();
    let places = method.places();
    let types: Vec<&Type> = method.arguments.iter().map(|argument| &argument.ty).collect();
    let raw_types = method.arguments.iter().map(raw_type);
    let steps: Vec<Steps> =
        method.arguments.iter().enumerate().map(|(at, argument)| steps(at, argument)).collect();
    let keep = steps.iter().map(|steps| &steps.keep);
    let carries = steps.iter().map(|steps| &steps.carries);
    let bytes = steps.iter().map(|steps| &steps.bytes);
    let raws = steps.iter().map(|steps| &steps.raw);
    let answered = answered(output);
    let encoded_call = encoded_call(method, &encoded, &steps);
    // An error of one word: then an answer stays in registers, and is not written to where errors are wanted.
    let boxed = quote!(
        ::core::result::Result<
            <#output as __reactor::Answer>::Received,
            ::std::boxed::Box<__reactor::CallError>,
        >
    );
    quote! {
        #[inline]
        fn #ident<__T: __reactor::Target>(
            __target: &__T,
            #parameters
            __missing: impl ::core::ops::FnOnce(#(#types),*) -> #answered,
        ) -> #answered {
            if let ::core::option::Option::Some(__entered) = __reactor::Target::enter_briefly(__target) {
                // SAFETY: the table has a slot for each method, in the order of the descriptor.
                let __slot = unsafe { __reactor::Entered::slot(&__entered, #at) };
                if !__slot.thunk.is_null() {
                    // SAFETY: the thunk is this method's.
                    return unsafe { Self::#raw(__entered, __slot.thunk, #places) }.map_err(|__error| *__error);
                }
                __reactor::Entered::retreat(__entered);
            }
            Self::#slow(__target, #places __missing).map_err(|__error| *__error)
        }

        #[cold]
        #[inline(never)]
        fn #slow<__T: __reactor::Target>(
            __target: &__T,
            #parameters
            __missing: impl ::core::ops::FnOnce(#(#types),*) -> #answered,
        ) -> #boxed {
            let __entered = __reactor::Target::enter(__target)?;
            // SAFETY: as above.
            let __slot = unsafe { __reactor::Entered::slot(&__entered, #at) };
            if __slot.thunk.is_null() {
                return ::core::result::Result::Ok(Self::#encoded(__entered, __slot.number, #places __missing)?);
            }
            // SAFETY: the thunk is this method's.
            unsafe { Self::#raw(__entered, __slot.thunk, #places) }
        }

        #[inline(always)]
        unsafe fn #raw<__E: __reactor::Entered>(
            __entered: __E,
            __thunk: *const (),
            #parameters
        ) -> #boxed {
            #(#keep)*
            let __carried = if false #(|| #carries)* {
                ::core::option::Option::Some(0usize #(+ #bytes)*)
            } else {
                ::core::option::Option::None
            };
            // SAFETY: a thunk in this slot has the method's signature, which was compared with the provider's; what is
            // passed stays where it is for the call.
            unsafe {
                let __thunk: unsafe extern "C" fn(
                    *const (),
                    #(#raw_types,)*
                    __reactor::Sink,
                ) -> __reactor::Reply<<#output as __reactor::Answer>::Raw> = ::core::mem::transmute(__thunk);
                let __object = __reactor::Entered::object(&__entered);
                <#output as __reactor::Answer>::receive(__entered, __carried, move |__sink| {
                    __thunk(__object, #(#raws,)* __sink)
                })
            }
        }

        #encoded_call
    }
}

/// The function that calls a method by the encoded road.
fn encoded_call(method: &Method, name: &Ident, steps: &[Steps]) -> TokenStream {
    let Method { output, .. } = method;
    let (parameters, places) = (method.parameters(), method.places());
    let types = method.arguments.iter().map(|argument| &argument.ty);
    let put = steps.iter().map(|steps| &steps.put);
    let answered = answered(output);
    quote! {
        #[cold]
        fn #name<__E: __reactor::Entered>(
            __entered: __E,
            __number: u32,
            #parameters
            __missing: impl ::core::ops::FnOnce(#(#types),*) -> #answered,
        ) -> #answered {
            if __number == __reactor::MISSING {
                ::core::mem::drop(__entered);
                return __missing(#places);
            }
            let mut __lending = <__reactor::Lending as ::core::default::Default>::default();
            #(#put)*
            // SAFETY: what stands behind the table takes encoded calls; callbacks are lent until the end of this function.
            match unsafe { __reactor::call_encoded(&__entered, __number, &__lending) }? {
                ::core::option::Option::Some(__bytes) => {
                    __reactor::carried(<#output as __reactor::Answer>::get(&__entered, &__bytes))
                }
                ::core::option::Option::None => {
                    ::core::mem::drop(__entered);
                    __missing(#places)
                }
            }
        }
    }
}

/// What the caller's side answers for a method.
fn answered(output: &Type) -> TokenStream {
    quote!(::core::result::Result<<#output as __reactor::Answer>::Received, __reactor::CallError>)
}

/// What stands for an argument in the signature of a thunk.
pub(super) fn raw_type(argument: &Argument) -> TokenStream {
    match &argument.kind {
        Kind::Value(ty) | Kind::Reference(ty) => quote!(<#ty as __reactor::Argument>::Raw),
        Kind::Optional(ty) => quote!(__reactor::RawOption<<#ty as __reactor::Argument>::Raw>),
        Kind::Callback(_) => quote!(__reactor::RawCallback),
    }
}

/// What is done with an argument on the caller's side.
struct Steps {
    /// Statements before a raw call.
    keep: TokenStream,
    /// Whether it carries bytes: a constant.
    carries: TokenStream,
    /// How many.
    bytes: TokenStream,
    /// What is passed.
    raw: TokenStream,
    /// The statement that encodes it.
    put: TokenStream,
}

fn steps(at: usize, argument: &Argument) -> Steps {
    let place = place(at);
    let kept = format_ident!("__kept_{}", at);
    let raw = format_ident!("__raw_{}", at);
    match &argument.kind {
        Kind::Value(ty) => data(ty, &quote!(&#place), &kept, &raw),
        Kind::Reference(ty) => data(ty, &quote!(#place), &kept, &raw),
        Kind::Optional(ty) => Steps {
            keep: quote! {
                let #kept = __reactor::carried(__reactor::optional::keep::<#ty>(#place))?;
                let #raw = __reactor::optional::raw::<#ty>(&#kept);
            },
            carries: quote!(<#ty as __reactor::Argument>::CARRIES),
            bytes: quote!(__reactor::optional::bytes::<#ty>(#raw)),
            raw: quote!(#raw),
            put: quote!(__reactor::carried(__reactor::optional::put::<#ty>(#place, &mut __lending.input))?;),
        },
        Kind::Callback(ty) => Steps {
            keep: quote! {
                let #kept = <#ty as __reactor::Callback>::lend(#place);
                let #raw = <#ty as __reactor::Callback>::callback(&#kept);
            },
            carries: quote!(false),
            bytes: quote!(0),
            raw: quote!(#raw),
            put: quote! {
                let #kept = <#ty as __reactor::Callback>::lend(#place);
                __reactor::carried(__lending.lend(<#ty as __reactor::Callback>::callback(&#kept)))?;
            },
        },
    }
}

fn data(ty: &Type, lent: &TokenStream, kept: &Ident, raw: &Ident) -> Steps {
    Steps {
        keep: quote! {
            let #kept = __reactor::carried(<#ty as __reactor::Argument>::keep(#lent))?;
            let #raw = <#ty as __reactor::Argument>::raw(&#kept);
        },
        carries: quote!(<#ty as __reactor::Argument>::CARRIES),
        bytes: quote!(<#ty as __reactor::Argument>::bytes(#raw)),
        raw: quote!(#raw),
        put: quote!(__reactor::carried(<#ty as __reactor::Argument>::put(#lent, &mut __lending.input))?;),
    }
}
