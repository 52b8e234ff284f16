//! Random values of nested types come back as they were sent, over the raw road and over the encoded one; and what
//! somebody sends who means no good is refused.
#![forbid(unsafe_code)]

use echo_api::{Echo, Echoes, Others, Tree, Unit, comes_back, samples, trees};
use proptest::prelude::*;
use reactor_abi::interface::Input;
use reactor_abi::prelude::*;
use reactor_abi::testing::{Bench, Running};

#[derive(Default)]
struct Echoing;

impl Plugin for Echoing {
    fn init(_: &mut Init<'_>) -> Result<Self> {
        Ok(Self)
    }

    fn register(&self, cx: &mut Register<'_>) -> Result<()> {
        cx.provide::<dyn Echo>(Echoes)
    }
}

fn check(plugin: &Running<Echoing>) {
    let echo = plugin.interface::<dyn Echo>().expect("fits");
    proptest!(|(sample in samples())| { comes_back(&echo, &sample)? });
}

#[test]
fn everything_comes_back_over_the_raw_road() {
    check(&Bench::new().start().expect("starts"));
}

#[test]
fn everything_comes_back_over_the_encoded_road() {
    check(&Bench::new().encoded().start().expect("starts"));
}

fn decode<T: Schema>(bytes: &[u8]) -> Result<T> {
    let mut input = Input::new(bytes);
    let value = T::decode(&mut input)?;
    input.end()?;
    Ok(value)
}

/// Whatever it comes to, it comes to something.
fn decode_all(bytes: &[u8]) {
    let _ = decode::<Tree>(bytes);
    let _ = decode::<Others>(bytes);
    let _ = decode::<Vec<Tree>>(bytes);
    let _ = decode::<(Option<Vec<u8>>, Result<String, char>, [u32; 4])>(bytes);
    let _ = decode::<Value>(bytes);
    let _ = decode::<Error>(bytes);
}

proptest! {
    #[test]
    fn no_bytes_make_decoding_panic(bytes in proptest::collection::vec(any::<u8>(), 0..256)) {
        decode_all(&bytes);
    }

    #[test]
    fn no_change_to_good_bytes_makes_decoding_panic(tree in trees(), at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut bytes = Vec::new();
        tree.encode(&mut bytes).expect("encoded");
        let at = at.index(bytes.len());
        bytes[at] = byte;
        decode_all(&bytes);
        decode_all(&bytes[..at]);
    }
}

#[test]
fn what_is_nested_too_deep_is_refused_before_it_uses_up_the_stack() {
    // `Tree::List` of one element, again and again.
    let error = decode::<Tree>(&[4, 1].repeat(1 << 20)).unwrap_err();
    assert!(error.message().contains("levels deep"), "{error}");
    assert_eq!(error.code(), "RE0720");

    let nested = |levels: usize| (0..levels).fold(Tree::Empty, |tree, _| Tree::List(vec![tree]));
    for bench in [Bench::<Echoing>::new(), Bench::new().encoded()] {
        let plugin = bench.start().unwrap();
        let echo = plugin.interface::<dyn Echo>().unwrap();
        assert_eq!(echo.tree(&nested(100)).unwrap(), nested(100));
        let error = echo.tree(&nested(200)).unwrap_err();
        assert!(matches!(error, CallError::Failed(_)), "{error:?}");
    }
}

#[test]
fn a_list_is_not_believed_to_be_longer_than_the_input() {
    let mut claim = vec![4];
    claim.extend([0xff; 9]);
    claim.push(1);
    let error = decode::<Tree>(&claim).unwrap_err();
    assert!(error.message().contains("18446744073709551615 elements"), "{error}");
    assert!(decode::<Vec<Unit>>(&claim[1..]).is_err());
    assert_eq!(decode::<Vec<Unit>>(&[0xe8, 0x07]).unwrap().len(), 1000);
    assert!(decode::<Vec<u8>>(&claim[1..]).is_err());
    assert!(decode::<String>(&claim[1..]).is_err());
}
