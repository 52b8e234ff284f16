//! What callers of an interface are told when a process ends, at whichever end of a call or a stream it stands.

use reactor_abi::prelude::{CallError, Error};
use reactor_host::{PluginStatus, value};
use reactor_tests::roads::{Acts, Cast, Hears, Part, ROADS, Road};
use reactor_tests::{tell, wait};
use rustix::process::{Pid, Signal, kill_process};

use super::{APART, died, pid};

#[test]
fn callers_on_every_road_are_told_that_the_process_has_ended_and_reach_the_next_one() {
    const CALLERS: [&str; 3] = ["link", "lib", "apart"];
    let callers = ROADS.into_iter().zip(CALLERS.map(Part::new));
    let (cast, report) = Cast::of(&callers.chain([(APART, Part::new("a"))]).collect::<Vec<_>>());
    assert!(report.is_ok(), "{report:#?}");
    let uses = |caller, what| cast.ask(caller, "use", &value!(["a", what]));
    let victim = pid(&cast, "a");
    std::thread::scope(|scope| {
        let calls = CALLERS.map(|caller| scope.spawn(move || uses(caller, "hang")));
        let inside =
            || cast.host.accounts().iter().find(|one| one.plugin.as_str() == "a").map(|one| one.inside);
        wait::until("they are inside", || inside() == Some(3));
        kill_process(victim, Signal::KILL).expect("it lives");
        for call in calls {
            assert_eq!(call.join().expect("no panic"), value!("gone RE0640"));
        }
    });
    died(&cast);
    wait::until("it is out", || matches!(tell::status(&cast.host, "a"), PluginStatus::Failed(_)));
    for caller in CALLERS {
        let told = tell::error(cast.host.invoke(caller, "use", &value!(["a", "mark"])));
        assert!(told.0 == "RE0747" && told.1.contains("SIGKILL"), "{caller}: {}", told.1);
    }
    cast.host.swap("a").expect("the host runs");
    for caller in CALLERS {
        assert_eq!(uses(caller, "mark"), value!("a"), "{caller}");
    }
}

/// Ends a process once it hears of the second part.
struct Kills(Pid);

impl Hears for Kills {
    fn heard(&self, part: u64) -> Result<bool, Error> {
        if part == 2 {
            kill_process(self.0, Signal::KILL)?;
        }
        Ok(true)
    }
}

#[test]
fn a_process_that_ends_while_it_calls_back_is_told_to_all_who_wait_on_either_side_of_it() {
    let parts = [(Road::InProcess, Part::new("lib")), (APART, Part::new("a")), (APART, Part::new("b"))];
    let (cast, report) = Cast::of(&parts);
    assert!(report.is_ok(), "{report:#?}");
    let acts = |plugin| cast.host.interface_of::<dyn Acts>(plugin, "^1").expect("a handle");
    // The last one called ends: those before it go on with the error.
    for first in ["lib", "b"] {
        let (code, message) =
            tell::error(acts(first).pass("a", 9, &Kills(pid(&cast, "a"))).expect("answered"));
        assert!(code == "RE0640" && message.contains("SIGKILL"), "{message}");
        died(&cast);
        cast.host.swap("a").expect("the host runs");
    }
    // One in the middle ends: who called it is told, and who it called has nobody to call back.
    for last in ["lib", "b"] {
        let Err(CallError::Gone(error)) = acts("a").pass(last, 9, &Kills(pid(&cast, "a"))) else {
            panic!("it has ended")
        };
        assert!(error.to_string().contains("SIGKILL"), "{error}");
        died(&cast);
        cast.host.swap("a").expect("the host runs");
        assert_eq!(acts(last).mark().expect("it goes on"), last);
    }
    let inside = || cast.host.accounts().iter().map(|account| account.inside).sum::<u64>();
    wait::until("nobody is inside", || inside() == 0);
}

#[test]
fn a_stream_ends_with_the_process_at_either_end_of_it() {
    let (cast, report) =
        Cast::of(&[(Road::InProcess, Part::new("lib")), (APART, Part::new("a")), (APART, Part::new("b"))]);
    assert!(report.is_ok(), "{report:#?}");
    let acts = |plugin| cast.host.interface_of::<dyn Acts>(plugin, "^1").expect("a handle");
    let mut numbers = acts("a").count(u64::MAX).expect("answered").expect("a stream");
    assert_eq!(numbers.next().expect("one").expect("a number"), 1);
    kill_process(pid(&cast, "a"), Signal::KILL).expect("it lives");
    let end = numbers.find_map(Result::err).expect("it is told why it ended");
    assert_eq!(end.code(), "RE0751", "{end}");
    died(&cast);
    let tasks = || cast.host.accounts().iter().map(|account| account.tasks).sum::<usize>();
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| cast.host.invoke("b", "use", &value!(["lib", "drain"])));
        cast.hear("draining");
        assert_eq!(tasks(), 1);
        kill_process(pid(&cast, "b"), Signal::KILL).expect("it lives");
        assert_eq!(tell::error(reader.join().expect("no panic")).0, "RE0640");
        wait::until("who sends has ended", || tasks() == 0);
    });
}
