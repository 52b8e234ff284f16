use reactor_abi::prelude::*;

#[interface(name = "text.stats", version = "1.2.0")]
pub trait Stats {
    #[since("1.3")]
    fn after(&self);
    #[since("2.0")]
    fn next(&self);
    #[since("1.0")]
    fn first(&self);
    #[since("1.1.0")]
    fn exact(&self);
    #[since]
    fn nothing(&self);
    #[since("1.1")]
    #[since("1.2")]
    fn twice(&self);
}

fn main() {}
