//! What a library says of its own build, readable without running it.
//!
//! `export_plugin!` lays a block of bytes into the section [`SECTION`]: [`MAGIC`], the length of the facts and of the
//! manifest (32 bits each, little-endian), the facts as `key=value` lines, the manifest as it stands in
//! `plugin.toml`. A host reads it from the file before the library is opened.

use std::mem::{offset_of, size_of};

use crate::ffi::meter::{Meter, Traffic};
use crate::ffi::{Blocked, Cell, PinOps, Share, interface, protocol::Binding, services::LibcHooks};

/// The version of the plugin API that this crate speaks. It is apart from the crate's own version: a manifest's `api`
/// range is matched against it.
pub const API_VERSION: &str = "1.0.0";

/// The symbol of a library's entry. The number changes when the entry itself can no longer be read by an older host.
pub const ENTRY_SYMBOL: &str = "reactor_plugin_v1";

/// The object-file section that holds the block (Mach-O: the section `__reactor` of the segment `__DATA`).
pub const SECTION: &str = if cfg!(target_vendor = "apple") { "__DATA,__reactor" } else { ".reactor" };

/// How the block begins.
pub const MAGIC: [u8; 8] = *b"REACTOR\x01";

/// The target triple this crate was built for.
pub const TARGET: &str = env!("REACTOR_TARGET");

/// The compiler that built it, as `rustc --version` says.
pub const COMPILER: &str = env!("REACTOR_COMPILER");

/// Whether `export_plugin!` plants the libc definitions for this target. A library without them is never closed.
pub const PLANTED: bool =
    cfg!(all(target_os = "linux", target_env = "gnu", any(target_arch = "x86_64", target_arch = "aarch64")));

/// A hash over the frozen types that `abi_stable` does not check: sizes, alignments, the offset of every field. Host
/// and plugin must agree on it. The API version has no part in it (the manifest's `api` range is for that), nor has
/// the length of [`LibcHooks`], which grows at its end and says how long it is.
pub const FINGERPRINT: u64 = fingerprint();

/// [`FINGERPRINT`] as 16 hexadecimal digits.
pub const FINGERPRINT_HEX: &str = {
    const DIGITS: [u8; 16] = hex(FINGERPRINT);
    match std::str::from_utf8(&DIGITS) {
        Ok(text) => text,
        Err(_) => unreachable!(),
    }
};

/// FNV-1a, 64 bits (Fowler, Noll, Vo): enough to tell two layouts apart, and `const`.
const fn fingerprint() -> u64 {
    const PRIME: u64 = 0x0100_0000_01b3;
    let words = [
        Binding::LAYOUT[0],
        Binding::LAYOUT[1],
        Binding::LAYOUT[2],
        Binding::LAYOUT[3],
        Binding::LAYOUT[4],
        Binding::LAYOUT[5],
        Binding::LAYOUT[6],
        Binding::LAYOUT[7],
        Binding::LAYOUT[8],
        Binding::SHARD_LAYOUT[0],
        Binding::SHARD_LAYOUT[1],
        Binding::SHARD_LAYOUT[2],
        Binding::SHARD_LAYOUT[3],
        Binding::SHARD_LAYOUT[4],
        Binding::SHARD_LAYOUT[5],
        size_of::<Share>(),
        Traffic::LAYOUT[0],
        Traffic::LAYOUT[1],
        Traffic::LAYOUT[2],
        Traffic::LAYOUT[3],
        Traffic::LAYOUT[4],
        Meter::LAYOUT[0],
        Meter::LAYOUT[1],
        Meter::LAYOUT[2],
        Meter::LAYOUT[3],
        Meter::LAYOUT[4],
        size_of::<Blocked>(),
        offset_of!(Blocked, kind),
        offset_of!(Blocked, binding),
        Cell::LAYOUT[0],
        Cell::LAYOUT[1],
        Cell::LAYOUT[2],
        Cell::LAYOUT[3],
        Cell::LAYOUT[4],
        size_of::<PinOps>(),
        offset_of!(PinOps, claim),
        offset_of!(PinOps, blocked),
        offset_of!(PinOps, disturbed),
        offset_of!(PinOps, entered),
        offset_of!(PinOps, left),
        offset_of!(PinOps, panicked),
        offset_of!(LibcHooks, size),
        offset_of!(LibcHooks, context),
        offset_of!(LibcHooks, key_create),
        offset_of!(LibcHooks, key_delete),
        offset_of!(LibcHooks, set_specific),
        offset_of!(LibcHooks, thread_atexit),
        offset_of!(LibcHooks, thread_create),
        offset_of!(LibcHooks, signal_action),
        offset_of!(LibcHooks, signal),
        offset_of!(LibcHooks, timer_create),
        interface::LAYOUT[0],
        interface::LAYOUT[1],
        interface::LAYOUT[2],
        interface::LAYOUT[3],
        interface::LAYOUT[4],
        interface::LAYOUT[5],
        interface::LAYOUT[6],
        interface::LAYOUT[7],
        interface::LAYOUT[8],
        interface::LAYOUT[9],
        interface::LAYOUT[10],
        interface::LAYOUT[11],
        interface::LAYOUT[12],
        interface::LAYOUT[13],
        interface::LAYOUT[14],
        interface::LAYOUT[15],
        interface::LAYOUT[16],
        crate::ffi::SHARDS,
        crate::ffi::meter::BUCKETS,
        size_of::<usize>(),
    ];
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    let mut i = 0;
    while i < words.len() {
        hash = (hash ^ words[i] as u64).wrapping_mul(PRIME);
        i += 1;
    }
    hash
}

const fn hex(number: u64) -> [u8; 16] {
    let mut digits = [0; 16];
    let mut i = 0;
    while i < 16 {
        let nibble = (number >> (60 - 4 * i)) & 0xf;
        digits[i] = b"0123456789abcdef"[nibble as usize];
        i += 1;
    }
    digits
}

/// The length in bytes of the block that [`embed`] makes of the same arguments.
pub const fn embedded_len(facts: &[&str], manifest: &str) -> usize {
    let mut len = MAGIC.len() + 8 + manifest.len();
    let mut i = 0;
    while i < facts.len() {
        len += facts[i].len();
        i += 1;
    }
    len
}

/// The block: `facts` joined, then `manifest`.
///
/// # Panics
///
/// At compile time, when `N` is not [`embedded_len`] of the same arguments or a part is over 4 GiB.
pub const fn embed<const N: usize>(facts: &[&str], manifest: &str) -> [u8; N] {
    const fn put<const N: usize>(block: &mut [u8; N], mut at: usize, bytes: &[u8]) -> usize {
        let mut i = 0;
        while i < bytes.len() {
            block[at] = bytes[i];
            at += 1;
            i += 1;
        }
        at
    }
    const fn length(len: usize) -> [u8; 4] {
        assert!(len <= u32::MAX as usize);
        #[expect(clippy::cast_possible_truncation, reason = "checked above; `try_from` is not const")]
        (len as u32).to_le_bytes()
    }
    let facts_len = embedded_len(facts, manifest) - MAGIC.len() - 8 - manifest.len();
    let mut block = [0; N];
    let mut at = put(&mut block, 0, &MAGIC);
    at = put(&mut block, at, &length(facts_len));
    at = put(&mut block, at, &length(manifest.len()));
    let mut i = 0;
    while i < facts.len() {
        at = put(&mut block, at, facts[i].as_bytes());
        i += 1;
    }
    at = put(&mut block, at, manifest.as_bytes());
    assert!(at == N);
    block
}
