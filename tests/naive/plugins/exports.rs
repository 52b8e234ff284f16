/// Which build answers.
#[unsafe(no_mangle)]
pub extern "C" fn answer() -> u32 {
    BUILD
}

/// A text, for as long as the library is open.
#[unsafe(no_mangle)]
pub extern "C" fn name(length: &mut usize) -> *const u8 {
    let name = "a name that stands in the library";
    *length = name.len();
    name.as_ptr()
}

/// Asks who runs it, as a log line, a channel or a lock with a time-out does.
#[unsafe(no_mangle)]
pub extern "C" fn who() -> u32 {
    u32::from(std::thread::current().name().is_some())
}

/// Goes wrong.
#[unsafe(no_mangle)]
pub extern "C" fn fail() -> u32 {
    let numbers = [BUILD];
    numbers[std::hint::black_box(1)]
}
