//! Functions that keep an address of whoever calls them, for good or for as long as they please.
//!
//! `export_plugin!` plants definitions of its own for the common ones, so that the host is asked when they are called.
//! These are rare, or reach libc through another library. Importing one is enough: nobody could tell later whether it
//! was called, and with what.

/// The names, sorted.
const KEEPERS: [&str; 17] = [
    // libstdc++ starts the thread of a `std::thread`, and nobody counts it.
    "_ZNSt6thread15_M_start_threadESt10unique_ptrINS_6_StateESt14default_deleteIS1_EEPFvvE",
    "aio_fsync",
    "aio_fsync64",
    "aio_read",
    "aio_read64",
    "aio_write",
    "aio_write64",
    "clone",
    "fopencookie",
    "getaddrinfo_a",
    "lio_listio",
    "lio_listio64",
    "register_printf_function",
    "register_printf_specifier",
    "register_printf_type",
    // The thread functions of C11, which no definition of ours stands before.
    "thrd_create",
    "tss_create",
];

/// The function of this list whose name stands at the beginning of `text`, ended by a NUL.
pub(super) fn keeper(text: &[u8]) -> Option<&'static str> {
    KEEPERS
        .into_iter()
        .find(|name| text.strip_prefix(name.as_bytes()).is_some_and(|rest| rest.first() == Some(&0)))
}
