//! The program that hosts start for plugins in processes of their own, where the application is not to be started again.

fn main() -> std::process::ExitCode {
    reactor_host::serve_if_runner();
    eprintln!("reactor-runner is started by Reactor hosts, for plugins that run in processes of their own");
    std::process::ExitCode::from(2)
}
