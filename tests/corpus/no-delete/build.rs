//! Asks the linker for the flag.
fn main() {
    println!("cargo::rustc-cdylib-link-arg=-Wl,-z,nodelete");
}
