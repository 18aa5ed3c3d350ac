"""Fields of the user and group that act."""

from rules.catalogue.row import Code, Row, always, later

USER = (
    Row("user.uid", "uint32", "user id", "every event", always("p.uid")),
    Row("user.euid", "uint32", "user id that the program runs as", "exec", {"exec": Code("p.euid")}),
    Row("user.name", "string", "user name", "exec", always("p.user")),
    Row("user.loginuid", "int64", "user id at login, -1 if nobody logged in", "exec",
        always("signed(p.loginuid)")),
    Row("user.loginname", "string", "user name at login", "exec", always("p.loginname")),
    later("user.homedir", "string", "home directory", "user databases of hosts and containers"),
    later("user.shell", "string", "login shell", "user databases of hosts and containers"),
    Row("group.gid", "uint32", "group id", "exec", always("p.gid")),
    Row("group.name", "string", "group name", "exec", always("p.group")),
)  # fmt: skip
