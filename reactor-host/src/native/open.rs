//! Opening a staged library and closing it again: the one file that knows `libloading`.

use std::ops::Range;
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
    forecast: Forecast,
}

/// What a library's file says about whether it can be closed.
#[derive(Clone, Debug, Default)]
pub(crate) struct Forecast {
    /// It has the planted definitions.
    pub(crate) planted: bool,
    /// The loader is told never to unload it.
    pub(crate) no_delete: bool,
    /// Symbols for whose sake the loader may keep it.
    pub(crate) unique_symbols: Vec<String>,
    /// What it imports that keeps addresses of it.
    pub(crate) keeping_imports: Vec<&'static str>,
}

impl Forecast {
    /// Whether nothing is known yet that keeps it from being closed.
    #[cfg(unix)]
    pub(crate) fn is_closable(&self) -> bool {
        self.reasons().is_empty()
    }

    /// Why it will not be closed, in words.
    fn reasons(&self) -> Vec<String> {
        let mut reasons = Vec::new();
        if !self.planted {
            reasons.push("it was built without the definitions that let it be closed".to_owned());
        }
        if self.no_delete {
            reasons.push("it is linked with `-z nodelete`: the loader never unloads it".to_owned());
        }
        if !self.keeping_imports.is_empty() {
            let names = listed(&self.keeping_imports);
            reasons.push(format!(
                "it imports {names}, which may keep addresses of it that nobody can take back"
            ));
        }
        reasons
    }
}

/// The first few names, and how many more there are.
fn listed<T: AsRef<str>>(names: &[T]) -> String {
    const SHOWN: usize = 3;
    let shown: Vec<_> = names.iter().take(SHOWN).map(|name| format!("`{}`", name.as_ref())).collect();
    match names.len().saturating_sub(SHOWN) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
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
    /// `needed`: the libraries that it depends on, which stay once they were opened. `check_layout`: false only for
    /// bytes whose layout was found good before, by this host.
    ///
    /// # Errors
    ///
    /// The loader's message, or what does not fit. A library that was opened and does not fit stays open: what its
    /// constructors did is unknown.
    pub(crate) fn open(
        staged: Staged,
        forecast: Forecast,
        check_layout: bool,
        needed: &[String],
    ) -> Result<Self, LoadError> {
        let path = staged.path().to_owned();
        let library = open_library(&path)
            .map_err(|error| LoadError::Open { path: path.clone(), message: chain(&error) })?;
        pin_dependencies(needed);
        match root(&library, &path, check_layout) {
            Ok(root) => Ok(Self { library: Some(library), root, staged: Some(staged), forecast }),
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

    /// Why it will not be closed, as far as its file tells.
    pub(super) fn obstacles(&self) -> Vec<String> {
        self.forecast.reasons()
    }

    /// Where it stands in memory.
    pub(super) fn mapped(&self) -> Vec<Range<usize>> {
        self.staged.as_ref().and_then(|staged| find(staged.path())).unwrap_or_default()
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
        if find(staged.path()).is_some() {
            hold(staged.path());
            staged.keep();
            let unique = &self.forecast.unique_symbols;
            return Closed::Kept(if unique.is_empty() {
                "the loader keeps it mapped and does not say why: another library that is open may need it"
                    .to_owned()
            } else {
                format!("the loader keeps it for its unique symbols, as C++ has them: {}", listed(unique))
            });
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

/// Where the loader says that the library of this path stands; `None` when it lists none. The path is unlike any other,
/// so the name decides; a line in `/proc/self/maps` would not, since a printed backtrace maps the file too.
#[cfg(all(unix, not(target_vendor = "apple")))]
fn find(path: &Path) -> Option<Vec<Range<usize>>> {
    use std::os::unix::ffi::OsStrExt;

    struct Search<'a> {
        name: &'a [u8],
        found: Option<Vec<Range<usize>>>,
    }

    /// The segments that a record tells of.
    fn segments(info: &libc::dl_phdr_info) -> Vec<Range<usize>> {
        let count = usize::from(info.dlpi_phnum);
        if info.dlpi_phdr.is_null() {
            return Vec::new();
        }
        // SAFETY: the loader's table of that many headers, which lives during the call-back.
        let headers = unsafe { std::slice::from_raw_parts(info.dlpi_phdr, count) };
        let loaded = headers.iter().filter(|header| header.p_type == libc::PT_LOAD);
        let range = loaded.map(|header| {
            let start = address(info.dlpi_addr).wrapping_add(address(header.p_vaddr));
            start..start.saturating_add(address(header.p_memsz))
        });
        range.collect()
    }

    /// A word of the loader's, which is as wide as an address here.
    fn address(word: impl Into<u64>) -> usize {
        usize::try_from(word.into()).unwrap_or_default()
    }

    unsafe extern "C" fn look(info: *mut libc::dl_phdr_info, _: usize, search: *mut libc::c_void) -> i32 {
        // SAFETY: the loader passes a valid record and the pointer given to it below.
        let (info, search) = unsafe { (&*info, &mut *search.cast::<Search<'_>>()) };
        if !info.dlpi_name.is_null() {
            // SAFETY: the loader's names are NUL-terminated and live during the call-back.
            let name = unsafe { std::ffi::CStr::from_ptr(info.dlpi_name) };
            if name.to_bytes() == search.name {
                search.found = Some(segments(info));
            }
        }
        i32::from(search.found.is_some())
    }

    let mut search = Search { name: path.as_os_str().as_bytes(), found: None };
    // SAFETY: `look` matches the signature, and `search` lives during the call.
    unsafe { libc::dl_iterate_phdr(Some(look), (&raw mut search).cast()) };
    search.found
}

/// On systems without the means to ask, a closed library counts as kept.
#[cfg(not(all(unix, not(target_vendor = "apple"))))]
fn find(_: &Path) -> Option<Vec<Range<usize>>> {
    Some(Vec::new())
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
