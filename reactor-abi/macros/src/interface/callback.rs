//! The interface as a callback: an object of the trait that is lent for the time of one call.

use proc_macro2::TokenStream;
use quote::quote;

use super::handle::unsupported;
use super::model::{Interface, Method};

pub(super) fn write(interface: &Interface) -> TokenStream {
    let Interface { ident, methods, .. } = interface;
    let (name, count) = (&interface.name, methods.len());
    let lent = methods.iter().map(|method| {
        let Method { ident, output, .. } = method;
        let (parameters, places) = (method.parameters(), method.places());
        quote! {
            fn #ident(&self, #parameters) -> #output {
                self.0.#ident(#places)
            }
        }
    });
    let proxy = methods.iter().map(|method| {
        let Method { ident, output, .. } = method;
        let (parameters, places) = (method.parameters(), method.places());
        let missing = unsupported(interface, method);
        quote! {
            fn #ident(&self, #parameters) -> #output {
                match __Calls::#ident(&self.0, #places #missing) {
                    ::core::result::Result::Ok(__received) => <#output as __reactor::Answer>::pass_on(__received),
                    ::core::result::Result::Err(__error) => <#output as __reactor::Fallible<'_>>::failed(__error),
                }
            }
        }
    });
    let outputs: Vec<_> = methods.iter().map(|method| &method.output).collect();
    // With a lifetime in it, a bound that does not hold makes the impl useless instead of an error.
    let bounds = quote!(#(for<'__x> #outputs: __reactor::Fallible<'__x>,)*);
    quote! {
        #[doc(hidden)]
        pub struct __Lent<'a>(&'a (dyn #ident + 'a));

        impl #ident for __Lent<'_> {
            #(#lent)*
        }

        #[doc(hidden)]
        pub struct __Proxy<'a>(__reactor::Proxied<'a, dyn #ident>);

        impl #ident for __Proxy<'_>
        where
            #bounds
        {
            #(#proxy)*
        }

        // SAFETY: the address of a `__Lent` with the thunks over one.
        unsafe impl __reactor::Callback for dyn #ident
        where
            #bounds
        {
            type Object<'a> = dyn #ident + 'a;
            type Lent<'a> = __Lent<'a>;
            type Proxy<'a> = __Proxy<'a>;

            fn lend<'a>(object: &'a (dyn #ident + 'a)) -> __Lent<'a> {
                __Lent(object)
            }

            fn callback(lent: &__Lent<'_>) -> __reactor::RawCallback {
                __reactor::RawCallback {
                    object: ::core::ptr::from_ref(lent).cast(),
                    table: ::core::ptr::from_ref(__Thunks::<__Lent<'_>>::TABLE).cast(),
                }
            }

            unsafe fn proxy<'a>(callback: __reactor::RawCallback) -> ::reactor_abi::Result<__Proxy<'a>> {
                // SAFETY: as the caller promises, for this interface.
                unsafe { __reactor::Proxied::new(callback, #name, #count as u32) }.map(__Proxy)
            }

            fn object<'a>(proxy: &'a __Proxy<'a>) -> &'a (dyn #ident + 'a) {
                proxy
            }
        }
    }
}
