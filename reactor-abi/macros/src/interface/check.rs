//! What an interface can not have, each with what to write instead.

use quote::ToTokens;
use syn::visit::{self, Visit};
use syn::{
    Expr, ExprLit, FnArg, GenericArgument, ItemTrait, Lifetime, Lit, Meta, PathArguments, TraitItem,
    TraitItemFn, Type, TypeImplTrait, TypeParamBound, TypePath, TypeReference, TypeTraitObject,
};

use super::header::Header;
use super::model::Kind;

/// The longest name, in bytes: that of a plugin's id.
const LONGEST_NAME: usize = 128;

/// Methods that every handle has.
const TAKEN: [&str; 2] = ["check", "provider"];

/// Everything that was found wrong.
#[derive(Default)]
pub(super) struct Errors(Option<syn::Error>);

impl Errors {
    /// Adds what is wrong with `tokens`.
    pub(super) fn add(&mut self, tokens: &impl ToTokens, message: &str) {
        let error = syn::Error::new_spanned(tokens, message);
        match &mut self.0 {
            Some(errors) => errors.combine(error),
            none => *none = Some(error),
        }
    }

    /// Nothing was.
    pub(super) fn none(self) -> syn::Result<()> {
        self.0.map_or(Ok(()), Err)
    }
}

/// The rule for names of interfaces in manifests: dot-separated kebab-case.
pub(super) fn name(text: &str) -> Result<(), String> {
    if text.is_empty() {
        return Err("the name is empty".into());
    }
    if text.len() > LONGEST_NAME {
        return Err(format!("the name has {} bytes, and {LONGEST_NAME} at most are allowed", text.len()));
    }
    for segment in text.split('.') {
        if segment.is_empty() {
            return Err("a segment of the name is empty".into());
        }
        if let Some(found) =
            segment.chars().find(|c| !(c.is_ascii_lowercase() || c.is_ascii_digit() || *c == '-'))
        {
            return Err(format!("the name holds {found:?}"));
        }
        if segment.starts_with('-') || segment.ends_with('-') || segment.contains("--") {
            return Err(format!("in `{segment}` a hyphen is not between two letters or digits"));
        }
    }
    Ok(())
}

pub(super) fn the_trait(item: &ItemTrait, errors: &mut Errors) {
    if !item.generics.params.is_empty() {
        errors.add(
            &item.generics,
            "an interface has no generics: both sides are compiled apart; write one interface for each type, or take an \
             enum or a `Value`",
        );
    }
    if let Some(clause) = &item.generics.where_clause {
        errors.add(clause, "an interface has no where clause: remove it");
    }
    if let Some(token) = &item.unsafety {
        errors
            .add(token, "an interface is no `unsafe trait`: its callers can not be asked to uphold anything");
    }
    if let Some(token) = &item.auto_token {
        errors.add(token, "an interface is no auto trait");
    }
    if !item.supertraits.is_empty() {
        errors.add(
            &item.supertraits,
            "an interface has no supertraits: write their methods into it (`Send + Sync` is asked of every provider \
             anyway)",
        );
    }
}

/// An item of the trait that is no method.
pub(super) fn no_method(item: &TraitItem, errors: &mut Errors) {
    let message = match item {
        TraitItem::Type(_) => "an interface has no associated types: name the type in the signatures",
        TraitItem::Const(_) => {
            "an interface has no associated constants: write a method that returns the value"
        }
        TraitItem::Macro(_) => "an interface has no macros: both sides read its methods as they stand here",
        _ => "an interface has methods only",
    };
    errors.add(item, message);
}

/// A method, but for its types.
pub(super) fn the_method(method: &TraitItemFn, errors: &mut Errors) {
    let signature = &method.sig;
    if let Some(token) = &signature.asyncness {
        errors.add(
            token,
            "an interface has no `async fn`: a future would outlive the code behind it; return a `Stream`, or take a \
             callback",
        );
    }
    if let Some(token) = &signature.unsafety {
        errors.add(token, "an interface has no `unsafe fn`: its callers can not be asked to uphold anything");
    }
    if let Some(token) = &signature.constness {
        errors.add(token, "a method of an interface is no `const fn`");
    }
    if let Some(token) = &signature.abi {
        errors.add(
            token,
            "an interface's methods are plain Rust: remove `extern`, how they cross is the macro's",
        );
    }
    if let Some(token) = &signature.variadic {
        errors.add(token, "an interface's methods have a fixed number of arguments: take a slice");
    }
    if !signature.generics.params.is_empty() {
        let message = if signature.generics.type_params().next().is_some()
            || signature.generics.const_params().next().is_some()
        {
            "a method of an interface has no generics: both sides are compiled apart; write one method for each type, or \
             take an enum or a `Value`"
        } else {
            "a method of an interface has no lifetimes of its own: arguments are borrowed for the call, answers own their \
             data; remove them"
        };
        errors.add(&signature.generics, message);
    }
    if let Some(clause) = &signature.generics.where_clause {
        errors.add(clause, "a method of an interface has no where clause: remove it");
    }
    receiver(method, errors);
    for attribute in &method.attrs {
        if attribute.path().is_ident("cfg") || attribute.path().is_ident("cfg_attr") {
            errors.add(
                attribute,
                "a method of an interface is there for everybody: write another interface for what is not",
            );
        }
    }
    if let Some(taken) = TAKEN.iter().find(|name| signature.ident == **name) {
        errors.add(
            &signature.ident,
            &format!("every handle has a method `{taken}` of its own: take another name"),
        );
    }
}

fn receiver(method: &TraitItemFn, errors: &mut Errors) {
    match method.sig.inputs.first() {
        Some(FnArg::Receiver(receiver)) => {
            if receiver.reference.is_none() && receiver.colon_token.is_some() {
                errors.add(receiver, "a method of an interface takes `&self`: a provider is shared as it is");
            } else if receiver.reference.is_none() {
                errors.add(
                    receiver,
                    "a method of an interface takes `&self`, not `self`: a provider is shared by all its callers",
                );
            } else if receiver.mutability.is_some() {
                errors.add(
                    receiver,
                    "a method of an interface takes `&self`, not `&mut self`: calls come from several threads at once; \
                     put what changes behind a `Mutex` or an atomic",
                );
            } else if receiver.reference.as_ref().is_some_and(|(_, lifetime)| lifetime.is_some()) {
                errors.add(receiver, "a method of an interface takes `&self`, without a lifetime");
            }
        }
        _ => errors.add(
            &method.sig.ident,
            "a method of an interface takes `&self` first: it is called on a provider's object",
        ),
    }
}

/// The version that a method is there since.
pub(super) fn since(method: &TraitItemFn, header: &Header, errors: &mut Errors) -> Option<String> {
    let mut attributes = method.attrs.iter().filter(|attribute| attribute.path().is_ident("since"));
    let attribute = attributes.next()?;
    if let Some(second) = attributes.next() {
        errors.add(second, "this is said twice");
    }
    let text = match &attribute.meta {
        Meta::List(list) => syn::parse2::<syn::LitStr>(list.tokens.clone()).ok(),
        Meta::NameValue(pair) => match &pair.value {
            Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => Some(text.clone()),
            _ => None,
        },
        Meta::Path(_) => None,
    };
    let parsed = text.as_ref().and_then(|text| {
        let value = text.value();
        let (major, minor) = value.split_once('.')?;
        let plain = |part: &str| part == "0" || !part.starts_with(['0', '+']);
        let numbers = (major.parse::<u64>().ok()?, minor.parse::<u64>().ok()?);
        (plain(major) && plain(minor)).then_some((value.clone(), numbers))
    });
    let Some((text, (major, minor))) = parsed else {
        errors.add(attribute, "write the minor version in which the method came: `#[since(\"1.1\")]`");
        return None;
    };
    let Header { version, .. } = header;
    if major != version.major {
        errors.add(
            attribute,
            &format!(
                "the interface is at {version}, and `since` names another major version: a new major version begins anew, \
                 so remove it"
            ),
        );
    } else if minor > version.minor {
        errors.add(
            attribute,
            &format!("the interface is at {version}, before {text}: raise its version to \"{text}.0\""),
        );
    } else if minor == 0 && major > 0 {
        errors.add(
            attribute,
            &format!("what is there since {text} is there from the first: remove `#[since]`"),
        );
    }
    Some(text)
}

/// How an argument crosses; nothing if it does not.
pub(super) fn argument(ty: &Type, errors: &mut Errors) -> Option<Kind> {
    match ty {
        Type::Paren(inner) => argument(&inner.elem, errors),
        Type::Group(inner) => argument(&inner.elem, errors),
        Type::Reference(reference) => referenced(reference, errors),
        _ => {
            if let Some(reference) = optional(ty) {
                match referenced(reference, errors)? {
                    Kind::Reference(inner) => return Some(Kind::Optional(inner)),
                    _ => errors
                        .add(ty, "a callback is always given: write another method for calls without it"),
                }
                return None;
            }
            owned(ty, "an argument", errors).then(|| Kind::Value(ty.clone()))
        }
    }
}

fn referenced(reference: &TypeReference, errors: &mut Errors) -> Option<Kind> {
    if let Some(token) = &reference.mutability {
        errors.add(
            token,
            "an argument of an interface's method is no `&mut`: return what changes, or take a callback that is told",
        );
        return None;
    }
    if let Some(lifetime) = &reference.lifetime {
        errors.add(lifetime, "an argument is borrowed for the call: write `&` without a lifetime");
        return None;
    }
    let mut inner = &*reference.elem;
    while let Type::Paren(syn::TypeParen { elem, .. }) | Type::Group(syn::TypeGroup { elem, .. }) = inner {
        inner = elem;
    }
    if let Type::TraitObject(object) = inner {
        return callback(object, errors);
    }
    // A slice's element is what counts.
    let element = if let Type::Slice(slice) = inner { &*slice.elem } else { inner };
    owned(element, "an argument", errors).then(|| Kind::Reference(inner.clone()))
}

fn callback(object: &TypeTraitObject, errors: &mut Errors) -> Option<Kind> {
    let mut bounds = object.bounds.iter();
    let (Some(TypeParamBound::Trait(_)), None) = (bounds.next(), bounds.next()) else {
        errors.add(
            object,
            "a callback is `&dyn` of one interface, without more: it is called on the caller's thread, during the call",
        );
        return None;
    };
    Some(Kind::Callback(Type::TraitObject(object.clone())))
}

/// The `&T` of an `Option<&T>`.
fn optional(ty: &Type) -> Option<&TypeReference> {
    let Type::Path(TypePath { qself: None, path }) = ty else { return None };
    let last = path.segments.last()?;
    let PathArguments::AngleBracketed(arguments) = &last.arguments else { return None };
    let (true, 1, Some(GenericArgument::Type(Type::Reference(reference)))) =
        (last.ident == "Option", arguments.args.len(), arguments.args.first())
    else {
        return None;
    };
    Some(reference)
}

/// What a method returns.
pub(super) fn answer(ty: &Type, errors: &mut Errors) {
    owned(ty, "an answer", errors);
}

/// Whether a type owns its data and is named in full; says so if not.
fn owned(ty: &Type, what: &'static str, errors: &mut Errors) -> bool {
    let mut look = Look { what, errors, fine: true };
    look.visit_type(ty);
    look.fine
}

struct Look<'a> {
    what: &'static str,
    errors: &'a mut Errors,
    fine: bool,
}

impl Look<'_> {
    fn refuse(&mut self, tokens: &impl ToTokens, message: &str) {
        self.fine = false;
        self.errors.add(tokens, message);
    }
}

impl<'ast> Visit<'ast> for Look<'_> {
    fn visit_type_reference(&mut self, reference: &'ast TypeReference) {
        let text = match &*reference.elem {
            Type::Path(path) if path.path.is_ident("str") => "`String` instead of `&str`".to_owned(),
            Type::Slice(slice) => {
                format!("`Vec<{0}>` instead of `&[{0}]`", slice.elem.to_token_stream())
            }
            Type::TraitObject(_) => {
                "a type of your own; `&dyn` stands for a callback, as an argument by itself".to_owned()
            }
            other => format!("`{}` without the `&`", other.to_token_stream()),
        };
        let message = if self.what == "an answer" {
            format!("an answer owns its data, since what is called may be gone when it is read: write {text}")
        } else {
            format!("only the argument itself can be borrowed, not what is inside it: write {text}")
        };
        self.refuse(reference, &message);
    }

    fn visit_type_impl_trait(&mut self, ty: &'ast TypeImplTrait) {
        let message = format!(
            "{} of an interface's method has a named type: write it instead of `impl Trait`",
            self.what
        );
        self.refuse(ty, &message);
    }

    fn visit_type_trait_object(&mut self, ty: &'ast TypeTraitObject) {
        self.refuse(
            ty,
            "an object can only be lent, for the time of a call: write `&dyn Other` as an argument",
        );
    }

    fn visit_type_ptr(&mut self, ty: &'ast syn::TypePtr) {
        self.refuse(ty, "a pointer does not cross: pass the data, or a number that stands for it");
    }

    fn visit_type_bare_fn(&mut self, ty: &'ast syn::TypeBareFn) {
        self.refuse(ty, "a function does not cross: take `&dyn Other`, an interface with one method");
    }

    fn visit_type_infer(&mut self, ty: &'ast syn::TypeInfer) {
        self.refuse(ty, "name the type");
    }

    fn visit_type_slice(&mut self, ty: &'ast syn::TypeSlice) {
        self.refuse(ty, "a slice has no size of its own: write `Vec<…>`, or `&[…]` as an argument by itself");
    }

    fn visit_lifetime(&mut self, lifetime: &'ast Lifetime) {
        self.refuse(lifetime, "a type of a signature has no lifetimes: it owns its data");
    }

    fn visit_type_path(&mut self, ty: &'ast TypePath) {
        if ty.path.segments.first().is_some_and(|first| first.ident == "Self") {
            self.refuse(ty, "a provider's own type does not cross: name a type that both sides know");
            return;
        }
        visit::visit_type_path(self, ty);
    }
}
