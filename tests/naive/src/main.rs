//! A plugin host as one writes it: open the path, look up the symbol, call it; to reload, close and open again.
//!
//! `naive SCENARIO PLUGIN NEW_BUILD` prints what it sees. It is no straw man: paths, symbols and signatures are right,
//! every error is looked at, and nothing is closed while a call is inside.

use std::error::Error;
use std::fs;
use std::path::Path;

use libloading::Library;

type Fallible<T> = Result<T, Box<dyn Error>>;

struct Plugin {
    library: Library,
}

impl Plugin {
    fn open(path: &Path) -> Fallible<Self> {
        // SAFETY: the plugin is trusted.
        Ok(Self { library: unsafe { Library::new(path) }? })
    }

    fn call(&self, name: &str) -> Fallible<u32> {
        // SAFETY: all functions that are called by name have this signature.
        let function = unsafe { self.library.get::<extern "C" fn() -> u32>(name) }?;
        Ok(function())
    }

    fn name(&self) -> Fallible<&'static str> {
        // SAFETY: the signature is right, and the text is a constant of the plugin's.
        unsafe {
            let function = self.library.get::<extern "C" fn(&mut usize) -> *const u8>("name")?;
            let mut length = 0;
            let text = function(&mut length);
            Ok(std::str::from_utf8(std::slice::from_raw_parts(text, length))?)
        }
    }

    fn reload(self, path: &Path) -> Fallible<Self> {
        self.library.close()?;
        Self::open(path)
    }
}

fn main() -> Fallible<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [scenario, path, new] = &arguments[..] else { return Err("SCENARIO PLUGIN NEW_BUILD".into()) };
    let (path, new) = (Path::new(path), Path::new(new));
    if scenario == "open" {
        Plugin::open(path)?;
        return Ok(());
    }
    let plugin = Plugin::open(path)?;
    println!("before: {}", plugin.call("answer")?);
    match scenario.as_str() {
        // `cp new plugin` while the plugin runs: the file is cut to nothing and filled again. This far it has come.
        "overwrite" => {
            fs::write(path, &fs::read(new)?[..64])?;
            println!("after: {}", plugin.call("answer")?);
        }
        // A careful builder renames; the old build is still used somewhere.
        "rename" => {
            fs::rename(new, path)?;
            println!("after: {}", Plugin::open(path)?.call("answer")?);
        }
        // The new build is none: half a file, or one without the function.
        "reload" => {
            fs::rename(new, path)?;
            match plugin.reload(path) {
                Ok(plugin) => println!("after: {}", plugin.call("answer")?),
                Err(error) => println!("after: nothing answers: {error}"),
            }
        }
        // The thread that called lives on, and ends after the plugin was closed.
        "thread" => {
            let caller = std::thread::spawn(move || drop(plugin.call("who").map(|_| plugin)));
            caller.join().map_err(|_| "the thread panicked")?;
            println!("after: the thread has ended");
        }
        // A plugin's mistake.
        "panic" => println!("after: {}", plugin.call("fail")?),
        // An answer is used after its library was closed.
        "keep" => {
            let name = plugin.name()?;
            plugin.library.close()?;
            println!("after: {name}");
        }
        other => return Err(format!("no scenario `{other}`").into()),
    }
    Ok(())
}
