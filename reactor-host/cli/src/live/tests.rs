use super::View;
use super::pty::{Pty, at_a_terminal};

/// Names the test to itself, in a process of its own.
const INSIDE: &str = "REACTOR_TEST_PANIC";

#[test]
fn a_panic_gives_the_terminal_back_before_it_is_told() {
    if std::env::var_os(INSIDE).is_some() {
        let view = View::open("a title".to_owned()).expect("a terminal").expect("this system has one");
        view.shared().say("a line of the view").expect("it is shown");
        println!("printed by somebody");
        // From a thread that is not the view's, while the view draws.
        let worker = std::thread::Builder::new().name("worker".to_owned());
        let worker = worker.spawn(|| panic!("told after all")).expect("a thread");
        assert!(worker.join().is_err());
        view.shared().say("said afterwards").expect("it is printed");
        return;
    }
    let pty = Pty::new(100, 20);
    let mut command = at_a_terminal(std::env::current_exe().expect("this test"));
    command.args([
        "--exact",
        "live::tests::a_panic_gives_the_terminal_back_before_it_is_told",
        "--nocapture",
    ]);
    command.env(INSIDE, "1").env("RUST_BACKTRACE", "0");
    let child = pty.start(command);
    let mut screen = pty.watch(child);
    assert!(screen.end().success());
    assert!(screen.is_given_back());
    let text = screen.text();
    for part in ["told after all", "said afterwards", "a line of the view", "printed by somebody"] {
        assert!(text.contains(part), "{part}: {text}");
    }
}
