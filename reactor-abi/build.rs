//! Tells the crate which target and compiler it is built for: a plugin library carries both, and only a build script
//! knows them.

use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let target = std::env::var("TARGET").expect("cargo sets TARGET");
    let rustc = std::env::var_os("RUSTC").expect("cargo sets RUSTC");
    let version = Command::new(rustc).arg("--version").output().expect("the compiler tells its version");
    println!("cargo::rustc-env=REACTOR_TARGET={target}");
    println!("cargo::rustc-env=REACTOR_COMPILER={}", String::from_utf8_lossy(&version.stdout).trim());
}
