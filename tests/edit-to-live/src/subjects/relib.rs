//! relib: loads a library and proves that it has unloaded it. It watches nothing: here it is told the moment that cargo is
//! done, which a watcher could not be faster at.

use std::path::PathBuf;
use std::time::Instant;

use relib_host::Module;

use super::Subject;
use crate::crates::Crate;
use crate::measure::Times;

pub(crate) struct Relib {
    plugin: Crate,
    library: PathBuf,
    module: Option<Module<()>>,
}

impl Relib {
    pub(crate) fn start(place: (PathBuf, PathBuf)) -> Self {
        let dependencies =
            "[dependencies]\nrelib_module = { version = \"0.7\", features = [\"unloading\"] }\n";
        let plugin = Crate::new(place, dependencies, source);
        let name =
            format!("{}{}{}", std::env::consts::DLL_PREFIX, plugin.stem(), std::env::consts::DLL_SUFFIX);
        let library = plugin.built().join(name);
        let mut made = Self { plugin, library, module: None };
        made.load();
        made
    }

    fn load(&mut self) {
        // SAFETY: it matters on Windows only.
        let module = unsafe { relib_host::load_module::<()>(&self.library, ()) };
        self.module = Some(module.unwrap_or_else(|error| panic!("relib does not load it: {error:#}")));
    }
}

impl Subject for Relib {
    fn name(&self) -> &'static str {
        "relib, told by hand"
    }

    fn edit(&mut self, number: u64) -> Times {
        let began = Instant::now();
        self.plugin.edit(number);
        let cargo = self.plugin.build();
        if let Some(module) = self.module.take() {
            module.unload().unwrap_or_else(|error| panic!("relib does not unload it: {error:?}"));
        }
        self.load();
        let module = self.module.as_ref().expect("it was loaded just now");
        // SAFETY: this is how `source` declares it.
        let answer = unsafe { module.call_main::<u64>() };
        assert_eq!(answer, Some(number), "the new code answers");
        Times { whole: began.elapsed(), cargo }
    }
}

fn source(number: u64) -> String {
    format!("#[relib_module::export]\nfn main() -> u64 {{\n    {number}\n}}\n")
}
