use reactor_abi::prelude::*;

#[interface(name = "text.stats", version = "1.2.0")]
pub trait Stats {
    fn longest(&self, text: &str) -> &str;
    fn words(&self, text: &str) -> Vec<&str>;
    fn bytes(&self) -> Option<&[u8]>;
    fn text(&self) -> std::borrow::Cow<'_, str>;
}

fn main() {}
