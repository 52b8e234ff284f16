//! The text of a signature: all of a method that both sides must agree on, written so that people can compare it.

use std::any::TypeId;

/// A signature while it is written.
///
/// Types are described by their structure: names of fields and variants count, names of types do not. A type that
/// contains itself is written as `^n` where it comes again, counting outwards: `^1` is the innermost one around it. All
/// types without a name of their own in the text count, tuples too: what reads the same leads back to the same.
#[derive(Default)]
pub struct Shape {
    text: String,
    /// The types whose description is under way, outermost first.
    around: Vec<TypeId>,
}

impl Shape {
    /// An empty one.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds `text` as it stands.
    pub fn text(&mut self, text: &str) -> &mut Self {
        self.text.push_str(text);
        self
    }

    /// Adds a number.
    pub fn number(&mut self, number: impl Into<u128>) -> &mut Self {
        self.text.push_str(&number.into().to_string());
        self
    }

    /// Adds the description of `T`, which `describe` writes, unless that is what is being described already: then what
    /// leads back to it.
    pub fn within<T: ?Sized + 'static>(&mut self, describe: impl FnOnce(&mut Self)) -> &mut Self {
        let id = TypeId::of::<T>();
        if let Some(at) = self.around.iter().rposition(|one| *one == id) {
            let levels = self.around.len() - at;
            return self.text("^").text(&levels.to_string());
        }
        self.around.push(id);
        describe(self);
        self.around.pop();
        self
    }

    /// What was written.
    pub fn finish(self) -> String {
        self.text
    }
}
