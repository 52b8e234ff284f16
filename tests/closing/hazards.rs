//! Each hazard, many times over, in a process of its own.

use reactor_tests::corpus;

use super::{CYCLES, RETAINED, hazard, reasons, rounds, succeeded};

/// What a hazard comes to.
#[derive(Clone, Copy)]
pub(crate) enum Outcome {
    /// The library is closed, each time.
    Unloaded,
    /// It stays, each time, and the reason has these words.
    Retained(&'static str),
}

/// One hazard.
#[derive(Clone, Copy)]
pub(crate) struct Hazard {
    /// The plugin of the corpus.
    pub(crate) plugin: &'static str,
    /// What it is asked to do.
    pub(crate) action: &'static str,
    pub(crate) outcome: Outcome,
    /// How often it is gone through.
    pub(crate) rounds: u32,
    /// How many file mappings each round may leave.
    pub(crate) mappings: u32,
    /// How many bytes of the heap each round may lose: what the library keeps in statics, and in thread-locals of a
    /// thread that outlives it.
    pub(crate) lost: u64,
    /// Whether the flag of `-z nodelete` is cleared.
    pub(crate) clear: bool,
}

impl Hazard {
    pub(crate) const fn unloads(plugin: &'static str, action: &'static str) -> Self {
        Self {
            plugin,
            action,
            outcome: Outcome::Unloaded,
            rounds: CYCLES,
            mappings: 0,
            lost: 0,
            clear: false,
        }
    }

    const fn retains(plugin: &'static str, action: &'static str, reason: &'static str) -> Self {
        Self {
            plugin,
            action,
            outcome: Outcome::Retained(reason),
            rounds: RETAINED,
            mappings: 0,
            lost: 0,
            clear: false,
        }
    }

    const fn losing(self, lost: u64) -> Self {
        Self { lost, ..self }
    }

    /// Leaves so much that a few rounds have to do.
    const fn leaving(self, mappings: u32) -> Self {
        Self { mappings, rounds: 5, lost: u64::MAX, ..self }
    }

    const fn cleared(self) -> Self {
        Self { clear: true, ..self }
    }

    /// What the program is told to go through it `rounds` times.
    pub(crate) fn arguments(&self, library: &str, rounds: u32) -> Vec<String> {
        let verdict = if matches!(self.outcome, Outcome::Unloaded) { "unloaded" } else { "retained" };
        let (rounds, mappings) = (rounds.to_string(), self.mappings.to_string());
        let fixed = ["cycles", library, self.action, &rounds, verdict, &mappings];
        let clear = self.clear.then_some("clear");
        fixed.into_iter().chain(clear).map(str::to_owned).collect()
    }
}

#[track_caller]
fn check(one: Hazard) {
    let library = corpus::library(one.plugin);
    let library = library.to_str().expect("a plain path");
    let arguments = one.arguments(library, rounds(one.rounds));
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let output = hazard(&arguments);
    succeeded(&output);
    match one.outcome {
        Outcome::Unloaded => assert_eq!(reasons(&output), Vec::<String>::new()),
        Outcome::Retained(words) => {
            let reasons = reasons(&output);
            assert!(reasons.iter().any(|reason| reason.contains(words)), "{words}: {reasons:?}");
            assert_eq!(reasons.len(), 1, "no other reason: {reasons:?}");
        }
    }
}

/// A test for each hazard, and the list of all.
macro_rules! hazards {
    ($($(#[doc = $doc:literal])* fn $name:ident() { $hazard:expr })*) => {
        /// Every hazard that a plugin of the corpus has as it was built, by the name of its test.
        pub(crate) const ALL: &[(&str, Hazard)] = &[$((stringify!($name), $hazard)),*];

        $(
            $(#[doc = $doc])*
            #[test]
            fn $name() {
                check($hazard);
            }
        )*
    };
}

hazards! {
    fn a_library_that_leaves_nothing_is_unloaded() { Hazard::unloads("std-plain", "go").losing(1280) }
    fn a_library_that_asked_for_the_current_thread_is_unloaded() { Hazard::unloads("thread-current", "go").losing(64) }
    fn a_library_with_a_thread_local_destructor_is_unloaded() { Hazard::unloads("thread-local-drop", "go").losing(128) }
    fn a_library_that_waited_on_a_channel_and_drew_numbers_is_unloaded() { Hazard::unloads("recv-timeout", "go").losing(64) }
    fn a_library_that_spawned_and_joined_is_unloaded() { Hazard::unloads("spawn-join", "go") }
    /// What std read to find the names stays: the mapped files of the program, of libc, of the private copy, and what was
    /// made of their debug information.
    fn a_library_that_printed_a_backtrace_is_unloaded() {
        Hazard::unloads("symbolised-backtrace", "go").leaving(8)
    }
    fn a_library_with_a_thread_local_of_cpp_is_unloaded() { Hazard::unloads("exit-handlers", "thread-exit") }
    fn a_library_with_an_exit_handler_is_unloaded() { Hazard::unloads("exit-handlers", "atexit") }
    fn a_library_with_a_quick_exit_handler_is_unloaded() { Hazard::unloads("exit-handlers", "at-quick-exit") }
    fn a_library_with_fork_handlers_is_unloaded() { Hazard::unloads("exit-handlers", "fork-handlers") }
    fn a_library_that_meddles_while_it_is_closed_is_unloaded() { Hazard::unloads("exit-handlers", "meddle").losing(192) }
    fn a_library_that_only_asked_for_a_signals_handler_is_unloaded() { Hazard::unloads("signal-handler", "asked") }
    fn a_no_delete_library_is_unloaded_when_the_flag_is_cleared() { Hazard::unloads("no-delete", "go").cleared() }
    fn a_no_delete_library_is_retained() { Hazard::retains("no-delete", "go", "linked with `-z nodelete`") }
    fn a_library_whose_constructor_asked_libc_is_retained() {
        Hazard::retains("early-key", "go", "a constructor asked libc")
    }
    fn a_library_that_imports_what_keeps_addresses_is_retained() {
        Hazard::retains("thread-key-import", "go", "it imports `tss_create`")
    }
    fn a_library_with_a_signal_handler_is_retained() {
        Hazard::retains("signal-handler", "sigaction", "its handler for SIGUSR1 (10) is in place")
    }
    fn a_library_with_a_handler_by_signal_is_retained() {
        Hazard::retains("signal-handler", "signal", "its handler for SIGUSR2 (12) is in place")
    }
    fn a_library_with_a_handler_by_sigset_is_retained() {
        Hazard::retains("signal-handler", "sigset", "its handler for SIGUSR1 (10) is in place")
    }
    fn a_library_with_a_handler_that_no_function_of_libc_installed_is_retained() {
        Hazard::retains("signal-handler", "system-call", "its handler for SIGURG (23) is in place")
    }
    fn a_library_whose_signal_handler_was_replaced_is_retained() {
        Hazard::retains("signal-handler", "restored", "it installed a handler for SIGUSR1 (10), and who replaced it")
    }
    fn a_library_with_a_timer_is_retained() { Hazard::retains("timer-left", "go", "it created 1 timer(s)") }
    fn a_library_with_an_on_exit_handler_is_retained() {
        Hazard::retains("exit-handlers", "on-exit", "a function for the process's end")
    }
    fn a_library_with_an_exit_handler_of_the_process_is_retained() {
        Hazard::retains("exit-handlers", "process-exit", "a function for the process's end")
    }
    fn a_library_with_a_quick_exit_handler_of_the_process_is_retained() {
        Hazard::retains("exit-handlers", "process-quick-exit", "a function for `quick_exit`")
    }
    fn a_library_with_a_fork_handler_of_the_process_is_retained() {
        Hazard::retains("exit-handlers", "process-fork", "a function for `fork`")
    }
    fn a_library_whose_text_is_in_the_environment_is_retained() { Hazard::retains("kept-text", "putenv", "environment") }
    fn a_library_that_named_itself_to_the_log_is_retained() { Hazard::retains("kept-text", "openlog", "`openlog`") }
    fn a_library_that_a_message_queue_calls_is_retained() { Hazard::retains("kept-text", "mq-notify", "message queue") }
}

/// What `meddle` tries when the library is being closed is refused, and what `atexit` was given has run each time.
#[test]
fn what_runs_while_a_library_is_closed_leaves_nothing_behind() {
    for (action, told) in [("atexit", "called\n"), ("meddle", "refused\n")] {
        let library = corpus::library("exit-handlers");
        let one = Hazard::unloads("exit-handlers", action);
        let arguments = one.arguments(library.to_str().expect("a plain path"), 20);
        let output = hazard(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
        succeeded(&output);
        // Once more for the last generation, which the host's end closes without having been called.
        assert_eq!(super::stderr(&output).matches(told).count(), 20, "{action}");
    }
}
