//! A program that embeds a host and makes the one call that lets it be started again for its plugins.
//!
//! With a plugin folder as its argument it starts a host over it, asks each plugin that runs for its process's number,
//! says that line by line, says `ready`, and stays until its input ends; with `ENDS_AT_INTERRUPT` in its environment, until it
//! is interrupted, and asks once more then. With `THREADS_FIRST` it makes the call when it has a second thread already.

use std::io::{Read, Write};

use reactor_host::{Host, Value};

fn main() {
    if std::env::var_os("THREADS_FIRST").is_some() {
        std::thread::spawn(std::thread::park);
    }
    reactor_host::serve_if_runner();
    let (interrupt, interrupted) = std::sync::mpsc::channel();
    let ends_at_interrupt = std::env::var_os("ENDS_AT_INTERRUPT").is_some();
    if ends_at_interrupt {
        ctrlc::set_handler(move || interrupt.send(()).expect("it is waited for")).expect("the first one");
    }
    let Some(folder) = std::env::args_os().nth(1) else { return };
    let builder = Host::builder("dev.reactor.embedder", "1.0.0").plugins_dir(folder);
    let host = reactor_tests::trusted(builder).build().expect("a host");
    let report = host.start().expect("it starts");
    let mut out = std::io::stdout().lock();
    for failed in report.failures() {
        writeln!(out, "failed {failed:?}").expect("somebody reads");
    }
    ask(&host, &mut out);
    writeln!(out, "ready").and_then(|()| out.flush()).expect("somebody reads");
    if ends_at_interrupt {
        interrupted.recv().expect("it comes");
        return ask(&host, &mut out);
    }
    let mut ignored = Vec::new();
    std::io::stdin().read_to_end(&mut ignored).expect("it ends");
}

fn ask(host: &Host, out: &mut impl Write) {
    for plugin in host.list().into_iter().filter_map(|info| info.plugin) {
        let pid = host.invoke(plugin.as_str(), "pid", &Value::Null);
        writeln!(out, "{plugin} {}", pid.map_or(0, |pid| pid.as_u64().unwrap_or(0))).expect("somebody reads");
    }
}
