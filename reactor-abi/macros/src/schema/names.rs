//! What serde's attributes make of fields and variants, and which of them do not cross.

use syn::punctuated::Punctuated;
use syn::{Attribute, DeriveInput, Expr, ExprLit, Field, Lit, Meta, Token, Variant};

/// A type or a variant: how what is inside it is named.
pub(super) struct Container {
    fields: Option<Case>,
    variants: Option<Case>,
    /// For the fields of variants.
    fields_of_variants: Option<Case>,
}

/// What an attribute says of one field or variant.
#[derive(Default)]
struct Said {
    rename: Option<String>,
    rename_all: Option<Case>,
    rename_all_fields: Option<Case>,
    skip: bool,
}

impl Container {
    /// Reads the attributes of a type.
    pub(super) fn read(item: &DeriveInput) -> syn::Result<Self> {
        let said = Said::read(&item.attrs)?;
        let is_enum = matches!(item.data, syn::Data::Enum(_));
        Ok(Self {
            fields: said.rename_all.filter(|_| !is_enum),
            variants: said.rename_all.filter(|_| is_enum),
            fields_of_variants: said.rename_all_fields,
        })
    }

    /// Whether a field of a struct is left out when it is encoded.
    pub(super) fn skips(&self, item: &DeriveInput) -> syn::Result<bool> {
        let syn::Data::Struct(data) = &item.data else { return Ok(false) };
        for field in &data.fields {
            if self.field(field)?.is_none() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The name of a field, if it has one; nothing at all if it is skipped.
    #[expect(clippy::option_option, reason = "skipped, and without a name, are two things")]
    pub(super) fn field(&self, field: &Field) -> syn::Result<Option<Option<String>>> {
        let said = Said::read(&field.attrs)?;
        if said.skip {
            return Ok(None);
        }
        let Some(ident) = &field.ident else { return Ok(Some(None)) };
        let ident = ident.to_string();
        let ident = ident.trim_start_matches("r#");
        let name = said
            .rename
            .unwrap_or_else(|| self.fields.map_or_else(|| ident.to_owned(), |case| case.of_field(ident)));
        Ok(Some(Some(plain(name))))
    }

    /// The name of a variant and what names its fields.
    pub(super) fn variant(&self, variant: &Variant) -> syn::Result<(String, Self)> {
        let said = Said::read(&variant.attrs)?;
        if said.skip {
            return Err(syn::Error::new_spanned(
                variant,
                "a skipped variant does not cross: the encoding tells variants apart by their order; remove `skip`, or \
                 keep a type of its own that has the variant",
            ));
        }
        let ident = variant.ident.to_string();
        let ident = ident.trim_start_matches("r#");
        let name = said
            .rename
            .unwrap_or_else(|| self.variants.map_or_else(|| ident.to_owned(), |case| case.of_variant(ident)));
        let fields = said.rename_all.or(self.fields_of_variants);
        Ok((plain(name), Self { fields, variants: None, fields_of_variants: None }))
    }
}

impl Said {
    fn read(attributes: &[Attribute]) -> syn::Result<Self> {
        let mut said = Self::default();
        for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("serde")) {
            for meta in attribute.parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated)? {
                said.take(&meta)?;
            }
        }
        Ok(said)
    }

    fn take(&mut self, meta: &Meta) -> syn::Result<()> {
        let word = meta.path().get_ident().map(ToString::to_string).unwrap_or_default();
        let refuse = |why: &str| Err(syn::Error::new_spanned(meta, format!("`{word}` {why}")));
        match word.as_str() {
            "rename" => self.rename = Some(text(meta)?),
            "rename_all" => self.rename_all = Some(Case::read(meta)?),
            "rename_all_fields" => self.rename_all_fields = Some(Case::read(meta)?),
            "skip" => self.skip = true,
            "flatten" => {
                return refuse(
                    "does not cross: the encoding goes by the order of fields; write the fields out, or keep \
                               the inner type as one field",
                );
            }
            "untagged" | "tag" | "content" => {
                return refuse(
                    "does not cross: the encoding tells variants apart by their order; remove it, or keep a \
                               type of its own for the text format",
                );
            }
            "with" | "serialize_with" | "deserialize_with" | "getter" | "remote" => {
                return refuse(
                    "does not say what crosses: give the field a type that does, with `Schema` of its own",
                );
            }
            "skip_serializing" | "skip_deserializing" | "skip_serializing_if" => {
                return refuse(
                    "does not cross: what one side leaves out the other waits for; remove it (`None` takes one \
                               byte), or write `skip`",
                );
            }
            "from" | "try_from" | "into" => {
                return refuse(
                    "hides what crosses: write the type that crosses in the signature, and convert there",
                );
            }
            "other" => {
                return refuse("does not cross: the encoding tells variants apart by their order; remove it");
            }
            "borrow" => return refuse("does not cross: a type of a signature owns its data"),
            // `alias`, `bound`, `default` and others: nothing of it is in what crosses.
            _ => {}
        }
        Ok(())
    }
}

/// A name as it is written: in quotes, unless it is one word.
fn plain(name: String) -> String {
    let word = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
    if !name.is_empty() && name.chars().all(word) { name } else { format!("{name:?}") }
}

fn text(meta: &Meta) -> syn::Result<String> {
    let wrong =
        || syn::Error::new_spanned(meta, "the two directions have one name here: write `rename = \"…\"`");
    match meta {
        Meta::NameValue(pair) => match &pair.value {
            Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => Ok(text.value()),
            _ => Err(wrong()),
        },
        _ => Err(wrong()),
    }
}

/// How serde writes names.
#[derive(Clone, Copy)]
enum Case {
    Lower,
    Upper,
    Pascal,
    Camel,
    Snake,
    ScreamingSnake,
    Kebab,
    ScreamingKebab,
}

impl Case {
    fn read(meta: &Meta) -> syn::Result<Self> {
        match text(meta)?.as_str() {
            "lowercase" => Ok(Self::Lower),
            "UPPERCASE" => Ok(Self::Upper),
            "PascalCase" => Ok(Self::Pascal),
            "camelCase" => Ok(Self::Camel),
            "snake_case" => Ok(Self::Snake),
            "SCREAMING_SNAKE_CASE" => Ok(Self::ScreamingSnake),
            "kebab-case" => Ok(Self::Kebab),
            "SCREAMING-KEBAB-CASE" => Ok(Self::ScreamingKebab),
            _ => Err(syn::Error::new_spanned(meta, "serde knows no such case")),
        }
    }

    /// From `snake_case`.
    fn of_field(self, name: &str) -> String {
        let pascal = || {
            name.split('_')
                .map(|word| {
                    let mut letters = word.chars();
                    letters.next().map_or_else(String::new, |first| {
                        first.to_ascii_uppercase().to_string() + letters.as_str()
                    })
                })
                .collect::<String>()
        };
        match self {
            Self::Lower | Self::Snake => name.to_owned(),
            Self::Upper | Self::ScreamingSnake => name.to_ascii_uppercase(),
            Self::Pascal => pascal(),
            Self::Camel => first_lower(&pascal()),
            Self::Kebab => name.replace('_', "-"),
            Self::ScreamingKebab => name.to_ascii_uppercase().replace('_', "-"),
        }
    }

    /// From `PascalCase`.
    fn of_variant(self, name: &str) -> String {
        let snake = || {
            let mut snake = String::new();
            for (at, letter) in name.char_indices() {
                if at > 0 && letter.is_uppercase() {
                    snake.push('_');
                }
                snake.push(letter.to_ascii_lowercase());
            }
            snake
        };
        match self {
            Self::Pascal => name.to_owned(),
            Self::Lower => name.to_ascii_lowercase(),
            Self::Upper => name.to_ascii_uppercase(),
            Self::Camel => first_lower(name),
            Self::Snake => snake(),
            Self::ScreamingSnake => snake().to_ascii_uppercase(),
            Self::Kebab => snake().replace('_', "-"),
            Self::ScreamingKebab => snake().to_ascii_uppercase().replace('_', "-"),
        }
    }
}

fn first_lower(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map_or_else(String::new, |first| first.to_ascii_lowercase().to_string() + letters.as_str())
}
