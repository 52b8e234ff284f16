//! Opening a staged library and closing it again: the one file that knows `libloading`.

use std::path::Path;

use abi_stable::library::AbiHeaderRef;
use reactor_abi::facts::ENTRY_SYMBOL;
use reactor_abi::ffi::PluginRootRef;

use super::layout;
use crate::load::LoadError;
use crate::stage::Staged;

#[cfg(unix)]
use libloading::os::unix::Library;
#[cfg(windows)]
use libloading::os::windows::Library;

/// An open library whose root was checked. Dropped unclosed it stays open.
pub(crate) struct Image {
    library: Option<Library>,
    root: PluginRootRef,
    staged: Option<Staged>,
    planted: bool,
}

/// What came of closing.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Closed {
    /// The loader no longer knows it.
    Gone,
    /// The loader keeps it, for this reason.
    Kept(String),
}

impl Image {
    /// Opens a library. Its constructors run here.
    ///
    /// `needed`: the libraries that it depends on, which stay once they were opened. `planted`: what its embedded facts
    /// say. `check_layout`: false only for bytes whose layout was found good
    /// before, by this host.
    ///
    /// # Errors
    ///
    /// The loader's message, or what does not fit. A library that was opened and does not fit stays open: what its
    /// constructors did is unknown.
    pub(crate) fn open(
        staged: Staged,
        planted: bool,
        check_layout: bool,
        needed: &[String],
    ) -> Result<Self, LoadError> {
        let path = staged.path().to_owned();
        let library = open_library(&path)
            .map_err(|error| LoadError::Open { path: path.clone(), message: chain(&error) })?;
        pin_dependencies(needed);
        match root(&library, &path, check_layout) {
            Ok(root) => Ok(Self { library: Some(library), root, staged: Some(staged), planted }),
            Err(error) => {
                std::mem::forget(library);
                staged.keep();
                Err(error)
            }
        }
    }

    pub(super) fn root(&self) -> PluginRootRef {
        self.root
    }

    pub(super) fn is_planted(&self) -> bool {
        self.planted
    }

    /// Closes the library and looks whether the loader still has it. The root means nothing any more.
    pub(super) fn close(mut self) -> Closed {
        let (Some(library), Some(staged)) = (self.library.take(), self.staged.take()) else {
            return Closed::Kept("it was given up before".to_owned());
        };
        if let Err(error) = library.close() {
            staged.keep();
            return Closed::Kept(format!("the loader refuses to close it: {}", chain(&error)));
        }
        if is_listed(staged.path()) {
            hold(staged.path());
            staged.keep();
            return Closed::Kept(
                "the loader keeps it mapped (linked no-delete, unique C++ symbols, or a thread-local destructor \
                 that it counts itself)"
                    .to_owned(),
            );
        }
        Closed::Gone
    }

    /// Keeps it open for good.
    pub(super) fn retain(mut self) {
        std::mem::forget(self.library.take());
        if let Some(staged) = self.staged.take() {
            staged.keep();
        }
    }
}

impl Drop for Image {
    fn drop(&mut self) {
        // Closing is a decision (`close`), never an accident: whoever drops an image has not proved it unused.
        std::mem::forget(self.library.take());
    }
}

#[cfg(unix)]
fn open_library(path: &Path) -> Result<Library, libloading::Error> {
    use libloading::os::unix::{RTLD_LOCAL, RTLD_NOW};
    // SAFETY: the embedder accepted native code when it built the host; constructors run now, and what they do is
    // the plugin's. The path is private and was never opened before, so no other file's code can answer.
    unsafe { Library::open(Some(path), RTLD_NOW | RTLD_LOCAL) }
}

#[cfg(windows)]
fn open_library(path: &Path) -> Result<Library, libloading::Error> {
    // SAFETY: as on Unix.
    unsafe { Library::new(path) }
}

/// Finds the entry, checks it and takes the root from it. Every error is owned text: what `abi_stable` answers points
/// into the library.
fn root(library: &Library, path: &Path, check_layout: bool) -> Result<PluginRootRef, LoadError> {
    // SAFETY: `export_plugin!` defines the symbol as a `LibHeader`, whose first field is what `AbiHeaderRef` points
    // at; a forged symbol is among what the embedder accepted.
    let header: AbiHeaderRef = unsafe {
        let symbol = library.get::<AbiHeaderRef>(ENTRY_SYMBOL.as_bytes()).map_err(|error| {
            LoadError::NoEntry { path: path.to_owned(), symbol: ENTRY_SYMBOL, message: chain(&error) }
        })?;
        *symbol
    };
    let owned = |error: abi_stable::library::LibraryError| LoadError::Entry {
        path: path.to_owned(),
        message: error.to_string(),
    };
    let header = header.upgrade().map_err(owned)?;
    if check_layout {
        let found = header.layout().ok_or_else(|| LoadError::NoLayout { path: path.to_owned() })?;
        layout::check(found)
            .map_err(|mismatch| LoadError::Layout { path: path.to_owned(), mismatch: Box::new(mismatch) })?;
    }
    // SAFETY: the layout was checked now, or earlier for the very same bytes.
    unsafe { header.init_root_module_with_unchecked_layout::<PluginRootRef>() }.map_err(owned)
}

/// An error and its sources, in one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(source) = next {
        text.push_str(": ");
        text.push_str(&source.to_string());
        next = source.source();
    }
    text
}

/// Whether the loader lists a library of this path. The path is unlike any other, so the name decides; a line in
/// `/proc/self/maps` would not, since a printed backtrace maps the file too.
#[cfg(all(unix, not(target_vendor = "apple")))]
pub(crate) fn is_listed(path: &Path) -> bool {
    use std::os::unix::ffi::OsStrExt;

    struct Search<'a> {
        name: &'a [u8],
        found: bool,
    }

    unsafe extern "C" fn look(info: *mut libc::dl_phdr_info, _: usize, search: *mut libc::c_void) -> i32 {
        // SAFETY: the loader passes a valid record and the pointer given to it below.
        let (info, search) = unsafe { (&*info, &mut *search.cast::<Search<'_>>()) };
        if !info.dlpi_name.is_null() {
            // SAFETY: the loader's names are NUL-terminated and live during the call-back.
            let name = unsafe { std::ffi::CStr::from_ptr(info.dlpi_name) };
            search.found |= name.to_bytes() == search.name;
        }
        i32::from(search.found)
    }

    let mut search = Search { name: path.as_os_str().as_bytes(), found: false };
    // SAFETY: `look` matches the signature, and `search` lives during the call.
    unsafe { libc::dl_iterate_phdr(Some(look), (&raw mut search).cast()) };
    search.found
}

/// On systems without the means to ask, a closed library counts as kept.
#[cfg(not(all(unix, not(target_vendor = "apple"))))]
pub(crate) fn is_listed(_: &Path) -> bool {
    true
}

/// Keeps the libraries that a plugin depends on: they ask libc itself for keys and threads, so nobody could tell when
/// closing them is safe. Each is kept once, however many plugins need it.
#[cfg(all(unix, not(target_vendor = "apple")))]
fn pin_dependencies(needed: &[String]) {
    use libloading::os::unix::{RTLD_LOCAL, RTLD_NOW};
    for name in needed {
        // SAFETY: no constructor runs: with `RTLD_NOLOAD` the loader only marks what it has open already.
        let marked = unsafe {
            Library::open(Some(name), RTLD_NOW | RTLD_LOCAL | libc::RTLD_NOLOAD | libc::RTLD_NODELETE)
        };
        drop(marked);
    }
}

#[cfg(not(all(unix, not(target_vendor = "apple"))))]
fn pin_dependencies(_: &[String]) {}

/// Takes a handle to a library that the loader kept, so that no later, unrelated close unmaps it.
#[cfg(all(unix, not(target_vendor = "apple")))]
fn hold(path: &Path) {
    use libloading::os::unix::{RTLD_LOCAL, RTLD_NOW};
    // SAFETY: no constructor runs: with `RTLD_NOLOAD` the loader only counts one more user.
    if let Ok(library) = unsafe { Library::open(Some(path), RTLD_NOW | RTLD_LOCAL | libc::RTLD_NOLOAD) } {
        std::mem::forget(library);
    }
}

#[cfg(not(all(unix, not(target_vendor = "apple"))))]
fn hold(_: &Path) {}
