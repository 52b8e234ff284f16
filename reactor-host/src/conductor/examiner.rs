//! Asks generations on trial whether all is well, each on a thread of its own: one that does not answer delays nobody.
//!
//! Must never know what becomes of a generation that is not well: it passes the answer on, and that is all.

use std::sync::Arc;

use reactor_abi::ffi::Op;

use crate::generation::{Generation, PhaseFailure};
use crate::order::Order;
use crate::shared::Shared;

/// Has a generation examined; the answer comes as [`Order::Examined`]. `false`: the system gives no thread.
pub(super) fn examine(shared: &Arc<Shared>, generation: &Arc<Generation>) -> bool {
    let (host, examined) = (Arc::downgrade(shared), Arc::clone(generation));
    let number = generation.life.number;
    let work = move || {
        let answer: Result<(), PhaseFailure> = examined.run(Op::Health).map(drop);
        drop(examined);
        let Some(host) = host.upgrade() else { return };
        // Whoever retires the generation waits for this to end.
        host.routes.signal().notify();
        host.order(Order::Examined { generation: number, answer });
    };
    std::thread::Builder::new().name("reactor-health".to_owned()).spawn(work).is_ok()
}
