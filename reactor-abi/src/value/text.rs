//! A value as compact JSON text.

use std::fmt::{self, Write};

use super::{MAX_DEPTH, Value, plain};

/// Compact JSON, in the form that text formats see.
///
/// What lies below [`MAX_DEPTH`] in a value made by hand is printed as `…`.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_value(f, self, 1)
    }
}

/// The same text as [`Display`](fmt::Display): it tells integers from floats and bytes from text.
impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_value(f, self, 1)
    }
}

fn write_value(f: &mut fmt::Formatter<'_>, value: &Value, level: usize) -> fmt::Result {
    if level > MAX_DEPTH {
        return f.write_char('…');
    }
    match value {
        Value::Null => f.write_str("null"),
        Value::Bool(value) => write!(f, "{value}"),
        Value::Int(value) => write!(f, "{value}"),
        Value::UInt(value) => write!(f, "{value}"),
        Value::Float(value) => match plain::special_float(*value) {
            Some(name) => write!(f, "{{\"{}\":\"{name}\"}}", plain::FLOAT),
            // This form always has a point or an exponent, so that it is read back as a float.
            None => write!(f, "{value:?}"),
        },
        Value::Text(text) => write_text(f, text),
        Value::Bytes(bytes) => write!(f, "{{\"{}\":\"{}\"}}", plain::BYTES, plain::Hex(bytes)),
        Value::List(items) => {
            f.write_char('[')?;
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    f.write_char(',')?;
                }
                write_value(f, item, level + 1)?;
            }
            f.write_char(']')
        }
        Value::Map(entries) => {
            f.write_char('{')?;
            let escaped = plain::escaped_key(entries);
            for (index, (key, item)) in entries.iter().enumerate() {
                if index > 0 {
                    f.write_char(',')?;
                }
                write_text(f, escaped.as_deref().unwrap_or(key))?;
                f.write_char(':')?;
                write_value(f, item, level + 1)?;
            }
            f.write_char('}')
        }
    }
}

fn write_text(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    f.write_char('"')?;
    for c in text.chars() {
        match c {
            '"' => f.write_str("\\\"")?,
            '\\' => f.write_str("\\\\")?,
            '\n' => f.write_str("\\n")?,
            '\r' => f.write_str("\\r")?,
            '\t' => f.write_str("\\t")?,
            c if c < ' ' => write!(f, "\\u{:04x}", u32::from(c))?,
            c => f.write_char(c)?,
        }
    }
    f.write_char('"')
}
