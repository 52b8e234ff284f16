//! The program `reactor-runner`, where no host starts it.
#![cfg(unix)]

use std::process::{Command, Stdio};

#[test]
fn a_runner_that_no_host_has_started_says_so_and_ends() {
    for (arguments, told) in [
        (&[][..], "is started by Reactor hosts"),
        (&["--serve-reactor-plugin"][..], "with a socket as their input"),
    ] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_reactor-runner"));
        let output = command.args(arguments).stdin(Stdio::null()).output().expect("it starts");
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains(told), "{said}");
    }
}
