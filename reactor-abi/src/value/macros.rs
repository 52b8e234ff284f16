//! The [`value!`](crate::value!) macro.

/// Writes a [`Value`](crate::value::Value) as JSON is written, with Rust expressions in it.
///
/// Anything that converts into a value may stand where a value is expected; a key that is not a literal
/// stands in parentheses.
///
/// ```
/// use reactor_abi::value;
///
/// let key = "depth";
/// let level = value!({ "name": "root", (key): 1 + 1, "open": true, "parent": null, "tags": ["a", {}] });
/// assert_eq!(level.to_string(), r#"{"depth":2,"name":"root","open":true,"parent":null,"tags":["a",{}]}"#);
/// ```
#[macro_export]
macro_rules! value {
    (@list [$($done:expr,)*]) => { $crate::value::Value::List(::std::vec![$($done),*]) };
    (@list [$($done:expr,)*] null $(, $($rest:tt)*)?) => {
        $crate::value!(@list [$($done,)* $crate::value!(null),] $($($rest)*)?)
    };
    (@list [$($done:expr,)*] [$($inner:tt)*] $(, $($rest:tt)*)?) => {
        $crate::value!(@list [$($done,)* $crate::value!([$($inner)*]),] $($($rest)*)?)
    };
    (@list [$($done:expr,)*] {$($inner:tt)*} $(, $($rest:tt)*)?) => {
        $crate::value!(@list [$($done,)* $crate::value!({$($inner)*}),] $($($rest)*)?)
    };
    (@list [$($done:expr,)*] $next:expr $(, $($rest:tt)*)?) => {
        $crate::value!(@list [$($done,)* $crate::value::Value::from($next),] $($($rest)*)?)
    };

    (@map [$($key:expr => $done:expr,)*]) => {
        $crate::value::Value::Map(::std::collections::BTreeMap::from([
            $((::std::string::String::from($key), $done)),*
        ]))
    };
    (@map [$($done:tt)*] $key:tt : null $(, $($rest:tt)*)?) => {
        $crate::value!(@map [$($done)* $key => $crate::value!(null),] $($($rest)*)?)
    };
    (@map [$($done:tt)*] $key:tt : [$($inner:tt)*] $(, $($rest:tt)*)?) => {
        $crate::value!(@map [$($done)* $key => $crate::value!([$($inner)*]),] $($($rest)*)?)
    };
    (@map [$($done:tt)*] $key:tt : {$($inner:tt)*} $(, $($rest:tt)*)?) => {
        $crate::value!(@map [$($done)* $key => $crate::value!({$($inner)*}),] $($($rest)*)?)
    };
    (@map [$($done:tt)*] $key:tt : $next:expr $(, $($rest:tt)*)?) => {
        $crate::value!(@map [$($done)* $key => $crate::value::Value::from($next),] $($($rest)*)?)
    };

    (null) => { $crate::value::Value::Null };
    ([$($inner:tt)*]) => { $crate::value!(@list [] $($inner)*) };
    ({$($inner:tt)*}) => { $crate::value!(@map [] $($inner)*) };
    ($value:expr) => { $crate::value::Value::from($value) };
}
