//! What waits for one listener, or is kept for those that come later, bounded in number and in bytes.
//!
//! What plugins log is kept apart from what became of them: however much is logged, it pushes out log lines only. Must
//! never know who listens.

use std::collections::VecDeque;

use reactor_abi::Value;

use super::{Event, EventKind};

/// How many events of either sort a listener may be behind, unless it asks for less.
pub(super) const CAPACITY: usize = 65_536;

/// How many bytes of log lines may wait for a listener, about.
const LOG_BYTES: usize = 16 << 20;

/// See the module.
pub(super) struct Queue {
    /// How many of either sort may wait.
    most: usize,
    events: VecDeque<Event>,
    logs: VecDeque<(Event, usize)>,
    log_bytes: usize,
    /// How many were dropped unread.
    pub(super) lost: u64,
    /// Nothing comes any more.
    pub(super) closed: bool,
}

impl Queue {
    /// An empty queue. `closed`: nothing will come.
    pub(super) fn new(most: usize, closed: bool) -> Self {
        Self { most, events: VecDeque::new(), logs: VecDeque::new(), log_bytes: 0, lost: 0, closed }
    }

    /// Lets at least `most` of either sort wait.
    pub(super) fn allow(&mut self, most: usize) {
        self.most = self.most.max(most);
    }

    /// What waits and has a number above `since`, in order. It goes on waiting.
    pub(super) fn after(&self, since: u64) -> Vec<Event> {
        let logs = self.logs.iter().map(|(log, _)| log);
        let later = self.events.iter().chain(logs).filter(|event| event.seq > since);
        let mut later: Vec<Event> = later.cloned().collect();
        later.sort_unstable_by_key(|event| event.seq);
        later
    }

    /// Appends an event; the oldest of its sort are dropped to make room.
    pub(super) fn push(&mut self, event: Event) {
        let EventKind::Log { message, fields, .. } = &event.kind else {
            if self.events.len() >= self.most {
                self.events.pop_front();
                self.lost += 1;
            }
            return self.events.push_back(event);
        };
        let fields: usize = fields.iter().map(|(name, value)| name.len() + value_bytes(value)).sum();
        let size = size_of::<Event>() + message.len() + fields;
        while self.logs.len() >= self.most || (self.log_bytes + size > LOG_BYTES && !self.logs.is_empty()) {
            self.log_bytes -= self.logs.pop_front().map_or(0, |(_, size)| size);
            self.lost += 1;
        }
        self.log_bytes += size;
        self.logs.push_back((event, size));
    }

    /// Whether nothing waits.
    pub(super) fn is_empty(&self) -> bool {
        self.events.is_empty() && self.logs.is_empty()
    }

    /// Takes the oldest event.
    pub(super) fn pop(&mut self) -> Option<Event> {
        let log_first = match (self.events.front(), self.logs.front()) {
            (Some(event), Some((log, _))) => log.seq < event.seq,
            (event, _) => event.is_none(),
        };
        if !log_first {
            return self.events.pop_front();
        }
        let (event, size) = self.logs.pop_front()?;
        self.log_bytes -= size;
        Some(event)
    }
}

/// About how many bytes a value takes.
fn value_bytes(value: &Value) -> usize {
    let owned = match value {
        Value::Text(text) => text.len(),
        Value::Bytes(bytes) => bytes.len(),
        Value::List(items) => items.iter().map(value_bytes).sum(),
        Value::Map(entries) => entries.iter().map(|(name, value)| name.len() + value_bytes(value)).sum(),
        _ => 0,
    };
    size_of::<Value>() + owned
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(seq: u64, kind: EventKind) -> Event {
        Event { seq, at_us: 0, plugin: None, version: None, generation: None, kind }
    }

    fn log(seq: u64, bytes: usize) -> Event {
        let (message, fields) = ("x".repeat(bytes), [("key".to_owned(), Value::from("text"))].into());
        event(seq, EventKind::Log { level: "info", message, fields })
    }

    fn loaded(seq: u64) -> Event {
        event(seq, EventKind::Loaded { micros: 0, state: super::super::StateOutcome::None })
    }

    #[test]
    fn events_come_in_the_order_in_which_they_happened() {
        let mut queue = Queue::new(CAPACITY, false);
        for seq in 1..=9 {
            queue.push(if seq % 3 == 0 { loaded(seq) } else { log(seq, 1) });
        }
        let order: Vec<_> = std::iter::from_fn(|| queue.pop()).map(|event| event.seq).collect();
        assert_eq!(order, [1, 2, 3, 4, 5, 6, 7, 8, 9]);
        assert_eq!((queue.lost, queue.log_bytes), (0, 0));
    }

    #[test]
    fn log_lines_push_out_log_lines_only_and_are_bounded_in_bytes() {
        let mut queue = Queue::new(CAPACITY, false);
        queue.push(loaded(1));
        let many = 100;
        (0..many).for_each(|number| queue.push(log(2 + number, LOG_BYTES / 10)));
        assert!(queue.log_bytes <= LOG_BYTES, "{}", queue.log_bytes);
        assert_eq!(queue.lost + queue.logs.len() as u64, many);
        assert_eq!(queue.pop().map(|event| event.seq), Some(1), "what became of a plugin is still there");
        assert_eq!(queue.pop().map(|event| event.seq), Some(2 + queue.lost), "the newest lines are");
        queue.push(log(200, 2 * LOG_BYTES));
        assert_eq!(queue.logs.len(), 1, "one that is too long by itself is the only one");
    }

    #[test]
    fn what_waits_is_looked_at_in_order_and_goes_on_waiting() {
        let mut queue = Queue::new(0, false);
        queue.allow(4);
        queue.allow(3);
        for seq in 1..=12 {
            queue.push(if seq % 2 == 0 { loaded(seq) } else { log(seq, 1) });
        }
        let numbers = |since| queue.after(since).iter().map(|event| event.seq).collect::<Vec<_>>();
        assert_eq!(numbers(0), [5, 6, 7, 8, 9, 10, 11, 12]);
        assert_eq!(numbers(9), [10, 11, 12]);
        assert_eq!(queue.pop().map(|event| event.seq), Some(5));
    }

    #[test]
    fn the_oldest_event_makes_room_for_the_newest() {
        let mut queue = Queue::new(CAPACITY, false);
        (1..=CAPACITY as u64 + 2).for_each(|seq| queue.push(loaded(seq)));
        assert_eq!((queue.lost, queue.pop().map(|event| event.seq)), (2, Some(3)));
    }
}
