//! Guarantees: a host that runs for long holds no more than one that has just begun.

use std::time::Duration;

use reactor_tests::child;
use reactor_tests::soak::{self, Plan};

#[test]
fn swaps_storms_calls_and_faults_leave_no_file_thread_or_mapping_behind() {
    child::alone("soak::swaps_storms_calls_and_faults_leave_no_file_thread_or_mapping_behind", || {
        let plan = Plan {
            duration: Duration::from_secs(15),
            sample: Duration::from_millis(250),
            seed: 1,
            release: false,
        };
        // Private memory takes longer to settle: the bench holds it.
        let bounds = [i64::MAX, 2, 2, 64, 4];
        let figures = soak::run(&plan, |_| ());
        print!("{}", figures.table(&bounds));
        assert_eq!(figures.over(&bounds), [""; 0]);
    });
}
