use reactor_abi::prelude::*;


#[derive(Schema)]
struct Flat {
    #[serde(flatten)]
    inner: Inner,
}

#[derive(Schema)]
struct Inner {
    #[serde(skip_serializing_if = "Option::is_none")]
    word: Option<String>,
}

#[derive(Schema)]
#[serde(untagged)]
enum Untagged {
    One(u8),
    Two(String),
}

#[derive(Schema)]
#[serde(tag = "kind", content = "of")]
enum Tagged {
    One(u8),
}

#[derive(Schema)]
struct With {
    #[serde(with = "hex")]
    bytes: Vec<u8>,
}

#[derive(Schema)]
#[serde(from = "u8", into = "u8")]
struct Hidden(u8);

#[derive(Schema)]
enum Skipping {
    #[serde(skip)]
    One,
    Two,
}

#[derive(Schema)]
struct Borrowing<'a> {
    text: &'a str,
}

#[derive(Schema)]
union Both {
    one: u8,
    two: i8,
}

fn main() {}
