//! Whether a group is somebody's own: many systems give each user a group with nobody else in it, and a umask that lets it
//! write.
//!
//! Pure, over the text of `/etc/passwd` and `/etc/group`. A group that these files do not show to be private (users from
//! a directory service, say) is not.

/// Whether `group` has `user` for its one member: as primary group of nobody else, and with nobody else in its list.
pub(super) fn is_private(group: u32, user: u32, passwd: &str, groups: &str) -> bool {
    let users = || passwd.lines().filter_map(User::read);
    let Some(owner) = users().find(|one| one.id == user) else { return false };
    let primary = owner.group == group && users().all(|one| one.group != group || one.id == user);
    let mut listed = groups.lines().filter_map(Group::read).filter(|one| one.id == group).peekable();
    primary && listed.peek().is_some() && listed.all(|one| one.members().all(|member| member == owner.name))
}

struct User<'a> {
    name: &'a str,
    id: u32,
    group: u32,
}

impl<'a> User<'a> {
    /// `name:password:id:group:…`
    fn read(line: &'a str) -> Option<Self> {
        let mut fields = line.split(':');
        let name = fields.next()?;
        let (id, group) = (fields.nth(1)?.parse().ok()?, fields.next()?.parse().ok()?);
        Some(Self { name, id, group })
    }
}

struct Group<'a> {
    id: u32,
    list: &'a str,
}

impl<'a> Group<'a> {
    /// `name:password:id:member,member`
    fn read(line: &'a str) -> Option<Self> {
        let mut fields = line.split(':').skip(2);
        Some(Self { id: fields.next()?.parse().ok()?, list: fields.next()? })
    }

    fn members(&self) -> impl Iterator<Item = &'a str> {
        self.list.split(',').map(str::trim).filter(|name| !name.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASSWD: &str = "root:x:0:0:root:/root:/bin/bash\nada:x:1000:1000::/home/ada:/bin/sh\nbob:x:1001:100::/:/bin/sh\n\
                          eve:x:1002:100::/:/bin/sh\nodd line\n";

    #[test]
    fn a_group_is_private_when_nobody_else_is_in_it() {
        for (groups, group, user, private) in [
            ("ada:x:1000:\n", 1000, 1000, true),
            ("ada:x:1000:ada\n", 1000, 1000, true),
            ("ada:x:1000:ada, eve\n", 1000, 1000, false),
            ("ada:x:1000:eve\n", 1000, 1000, false),
            // Two lines for one group, as some tools write long ones.
            ("ada:x:1000:\nada:x:1000:eve\n", 1000, 1000, false),
            // Another's, or unknown.
            ("ada:x:1000:\n", 1000, 1001, false),
            ("ada:x:1000:\n", 1000, 4711, false),
            ("", 1000, 1000, false),
            // The primary group of two.
            ("users:x:100:\n", 100, 1001, false),
            ("root:x:0:\n", 0, 0, true),
        ] {
            assert_eq!(is_private(group, user, PASSWD, groups), private, "{groups:?} {group} {user}");
        }
    }
}
