use abi_stable::std_types::RSlice;

use super::super::interface::{self as raw, Callbacks, Table, TableHead};
use super::super::root::Status;
use super::super::sink::Sink;
use super::Admits;
use crate::error::Error;
use crate::prelude::interface;

#[interface(name = "test.reader", version = "1.0.0")]
trait Reader {
    fn read(&self, to: &dyn Other) -> Result<(), Error>;
}

#[interface(name = "test.other", version = "1.0.0")]
trait Other {
    fn first(&self) -> Result<(), Error>;
    fn second(&self) -> Result<(), Error>;
}

struct Calls;

impl Reader for Calls {
    fn read(&self, to: &dyn Other) -> Result<(), Error> {
        to.second()
    }
}

unsafe extern "C" fn called(_: *const (), _: u32, _: RSlice<'_, u8>, _: Callbacks, answer: Sink) -> Status {
    answer.write(&[0]);
    Status::Done
}

/// Calls `Reader::read` encoded, with an object whose table has `N` slots.
fn read_with<const N: usize>() -> (Status, Vec<u8>) {
    let number = |at| raw::Slot { thunk: std::ptr::null(), number: u32::try_from(at).expect("few") };
    let lent = Table::<N> {
        head: TableHead { encoded: called, count: u32::try_from(N).expect("few") },
        slots: std::array::from_fn(number),
    };
    let lent = [raw::Callback { object: std::ptr::null(), table: std::ptr::from_ref(&lent).cast() }];
    let (mut answer, table) = (Vec::new(), <dyn Reader as Admits<Calls>>::table());
    // SAFETY: the table's own function, with such an object; all that is passed lives for the call.
    let status = unsafe {
        let object = std::ptr::from_ref(&Calls).cast();
        let input = RSlice::from_slice(&[0]);
        ((*table).encoded)(object, 0, input, Callbacks::of(&lent), Sink::of(&mut answer))
    };
    (status, answer)
}

#[test]
fn a_callback_with_fewer_methods_than_its_interface_is_refused_and_not_called() {
    let (status, answer) = read_with::<2>();
    assert_eq!((status, answer), (Status::Done, vec![0]));
    for (status, answer) in [read_with::<0>(), read_with::<1>()] {
        assert_eq!(status, Status::Failed);
        let error = Error::decode(&answer);
        assert_eq!(error.code(), "RE0720", "{error}");
        assert!(error.to_string().contains("of the 2 methods of test.other"), "{error}");
    }
}
