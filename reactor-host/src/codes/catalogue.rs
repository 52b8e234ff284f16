//! Every error code there is, one a line: `CODE: "what it means" => "what to do";`, and for some, after a comma, more to
//! know. The page of the book is made from this; see CONTRIBUTING.md. A code keeps its meaning for ever.

use super::{Code, Seam};

/// `SEAM: ABOUT { CODE: TITLE => REMEDY, DETAIL; … } …`
macro_rules! catalogue {
    ($($seam:literal: $about:literal {
        $($code:ident: $title:literal => $remedy:literal $(, $detail:literal)?;)*
    })*) => {
        &[$(Seam {
            title: $seam,
            about: $about,
            codes: &[$(Code {
                code: stringify!($code),
                title: $title,
                remedy: $remedy,
                detail: concat!($($detail)?),
            }),*],
        }),*]
    };
}

/// By seam, as the book lists them.
pub(super) static SEAMS: &[Seam] = catalogue! {
    "Manifests": "Nothing of a build with such a manifest is opened. The build that runs goes on; the file is read again when it changes." {
        RE0101: "the manifest is larger than 64 KiB; nothing of it was read" => "shorten it";
        RE0102: "not valid TOML, or not UTF-8" => "correct the place that the message shows";
        RE0103: "an unknown key" => "write the key that is suggested, or remove it", "A slip in a key would otherwise be a setting that silently does nothing. Keys are listed in the chapter on the manifest.";
        RE0104: "a required key is missing" => "add it, as the message shows";
        RE0105: "a value of the wrong type" => "write the type that is named";
        RE0106: "the manifest's schema is not known" => "write `schema = 1`, or update the host";
        RE0107: "an empty text" => "write something, or remove the key";
        RE0108: "a text over its limit" => "shorten it";
        RE0109: "not a plugin id" => "use dot-separated segments of lower-case letters, digits and single hyphens", "An id names a plugin for ever: `word-count`, `acme.tools.spell`. At most 128 bytes.";
        RE0110: "not a SemVer version" => "write three numbers, as in `1.4.2`";
        RE0111: "not a range of versions" => "write one such as `^1.2` or `>=1.4, <3`";
        RE0112: "a name, path, address or variable that breaks its rule" => "follow the rule in the message";
        RE0113: "none of the words that the key takes" => "write one of those listed";
        RE0114: "a number, duration or size that can not be read or is out of range" => "write a whole number with a unit, as in `50ms` or `256MiB`";
        RE0115: "not an activation or deactivation event" => "write what the message suggests";
        RE0116: "the same thing twice in a list" => "remove one";
        RE0117: "a plugin that needs, or is in conflict with, itself" => "remove the entry";
        RE0118: "two keys that can not both hold" => "change one as the message says";
        RE0119: "the manifest file and the copy in the library disagree" => "rebuild the library, or remove the file", "Id, version, API range and interfaces must be the same in both; of everything else the file holds.";
    }
    "Object files": "Found by reading the bytes. Nothing of such a file is opened; the build that runs goes on, and the file is read again when it changes." {
        RE0120: "no dynamic library of a known format" => "put a library that was built for this system there";
        RE0121: "the file is incomplete" => "wait for the build or copy to end, or copy it again", "A file that is being written looks like this. It is taken by itself as soon as it is whole.";
        RE0122: "an object file of another kind: a program, an archive" => "build with `crate-type = [\"cdylib\"]`";
        RE0123: "zeros stand where something must" => "wait for the copy to end, or copy it again";
        RE0124: "a table of the file leads nowhere" => "build or copy it again";
        RE0125: "the embedded facts or manifest can not be read" => "rebuild with the host's `reactor-abi`";
        RE0126: "the library asks for an executable stack, which would be that of the whole process" => "link it with `-z noexecstack`";
    }
    "Folders and files": "Told of one file or folder; the others in it are used all the same. What is there is looked at again at each change." {
        RE0140: "a file can not be read" => "check its permissions";
        RE0141: "not a regular file: a pipe, a device, a folder" => "remove it from the plugin folder";
        RE0142: "the library is over the limit of 512 MiB" => "strip it, or raise the limit";
        RE0143: "a manifest without its library" => "put a library of one of the names listed beside it";
        RE0144: "several libraries in a plugin's folder" => "keep one, or name it in `plugin.toml`";
        RE0145: "a library without a manifest beside it or inside" => "export the plugin with `export_plugin!`, or write one", "A manifest is looked for in the plugin's own folder, beside a lone library, and inside the library.";
        RE0146: "several manifests beside a lone library" => "keep one";
        RE0147: "a library for another machine or system" => "install the build for this one";
        RE0148: "the file changed while it was read" => "nothing: it is read again when it rests";
        RE0149: "not used, since another path has the same plugin in this version or a higher one" => "remove one of them", "The highest version serves. When it goes, the next one follows.";
        RE0150: "the host's policy does not accept the build" => "see the policy's words";
        RE0151: "a plugin folder is missing or can not be listed" => "create it, or check its permissions";
        RE0152: "a folder with neither `plugin.toml` nor a library" => "name a plugin's folder";
        RE0160: "no file events" => "nothing: the folders are looked at every so often", "Network folders and some containers give none. Changes are then seen two seconds later at most.";
        RE0161: "a folder can not be watched" => "raise the system's limit of watches (Linux: `fs.inotify.max_user_watches`)", "Until it can be, the folders are looked at every two seconds. `reactor doctor` shows the limit and what is used of it.";
        RE0162: "no thread for following folders" => "raise the limit of threads";
        RE0163: "a file, or a folder on the way to it, belongs neither to the host's user nor to root" => "the `chown` in the message, or a folder of your own; see [Whose folder](folder.md#whose-folder)";
        RE0164: "a file, or a folder on the way to it, can be written to by its group or everybody" => "the `chmod` in the message; see [Whose folder](folder.md#whose-folder)";
    }
    "Private copies, and what a host does not accept": "The build is not run. One that runs already goes on." {
        RE0201: "the private folder can not be made" => "name another one with `data_dir`";
        RE0202: "a private copy can not be written" => "check the space left in the data folder", "Libraries are loaded from private copies, so that a file can be overwritten while it runs. `reactor doctor` shows the space that is left.";
        RE0203: "the host does not load native code" => "build it with `trust_native_code`, or link the plugin";
        RE0204: "the plugin asks for a process of its own and is linked into the program" => "use `in-process`, or load it as a library";
        RE0205: "opening the library, or `init`, did not return in 30 seconds" => "look at what `init` and constructors wait for";
    }
    "Opening a library": "Checked before the library is opened as far as its bytes tell, and else before any function of it is called. The build that runs goes on." {
        RE0301: "no build facts: not built with `export_plugin!`" => "add `export_plugin!(YourType);` to the crate and build again";
        RE0302: "built against another plugin API: the ABI fingerprint differs" => "rebuild it against the host's `reactor-abi`", "The fingerprint is a hash over the layout of all that host and plugin share. Equal version numbers do not make it equal.";
        RE0303: "built with `panic = \"abort\"`" => "remove that from the profile", "A panic would end the host. With unwinding it fails one call.";
        RE0304: "built for another target" => "build it for the host's";
        RE0305: "needs a library by a path relative to itself" => "link that library statically, or install it where the system looks", "The library is loaded from a private copy elsewhere, where `$ORIGIN` leads to nothing.";
        RE0306: "the system's loader refused it" => "see the loader's words", "Most often a library that it needs is not installed, or the folder of the private copies is mounted `noexec`: `reactor doctor` tries that.";
        RE0307: "the entry symbol is missing" => "put `export_plugin!` into the crate";
        RE0308: "the plugin can not read what the host told it at birth" => "rebuild the plugin against the host's `reactor-abi`";
        RE0309: "the plugin's API is older than an operation that was asked of it" => "rebuild the plugin";
        RE0310: "the entry can not be read" => "rebuild the plugin against the host's `reactor-abi`";
        RE0311: "the entry carries no layout to check" => "rebuild the plugin against the host's `reactor-abi`";
        RE0312: "the layout of a type differs; the message names the type and both sides" => "rebuild the plugin against the host's `reactor-abi`";
        RE0313: "the path of the plugin's folder can not be told to the plugin, since it is not UTF-8" => "rename the folder";
    }
    "Starting a plugin's process": "The build is not run. One that runs already goes on. See [Isolation](isolation.md)." {
        RE0320: "there is no program to start as the process" => "call `serve_if_runner` at the top of `main`, put `reactor-runner` beside the program, or name it with `HostBuilder::runner`";
        RE0321: "the program for the process could not be started" => "see the system's words";
        RE0322: "what was started did not answer as a plugin's process" => "name `reactor-runner`, or a program that calls `serve_if_runner` before anything else";
        RE0323: "the program for the process belongs to another version; the message has both values" => "build both of the same version of reactor-host";
        RE0324: "this system gives plugins no processes" => "use `in-process` if you trust the code", "Processes for plugins need a Unix system.";
        RE0325: "the process could not open the library" => "see what it said", "Where it said a code of this table, that code is told in place of this one.";
    }
    "Closing a library": "What serves is never disturbed by what can not be closed. `Host::retained` lists that with the reasons; SAFETY.md in the repository's root explains them." {
        RE0315: "three quarters of the budget of retained generations are used" => "look at what keeps them; restart the program or raise `retained_budget` in time";
        RE0316: "the budget of retained generations is reached: no plugin is swapped any more whose library stays" => "look at what keeps them; restart the program or raise the budget", "Plugins that can be closed are swapped as ever, and what does not run is loaded as ever.";
        RE0317: "a swap was refused: the old generation would be retained, and the budget is reached" => "restart the program, or raise the budget with `Host::set_retained_budget` and swap again", "The old generation goes on serving. The build is not quarantined, and a roll-back is not refused.";
    }
    "Running together": "Decided from the manifests before any code runs, and again whenever a plugin comes, goes or fails." {
        RE0401: "made for other versions of the plugin API" => "update the application, or install a newer build of the plugin";
        RE0402: "made for another application" => "remove it";
        RE0403: "made for other versions of this application" => "update the application, or install a newer build of the plugin";
        RE0404: "a dependency is not here" => "install it", "All that are missing are named at once. The plugin starts by itself when they come.";
        RE0405: "a dependency is here in another version" => "install a version in the range";
        RE0406: "nobody provides a required interface in a fitting version" => "install a plugin that does";
        RE0407: "a cycle; the message prints it whole" => "remove one of the dependencies", "Plugins outside of the cycle run.";
        RE0408: "two plugins are in conflict" => "disable one";
        RE0409: "a dependency can not run" => "see why there", "Repairing that one brings this one back by itself.";
        RE0410: "everybody who provides a required interface can not run" => "see why there";
        RE0411: "the same id came before" => "remove one of them";
        RE0412: "a peer is not here" => "install it";
        RE0413: "a peer is here in another version" => "install a version in the range";
        RE0414: "a file offers a plugin that is linked into the application, which goes first" => "remove the file", "What is linked was chosen by who built the application.";
        RE0416: "there is no plugin of this id" => "check the id against the list";
        RE0417: "a dependency does not run: it is switched off, or failed" => "enable it, or see why there";
        RE0418: "a swap of a plugin that is switched off, or of a host that is stopped" => "`enable` it, or `start` the host, first";
        RE0419: "the file of a plugin holds another plugin by now" => "put the plugin's own library back, or remove the file";
        RE0420: "a phase did not return by its deadline; its thread was given up" => "look at what the phase waits for", "Code can not be taken off a thread that it does not leave: the thread and the generation stay until it returns.";
        RE0425: "a plugin asked for 256 different things, none of which the host has come to yet" => "ask later; asking for the same again needs no new place";
    }
    "Handing state over": "The swap is not made, or is taken back. The old generation goes on with its state." {
        RE0501: "the running build keeps state, the new one declares none" => "keep the `[state]` table, or stop the plugin first";
        RE0502: "the new build does not read the running one's schema" => "add a migration, and list the schema in `reads`", "Refused before any code of the new build runs.";
        RE0503: "callers did not leave within `pause-deadline`, five times over" => "raise it, or use `handoff = \"snapshot\"`", "Calls that are inside for long keep the plugin from resting. With `snapshot` nobody waits, but changes made after `save` began are lost.";
        RE0504: "the state that was saved last is of a schema that the build does not read" => "add a migration, and list the schema in `reads`";
        RE0510: "`save` gave another schema than the manifest names" => "make them agree";
        RE0511: "calls are inside a generation that was to restore" => "nothing: the swap was taken back";
        RE0520: "the build is quarantined: it was tried before, and failed" => "build it anew, or lift it with `reactor quarantine --plugins DIR --lift ID`";
        RE0521: "a generation on trial failed its health check" => "nothing: it was rolled back; the message says what the plugin said";
        RE0522: "a generation on trial panicked more often than `health.max-panics`" => "nothing: it was rolled back; mend the panics";
        RE0523: "the build is swapped in one step with another one, which did not take over" => "mend that one: both are tried again";
        RE0524: "somebody rolled the build back by hand" => "lift it to have it tried again";
        RE0525: "there is no build to go back to" => "nothing";
        RE0526: "nothing of the plugin is quarantined" => "nothing";
        RE0527: "what `save` gave can not be read back" => "rebuild the plugin against this host's reactor-abi";
        RE0528: "the plugin has no state to save" => "start it, or give its manifest a `[state]` table";
    }
    "Calls and services": "One call, or one request of a plugin's, failed. Nothing else is disturbed by it." {
        RE0601: "the plugin is not there; the message has the reason" => "see the reason", "A handle outlives its plugin. Calls succeed again when the plugin is back.";
        RE0602: "the plugin has no such action" => "check the action's name";
        RE0603: "the plugin panicked; the message has the place" => "report it to its author", "The plugin goes on, and later calls reach it.";
        RE0604: "the plugin has been handing its state over for ten seconds" => "look at its `save`, `restore`, `suspend` and `resume`";
        RE0605: "the host has shut down" => "let go of the handle";
        RE0606: "a generation that has stopped asks: its services, and its handles to other plugins, refuse" => "keep no `Services` and no `Peer` beyond `stop`";
        RE0607: "a task before `start`, during a suspension, or when tasks are being ended" => "spawn from `start` on";
        RE0608: "the host answered a request for a task or a stream without a number" => "rebuild the plugin against the host's `reactor-abi`";
        RE0609: "an error came across that can not be read" => "rebuild the plugin against the host's `reactor-abi`";
        RE0610: "the host itself failed while it served a request" => "report it, with the plugin";
        RE0611: "not a plugin id, in a request of a plugin's" => "write a valid id";
        RE0612: "no thread for a task" => "raise the limit of threads";
        RE0613: "the plugin that was asked about has built nothing" => "depend on it, so that it builds first";
        RE0614: "a task's name holds a NUL character" => "give it another name";
        RE0615: "a call through a set of pins is for a plugin that is not in the set" => "name it when the set is pinned";
        RE0616: "the plugin is handing its state over, and who asks may be what it waits for" => "ask again later, outside the plugin's calls and without pins";
    }
    "Saved state": "Told by the plugin's side of a hand-over. The old generation goes on with its state." {
        RE0621: "schema 0" => "count schemas from 1";
        RE0622: "the data can not be saved" => "see the reason: the type refuses to be serialised";
        RE0623: "the saved bytes are not what the type reads" => "give a changed type another schema number and a migration";
        RE0624: "a migration is missing" => "add the step that the message names";
    }
    "Values": "The value did not cross. The other side was not called with it." {
        RE0631: "deeper than 128 levels" => "flatten it";
        RE0632: "another type than was asked for" => "send what the message names";
        RE0633: "a number that does not fit" => "send a smaller one";
        RE0634: "a map's key of a type that can be none" => "use texts, numbers, booleans or plain enums";
        RE0635: "a key twice in a map" => "remove one";
        RE0636: "bytes that are no value" => "report it: the two sides do not agree";
        RE0637: "bytes after a value's end" => "report it: the two sides do not agree";
        RE0638: "the type's own reason" => "see the message";
        RE0640: "the plugin's process has ended, and calls were inside; the message says how" => "swap or start the plugin to have it run again; report it to its author", "Nobody else is disturbed. State that was saved is given to the plugin when it starts.";
        RE0641: "the plugin's process ended before the call" => "as for RE0640", "Told for the moment until the host has taken the plugin out; then calls are refused by `RE0601` with the same reason.";
        RE0642: "what a call brings or answers is too large to go between processes at once" => "pass it in parts";
        RE0643: "a plugin's process asks before there is an instance" => "build host and runner of the same version";
        RE0644: "calls lead back and forth between processes, deeper than 64 on one thread" => "have them return before the next one is made", "A plugin that calls itself through a handle without end is told so, and nobody else is disturbed.";
        RE0645: "one generation asks for more than 4,096 plugins and interfaces to call" => "keep the handles, and ask only for what is there", "Each costs the host something, also where nobody is. Counted for the life of a generation.";
    }
    "What lasts": "Told of the data folder. What runs goes on; what could not be written is kept in memory." {
        RE0701: "nothing can be kept in the data folder" => "name another one, or check its permissions";
        RE0702: "another host has the data folder" => "end that one, or name another folder", "Each host needs a data folder of its own.";
        RE0703: "the database is not what was written" => "move it away to begin anew, or bring an older copy back", "To begin anew forgets what is quarantined, what can be rolled back to, and what plugins saved.";
        RE0704: "the database is of a later version" => "run that version, or name another data folder";
        RE0705: "something could not be written" => "make room, or correct what the message says", "It is kept in memory, and tried again with the next write.";
        RE0706: "a stored library is not what was stored" => "install that build again";
        RE0707: "the store was closed before this was written" => "store it while the host runs";
        RE0708: "the system gives no thread for the store" => "end something, or raise the limit of threads";
    }
    "Interfaces and streams": "Told to who provides an interface, and to who calls it. Nothing that runs is changed." {
        RE0720: "arguments, an answer or an item of a stream could not be carried across" => "see the reason; if the two sides disagree, rebuild both with the same version of the interface";
        RE0721: "the provider is older than the method" => "ask for a range that begins with the version that brought the method, or give the method a default body", "Only for methods with `#[since]` and without a body: the body of the others answers for older providers.";
        RE0722: "a stream is full" => "wait with `send`, or leave the item out";
        RE0723: "nobody takes items of a stream any more" => "stop sending";
        RE0740: "what is said of an interface can not be read, or its name or version is none" => "correct the name or the version in `#[interface]`; rebuild the plugin against the host's `reactor-abi`";
        RE0741: "a plugin provides an interface that its manifest does not list" => "list it under `[provides]`", "What a manifest lists is known before any code runs: others are ordered by it.";
        RE0742: "a plugin provides an interface in another version than its manifest says" => "make the two agree";
        RE0743: "an interface is provided twice by one plugin, or by the application" => "provide it once";
        RE0744: "an interface is provided outside of `register`" => "provide it there";
        RE0745: "the range of versions that is asked for is none" => "write one such as `^1.2`";
        RE0746: "the plugin that is to provide an interface is named by what is no plugin id" => "write a valid id";
        RE0747: "nobody provides the interface; the message has the reason" => "install a plugin that does, or ask again when it is there", "A handle outlives its providers. Calls succeed again when one comes that fits.";
        RE0748: "the interface is provided in another version than is asked for" => "install a provider of a version in the range, or rebuild the caller with the version that is there";
        RE0749: "a method of the interface takes or gives something else with the provider than with the caller" => "rebuild both with the same version of the interface", "The message has both signatures and points at what differs. A method that has changed needs a new major version.";
        RE0750: "the provider lacks a method of the interface that it should have" => "rebuild the provider; say with `#[since]` which minor version brought a method";
        RE0751: "a stream has ended because who adds to it was suspended or stopped, or has gone before anybody read it" => "ask for a new one: after a swap the new generation gives it", "What was queued before is still read first.";
        RE0752: "a stream for no items, or for more than 65,536" => "ask for another capacity";
        RE0753: "one plugin has too many streams open" => "end some";
        RE0754: "a manifest lists an interface that `register` did not provide" => "provide it, or take it out of `[provides]`", "Told as an event; the plugin runs. Who requires the interface does not find it.";
    }
    "The host's methods": "Told to the application. Nothing that runs is changed." {
        RE0801: "plugin folders are named, but native code was not accepted" => "call `trust_native_code`, after reading `SAFETY.md`";
        RE0802: "the application's own version is none" => "give `Host::builder` a SemVer version";
        RE0803: "two linked plugins have one id" => "remove one";
        RE0804: "not a plugin id" => "check the id";
        RE0805: "the system gives no thread" => "raise the limit of threads";
        RE0806: "the folders are watched already" => "keep the first guard";
        RE0807: "a host's method was called from inside a plugin's call, and would wait for itself" => "use the plugin's services, which queue the request", "The order might wait for the very call that gives it.";
    }
    "The command": "Told by the command `reactor`, on standard error." {
        RE0901: "cargo can not be started" => "install Rust's toolchain, or name cargo in `CARGO`";
        RE0902: "cargo can not read the packages" => "see cargo's words";
        RE0903: "no plugin crate there" => "one has `crate-type = [\"cdylib\"]` and a `plugin.toml` beside its `Cargo.toml`", "A plugin crate makes a `cdylib`, depends on `reactor-abi`, and says what it is in `plugin.toml`.";
        RE0904: "a file can not be read or written" => "check the folder's permissions and the space left";
        RE0905: "two crates have one plugin id" => "give one another id";
        RE0906: "some plugins did not compile" => "see the compiler's messages";
        RE0907: "the value to send is not JSON" => "quote it for the shell: `'{\"name\": \"Ada\"}'`";
        RE0908: "standard input can not be read" => "give the value on the command line";
        RE0909: "standard output can not be written" => "check where it leads";
        RE0910: "Ctrl-C can not be listened for" => "end the command with another signal";
        RE0911: "no thread" => "raise the limit of threads";
        RE0920: "there is no such error code" => "run `reactor explain` for a list";
        RE0930: "there is no place for a host's data folder" => "name one with `--data` or the variable `REACTOR_DATA`";
        RE0931: "the command is for a running host, and none runs on this folder" => "start one, as the message shows", "A host is found by its plugin folder, by whatever path that is named, or by its data folder. An application must serve a control socket.";
        RE0932: "events came faster than they were read, and some were left out" => "see the numbers (`seq`) for the gap, and follow fewer";
        RE0940: "not a name for what is to be made" => "use lower-case letters, digits and single hyphens, beginning with a letter", "The name is that of a crate and a plugin's id in one.";
        RE0941: "the folder that is to be made is there and is not empty" => "choose another name, or move it away";
        RE0942: "an application would be made inside a workspace that takes it for a member" => "make it elsewhere, or name its folder under `exclude` of that workspace";
    }
    "The control socket": "Told to the application, or to who asks. Nothing that runs is changed." {
        RE1001: "the host has no data folder, which is where the socket is made" => "name one with `data_dir`";
        RE1002: "others than this user can enter the data folder" => "`chmod 700` it, or name another one";
        RE1003: "the system gives no socket there" => "check the folder's permissions and the space left, or name a data folder on another disk";
        RE1004: "another host serves in this data folder; the message tells which" => "end that one, or name another data folder";
        RE1005: "this host serves already" => "keep the first guard";
        RE1006: "the host has as many connections as it takes" => "end one, or try again";
        RE1007: "a request that can not be read" => "correct what the message shows; `reactor` and the host should be of one version", "The book's chapter on control lists the requests.";
        RE1008: "a request that is too long" => "send less at once: 8 MiB at most";
        RE1009: "no request was complete in time" => "connect when there is something to ask";
        RE1010: "no host serves in this data folder" => "start one that does";
        RE1011: "there is a socket, and the host can not be reached by it" => "check that it is this user's, and still answers";
        RE1012: "what answers is no host, or one of another version" => "use the `reactor` of the host's version";
        RE1013: "the connection ended before the answer" => "see whether the host still runs";
        RE1014: "the other side belongs to another user" => "ask as the user that runs the host";
    }
};
