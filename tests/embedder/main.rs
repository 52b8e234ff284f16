//! A program that embeds a host and makes the one call that lets it be started again for its plugins.
//!
//! With a plugin folder as its argument it starts a host over it, asks each plugin that runs for its process's number,
//! says that line by line, says `ready`, and stays until its input ends.

use std::io::{Read, Write};

use reactor_host::{Host, Value};

fn main() {
    reactor_host::serve_if_runner();
    let Some(folder) = std::env::args_os().nth(1) else { return };
    let builder = Host::builder("dev.reactor.embedder", "1.0.0").plugins_dir(folder);
    let host = reactor_tests::trusted(builder).build().expect("a host");
    let report = host.start().expect("it starts");
    let mut out = std::io::stdout().lock();
    for failed in report.failures() {
        writeln!(out, "failed {failed:?}").expect("somebody reads");
    }
    for plugin in host.list().into_iter().filter_map(|info| info.plugin) {
        let pid = host.invoke(plugin.as_str(), "pid", &Value::Null);
        writeln!(out, "{plugin} {}", pid.map_or(0, |pid| pid.as_u64().unwrap_or(0))).expect("somebody reads");
    }
    writeln!(out, "ready").and_then(|()| out.flush()).expect("somebody reads");
    let mut ignored = Vec::new();
    std::io::stdin().read_to_end(&mut ignored).expect("it ends");
}
