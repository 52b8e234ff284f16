//! What stands in the brackets: name and version.

use semver::Version;
use syn::parse::{Parse, ParseStream};
use syn::punctuated::Punctuated;
use syn::{LitStr, MetaNameValue, Token};

use super::check;

/// `name = "…", version = "…"`, both checked.
pub(super) struct Header {
    pub(super) name: LitStr,
    pub(super) version: Version,
}

impl Parse for Header {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let (mut name, mut version) = (None, None);
        for pair in Punctuated::<MetaNameValue, Token![,]>::parse_terminated(input)? {
            let place = if pair.path.is_ident("name") {
                &mut name
            } else if pair.path.is_ident("version") {
                &mut version
            } else {
                return Err(syn::Error::new_spanned(pair.path, "an interface has a `name` and a `version`"));
            };
            let text: LitStr = syn::parse2(quote::ToTokens::into_token_stream(&pair.value))?;
            if place.replace(text).is_some() {
                return Err(syn::Error::new_spanned(pair.path, "this is said twice"));
            }
        }
        let missing = |what: &str, example: &str| {
            let text = format!("the interface's {what} is missing: add `{what} = \"{example}\"`");
            syn::Error::new(proc_macro2::Span::call_site(), text)
        };
        let name = name.ok_or_else(|| missing("name", "text.stats"))?;
        let version = version.ok_or_else(|| missing("version", "1.0.0"))?;
        check::name(&name.value()).map_err(|why| {
            syn::Error::new(name.span(), format!("{why}: an interface is named like `text.stats`"))
        })?;
        let version = Version::parse(&version.value()).map_err(|error| {
            syn::Error::new(
                version.span(),
                format!("no SemVer version ({error}): write three numbers, as in \"1.2.0\""),
            )
        })?;
        Ok(Self { name, version })
    }
}

/// Errors of the syntax itself say what is expected instead.
pub(super) fn explain(error: &syn::Error) -> syn::Error {
    let text = error.to_string();
    if text.starts_with("expected") || text.starts_with("unexpected") {
        return syn::Error::new(
            error.span(),
            format!("{text}: write `#[interface(name = \"text.stats\", version = \"1.0.0\")]`"),
        );
    }
    error.clone()
}
