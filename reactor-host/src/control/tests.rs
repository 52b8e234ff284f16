use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::time::Duration;

use proptest::prelude::*;

use super::connection::read;
use super::*;

/// How long anything may take before a test gives up.
const DEADLINE: Duration = Duration::from_mins(1);

/// A folder that only this user can enter.
fn private() -> tempfile::TempDir {
    let mode = std::fs::Permissions::from_mode(0o700);
    tempfile::Builder::new().permissions(mode).tempdir().expect("a temporary folder")
}

/// A host without plugins, and the folder for its data.
fn host() -> (Host, tempfile::TempDir) {
    let data = private();
    (over(data.path()), data)
}

fn over(data: &Path) -> Host {
    Host::builder("dev.reactor.tests", "1.2.3").data_dir(data).build().expect("a host")
}

fn socket(data: &Path) -> PathBuf {
    data.join("control.sock")
}

/// Serves a host in a data folder that need not be its own.
fn serve(host: &Host, data: &Path, limits: Limits) -> Result<Control, ControlError> {
    let server = Server::start(host.view(), host.seat.hello.clone(), data, limits)?;
    Ok(Control { server })
}

/// Serves with little patience.
fn impatient(host: &Host, data: &Path, clients: usize) -> Control {
    let limits = Limits { clients, request: 1000, patience: Duration::from_millis(200) };
    serve(host, data, limits).expect("served")
}

/// A client that sends what it likes, and has read the host's first line.
fn raw(data: &Path) -> BufReader<UnixStream> {
    let stream = UnixStream::connect(socket(data)).expect("it is served");
    stream.set_read_timeout(Some(DEADLINE)).expect("a timeout");
    let mut stream = BufReader::new(stream);
    assert!(line(&mut stream)["reactor"] == "control");
    stream
}

#[track_caller]
fn line(stream: &mut BufReader<UnixStream>) -> serde_json::Value {
    let mut line = String::new();
    stream.read_line(&mut line).expect("a line");
    serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"))
}

fn answers(data: &Path) {
    assert_eq!(Client::connect(data).expect("it serves").list().expect("it answers").len(), 0);
}

#[test]
fn a_host_says_who_it_is_and_the_socket_is_its_users_alone() {
    let (host, data) = host();
    let _control = host.serve_control().expect("served");
    let client = Client::connect(data.path()).expect("it serves");
    let Hello { host, version, pid, .. } = client.hello();
    assert_eq!((host.as_str(), version.as_str(), *pid), ("dev.reactor.tests", "1.2.3", std::process::id()));
    let metadata = std::fs::metadata(socket(data.path())).expect("it is there");
    assert!(metadata.file_type().is_socket());
    assert_eq!(metadata.mode() & 0o777, 0o600);
    assert_eq!(metadata.uid(), rustix::process::geteuid().as_raw());
}

#[test]
fn without_a_private_data_folder_nothing_is_served() {
    let host = Host::builder("dev.reactor.tests", "1.0.0").build().expect("a host");
    assert_eq!(host.serve_control().err().map(|error| error.code().to_owned()).as_deref(), Some("RE1001"));
    for mode in [0o750, 0o701, 0o770] {
        let data = tempfile::tempdir().expect("a temporary folder");
        std::fs::set_permissions(data.path(), std::fs::Permissions::from_mode(mode)).expect("ours");
        let error = over(data.path()).serve_control().err().expect("others can enter");
        assert_eq!(error.code(), "RE1002");
        assert!(
            error.to_string().contains(&format!("{mode:o}")) && error.to_string().contains("chmod 700"),
            "{error}"
        );
        assert!(!socket(data.path()).exists());
    }
}

#[test]
fn a_data_folder_has_one_host_that_serves_and_the_other_is_told_which() {
    let (host, data) = host();
    let control = host.serve_control().expect("served");
    assert_eq!(host.serve_control().err().map(|error| error.code().to_owned()).as_deref(), Some("RE1005"));
    // A host that has no database there.
    let other = Host::builder("dev.reactor.other", "1.0.0").build().expect("a host");
    let error = serve(&other, data.path(), Limits::default()).err().expect("it is held");
    assert_eq!(error.code(), "RE1004");
    for part in ["dev.reactor.tests 1.2.3", &std::process::id().to_string()] {
        assert!(error.to_string().contains(part), "{error}");
    }
    answers(data.path());
    drop(control);
    let _control = serve(&other, data.path(), Limits::default()).expect("it is free");
    answers(data.path());
}

#[test]
fn the_socket_goes_with_its_guard_and_with_its_host() {
    let (host, data) = host();
    let control = host.serve_control().expect("served");
    drop(control);
    assert!(!socket(data.path()).exists());
    let again = host.serve_control().expect("served again");
    answers(data.path());
    let mut client = Client::connect(data.path()).expect("it serves");
    drop(host);
    assert!(!socket(data.path()).exists());
    assert_eq!(client.list().expect_err("it has ended").code(), "RE1013");
    let error = Client::connect(data.path()).err().expect("nobody serves");
    assert_eq!(error.code(), "RE1010");
    drop(again);
}

#[test]
fn what_a_killed_host_left_is_replaced() {
    let (host, data) = host();
    // As after a kill: the file is there, nobody listens, and nobody holds the lock.
    drop(UnixListener::bind(socket(data.path())).expect("bound"));
    std::fs::write(data.path().join("control.lock"), "").expect("written");
    assert_eq!(Client::connect(data.path()).err().expect("nobody serves").code(), "RE1010");
    let _control = host.serve_control().expect("served");
    answers(data.path());
}

#[test]
fn a_long_path_to_the_data_folder_is_no_obstacle() {
    let root = tempfile::tempdir().expect("a temporary folder");
    let data = root.path().join("long".repeat(20)).join("longer".repeat(20));
    std::fs::create_dir_all(&data).expect("made");
    std::fs::set_permissions(&data, std::fs::Permissions::from_mode(0o700)).expect("ours");
    assert!(socket(&data).as_os_str().len() > 200);
    let host = over(&data);
    let control = host.serve_control().expect("served");
    assert!(socket(&data).exists());
    answers(&data);
    let again = serve(&host, &data, Limits::default()).err().expect("it is held");
    assert_eq!(again.code(), "RE1004");
    drop(control);
    assert!(!socket(&data).exists());
}

#[test]
fn a_client_that_says_nothing_or_half_of_something_is_sent_away() {
    let (host, data) = host();
    let control = impatient(&host, data.path(), 4);
    for beginning in ["", "{\"do\":\"li"] {
        let mut client = raw(data.path());
        client.get_mut().write_all(beginning.as_bytes()).expect("it listens");
        assert_eq!(line(&mut client)["error"]["code"], "RE1009", "{beginning:?}");
        assert_eq!(client.read(&mut [0]).expect("the end"), 0);
    }
    answers(data.path());
    drop(control);
}

#[test]
fn a_request_that_is_too_long_is_refused_before_it_is_whole() {
    let (host, data) = host();
    let _control = impatient(&host, data.path(), 4);
    let mut client = raw(data.path());
    // What claims to go on for a gigabyte is cut off after a thousand bytes. It may have closed while this writes.
    let mut sender = client.get_ref().try_clone().expect("a descriptor");
    let send = std::thread::spawn(move || {
        let block = vec![b'x'; 1 << 16];
        (0..1 << 14).take_while(|_| sender.write_all(&block).is_ok()).count()
    });
    assert_eq!(line(&mut client)["error"]["code"], "RE1008");
    drop(client);
    assert!(send.join().expect("it ended") < 1 << 10, "nobody reads a gigabyte");
    answers(data.path());
}

#[test]
fn there_is_room_for_so_many_and_the_next_one_is_told() {
    let (host, data) = host();
    let control = impatient(&host, data.path(), 2);
    let two = [raw(data.path()), raw(data.path())];
    let error = Client::connect(data.path()).err().expect("no room");
    assert_eq!(error.code(), "RE1006");
    drop(two);
    while control.connections() > 0 {
        std::thread::yield_now();
    }
    answers(data.path());
}

#[test]
fn thousands_that_come_and_go_leave_the_host_answering() {
    let (host, data) = host();
    let _control = host.serve_control().expect("served");
    for _ in 0..3000 {
        drop(UnixStream::connect(socket(data.path())).expect("it listens"));
    }
    // Some may still wait to be let in, and take all the room for a moment.
    while let Err(error) = Client::connect(data.path()) {
        assert_eq!(error.code(), "RE1006", "{error}");
        std::thread::yield_now();
    }
    answers(data.path());
}

#[test]
fn what_is_no_host_is_not_taken_for_one() {
    for (says, part) in [
        ("HTTP/1.1 200 OK\n", "does not say who it is"),
        (
            "{\"reactor\":\"control\",\"protocol\":9,\"host\":\"x\",\"version\":\"1.0.0\",\"api\":\"1.0.0\",\"pid\":1}\n",
            "speaks `control` 9, and this is `control` 1",
        ),
    ] {
        let data = tempfile::tempdir().expect("a temporary folder");
        let listener = UnixListener::bind(socket(data.path())).expect("bound");
        let other =
            std::thread::spawn(move || listener.accept().expect("a client").0.write_all(says.as_bytes()));
        let error = Client::connect(data.path()).err().expect("it is no host");
        assert_eq!(error.code(), "RE1012");
        assert!(error.to_string().contains(part), "{error}");
        other.join().expect("it ended").expect("written");
    }
}

fn json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<f64>().prop_map(Into::into),
        "(do|list|call|swap|plugin|action|value|.{0,8})".prop_map(Into::into),
    ];
    leaf.prop_recursive(4, 32, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Into::into),
            prop::collection::vec(("(do|plugin|action|value|follow|since|.{0,4})", inner), 0..6)
                .prop_map(|fields| serde_json::Value::Object(fields.into_iter().collect())),
        ]
    })
}

fn request() -> impl Strategy<Value = Request> {
    let text = ".{0,12}";
    let value = json().prop_map(|json| serde_json::from_value(json).unwrap_or_default());
    prop_oneof![
        Just(Request::List {}),
        Just(Request::Rescan {}),
        Just(Request::Quarantined {}),
        Just(Request::Accounts {}),
        Just(Request::Retained {}),
        text.prop_map(|plugin| Request::Swap { plugin }),
        (text, text, value).prop_map(|(plugin, action, value)| Request::Call { plugin, action, value }),
        (any::<bool>(), any::<u64>()).prop_map(|(follow, since)| Request::Events { follow, since }),
        (any::<bool>(), any::<u64>(), prop::option::of(text))
            .prop_map(|(follow, since, plugin)| Request::Logs { follow, since, plugin }),
    ]
}

proptest! {
    #[test]
    fn whatever_is_sent_is_a_request_or_an_error_with_a_code(bytes in prop::collection::vec(any::<u8>(), 0..200), json in json()) {
        for sent in [bytes, json.to_string().into_bytes()] {
            match read(&sent) {
                Ok(_) => {}
                Err(error) => prop_assert_eq!(error.code(), "RE1007"),
            }
        }
    }

    #[test]
    fn a_request_comes_out_as_it_went_in(request in request()) {
        let sent = serde_json::to_vec(&request).expect("JSON");
        prop_assert!(!sent.contains(&b'\n'), "one line");
        prop_assert_eq!(read(&sent).expect("a request"), request);
    }
}

#[test]
fn a_field_that_a_request_does_not_have_is_refused() {
    for asks in ["list", "quarantined", "accounts", "retained", "rescan"] {
        let plain = format!("{{\"do\":\"{asks}\"}}");
        let request = read(plain.as_bytes()).expect("a request");
        assert_eq!(serde_json::to_string(&request).expect("JSON"), plain);
        let error = read(format!("{{\"do\":\"{asks}\",\"plugin\":\"one\"}}").as_bytes()).expect_err(asks);
        assert_eq!(error.code(), "RE1007");
        assert!(error.to_string().contains("`plugin`"), "{error}");
    }
    let error = read(br#"{"do":"swap","plugin":"one","plugins":["two"]}"#).expect_err("not known");
    assert!(error.to_string().contains("`plugins`"), "{error}");
}

#[test]
fn garbage_gets_an_error_and_the_connection_goes_on() {
    let (host, data) = host();
    let _control = host.serve_control().expect("served");
    let mut client = raw(data.path());
    let deep = "[".repeat(100_000);
    for garbage in
        ["", "null", "{}", "list", r#"{"do":"fly"}"#, r#"{"do":"swap"}"#, r#"{"do":"list","x":1"#, &deep]
    {
        client.get_mut().write_all(format!("{garbage}\n").as_bytes()).expect("it listens");
        assert_eq!(line(&mut client)["error"]["code"], "RE1007", "{garbage}");
    }
    client.get_mut().write_all(&[0xff, 0, 0xfe, b'\n']).expect("it listens");
    assert_eq!(line(&mut client)["error"]["code"], "RE1007");
    client.get_mut().write_all(b"{\"do\":\"list\"}\n").expect("it listens");
    assert_eq!(line(&mut client), serde_json::json!({"ok": []}));
}
