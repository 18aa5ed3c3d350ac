"""Fields of the acting process, its ancestors and its thread."""

from rules.catalogue.row import EVERY, Code, Row, Type, always, later

# Walked in the generated source up to here; further up a function does it.
_NEAR = 8


def _ancestor(level: int) -> str:
    return "p" + ".parent" * level if level <= _NEAR else f"ancestor(p, {level})"


def _ancestors(name: str, kind: Type, meaning: str, attribute: str) -> Row:
    """With an index the ancestor so many levels up, 0 being the process itself; without one all of them."""

    def code(argument: str) -> Code:
        if argument:
            return Code(f"{_ancestor(int(argument))}.{attribute}")

        def rewrite(operator: str, _wanted: tuple[object, ...]) -> str | None:
            return f"has_ancestor(p, {attribute!r}, {{set}})" if operator == "=" else None

        return Code(f"ancestors(p, {attribute!r})", rewrite=rewrite)

    return Row(name, kind, f"{meaning} of an ancestor; without an index, of any of them", "process tree",
               {EVERY: code}, values="some", argument="optional", index=True, computed=False)  # fmt: skip


def _descriptor(number: int, name: str) -> tuple[Row, ...]:
    return (
        Row(f"proc.{name}.type", "string",
            f"what descriptor {number} is: file, tty, pipe, ipv4, ipv6, unix, dev ...", "exec",
            always(f"stdio_type(p.stdio, {number})", costly=True)),
        Row(f"proc.{name}.name", "string", f"path or connection behind descriptor {number}", "exec",
            always(f"stdio_name(p.stdio, {number})", costly=True)),
    )  # fmt: skip


def _environment(name: str) -> Code:
    return Code(f"variable(p.env, {name!r})" if name else "variables(p.env)", costly=True)


PROCESS = (
    Row("proc.name", "string", "name of the process (comm), at most 15 bytes", "exec", always("p.name")),
    Row("proc.pname", "string", "proc.name of the parent", "process tree", always("p.parent.name")),
    _ancestors("proc.aname", "string", "proc.name", "name"),
    Row("proc.exe", "string", "first argument (argv[0])", "exec", always("p.exe")),
    Row("proc.pexe", "string", "proc.exe of the parent", "process tree", always("p.parent.exe")),
    _ancestors("proc.aexe", "string", "proc.exe", "exe"),
    Row("proc.exepath", "string", "path of the executable", "exec", always("p.exepath")),
    Row("proc.pexepath", "string", "proc.exepath of the parent", "process tree", always("p.parent.exepath")),
    _ancestors("proc.aexepath", "string", "proc.exepath", "exepath"),
    Row("proc.args", "string", "arguments without the first, joined by blanks", "exec", always("p.argline")),
    Row("proc.cmdline", "string", "proc.name and proc.args", "exec", always("p.cmdline")),
    Row("proc.pcmdline", "string", "proc.cmdline of the parent", "process tree", always("p.parent.cmdline")),
    _ancestors("proc.acmdline", "string", "proc.cmdline", "cmdline"),
    Row("proc.exeline", "string", "proc.exe and proc.args", "exec", always("exeline(p)", costly=True)),
    Row("proc.pexeline", "string", "proc.exeline of the parent", "process tree",
        always("exeline(p.parent)", costly=True)),
    Row("proc.argv", "string", "an argument by its number; 0 is what the program was called by", "exec",
        {EVERY: lambda number: Code(f"argument(p.args, {int(number)})", costly=True)}, argument="required",
        index=True),
    Row("proc.cmdnargs", "uint64", "number of arguments without the first", "exec",
        always("(None if p.args is None else max(len(p.args) - 1, 0))")),
    Row("proc.cmdlenargs", "uint64", "characters in the arguments without the first", "exec",
        always("(None if p.args is None else sum(map(len, p.args[1:])))")),
    Row("proc.cwd", "string", "working directory", "exec", always("p.cwd")),
    Row("proc.pid", "int64", "process id", "every event", always("p.pid")),
    Row("proc.ppid", "int64", "process id of the parent", "process tree", always("p.parent.pid")),
    _ancestors("proc.apid", "int64", "process id", "pid"),
    Row("proc.vpid", "int64", "process id inside the container", "exec, forks", always("p.vpid")),
    Row("proc.pvpid", "int64", "proc.vpid of the parent", "process tree", always("p.parent.vpid")),
    Row("proc.tty", "uint32", "number of the terminal, 0 for none", "exec", always("p.tty")),
    Row("proc.sid", "int64", "session, as the host numbers it", "exec", always("p.sid")),
    Row("proc.sname", "string", "proc.name of the session's leader", "process tree",
        always("leader(p, 'sid').name")),
    Row("proc.sid.exe", "string", "proc.exe of the session's leader", "process tree",
        always("leader(p, 'sid').exe")),
    Row("proc.sid.exepath", "string", "proc.exepath of the session's leader", "process tree",
        always("leader(p, 'sid').exepath")),
    Row("proc.is_sid_leader", "bool", "whether the process leads its session", "exec",
        always("(None if p.sid is None else p.sid == p.pid)")),
    Row("proc.pgid", "int64", "process group, as the host numbers it", "exec", always("p.pgid")),
    Row("proc.vpgid", "int64", "process group, as the host numbers it", "exec", always("p.pgid")),
    Row("proc.vpgid.name", "string", "proc.name of the group's leader", "process tree",
        always("leader(p, 'pgid').name")),
    Row("proc.vpgid.exe", "string", "proc.exe of the group's leader", "process tree",
        always("leader(p, 'pgid').exe")),
    Row("proc.vpgid.exepath", "string", "proc.exepath of the group's leader", "process tree",
        always("leader(p, 'pgid').exepath")),
    Row("proc.is_vpgid_leader", "bool", "whether the process leads its group", "exec",
        always("(None if p.pgid is None else p.pgid == p.pid)")),
    Row("proc.pgid.name", "string", "the same as proc.vpgid.name", "process tree",
        always("leader(p, 'pgid').name")),
    Row("proc.pgid.exe", "string", "the same as proc.vpgid.exe", "process tree",
        always("leader(p, 'pgid').exe")),
    Row("proc.pgid.exepath", "string", "the same as proc.vpgid.exepath", "process tree",
        always("leader(p, 'pgid').exepath")),
    Row("proc.is_pgid_leader", "bool", "the same as proc.is_vpgid_leader", "exec",
        always("(None if p.pgid is None else p.pgid == p.pid)")),
    Row("proc.duration", "reltime", "nanoseconds since the last exec of the process, if that was seen",
        "exec",
        always("(None if p.executed is None else e.time - p.executed)")),
    Row("proc.ppid.duration", "reltime", "the same of the parent", "process tree",
        always("(None if p.parent.executed is None else e.time - p.parent.executed)")),
    Row("proc.is_exe_upper_layer", "bool",
        "whether the executable is not part of the container's image but was put there since", "exec",
        always("p.upper_layer")),
    Row("proc.is_exe_from_memfd", "bool", "whether the executable exists in memory only (memfd_create)",
        "exec",
        always("p.memfd")),
    Row("proc.is_exe_lower_layer", "bool", "whether the executable is part of the container's image", "exec",
        always("p.lower_layer")),
    Row("proc.is_exe_writable", "bool", "whether the user may overwrite the executable", "exec",
        always("p.exe_writable")),
    Row("proc.exe_ino", "int64", "inode of the executable", "exec", always("p.exe_inode")),
    Row("proc.exe_ino.ctime", "abstime", "last change of the executable's inode, nanoseconds since 1970",
        "exec", always("p.exe_ctime")),
    Row("proc.exe_ino.mtime", "abstime", "last change of the executable's content, nanoseconds since 1970",
        "exec", always("p.exe_mtime")),
    Row("proc.exe_ino.ctime_duration_proc_start", "abstime",
        "nanoseconds from the last change of the executable's inode to the last exec that was seen", "exec",
        always("age(p.exe_ctime, p.executed)")),
    Row("proc.env", "string",
        "environment: variables that change what programs do (LD_PRELOAD, HTTP_PROXY ...), or one of them",
        "exec", {EVERY: _environment}, argument="optional"),
    *_descriptor(0, "stdin"),
    *_descriptor(1, "stdout"),
    *_descriptor(2, "stderr"),
    Row("proc.puser", "string", "user name of the parent", "process tree", always("p.parent.user")),
    Row("thread.tid", "int64", "thread id", "every event", always("e.tid", sure=True)),
    Row("thread.ismain", "bool", "whether this is the main thread", "every event",
        always("(e.tid == e.pid)", sure=True)),
    Row("thread.cap_permitted", "string", "permitted capabilities, names joined by blanks", "exec",
        always("capabilities(p.cap_permitted)", costly=True)),
    Row("thread.cap_effective", "string", "effective capabilities, names joined by blanks", "exec",
        always("capabilities(p.cap_effective)", costly=True)),
    Row("thread.cap_inheritable", "string", "inheritable capabilities, names joined by blanks", "exec",
        always("capabilities(p.cap_inheritable)", costly=True)),
    later("thread.vtid", "int64", "thread id inside the container", "thread ids"),
    later("thread.cgroups", "string", "all control groups", "version 1 control groups"),
    later("thread.cgroup", "string", "a control group by subsystem", "version 1 control groups",
          argument="required"),
    later("thread.exectime", "reltime", "processor time of the thread's last turn", "the scheduler"),
    later("thread.totexectime", "reltime", "processor time of the thread", "the scheduler"),
    later("thread.cpu", "double", "share of a processor used", "the scheduler"),
    later("thread.cpu.user", "double", "the same outside of the kernel", "the scheduler"),
    later("thread.cpu.system", "double", "the same inside of the kernel", "the scheduler"),
    later("thread.pfmajor", "uint64", "major page faults", "memory figures"),
    later("thread.pfminor", "uint64", "minor page faults", "memory figures"),
    later("thread.vmsize", "uint64", "virtual memory in KiB", "memory figures"),
    later("thread.vmrss", "uint64", "resident memory in KiB", "memory figures"),
    later("proc.vmsize", "uint64", "virtual memory in KiB", "memory figures"),
    later("proc.vmrss", "uint64", "resident memory in KiB", "memory figures"),
    later("proc.vmswap", "uint64", "swapped memory in KiB", "memory figures"),
    later("proc.fdopencount", "uint64", "number of open descriptors", "tables of descriptors"),
    later("proc.fdlimit", "int64", "how many descriptors may be open", "tables of descriptors"),
    later("proc.fdusage", "double", "share of the descriptors that are open", "tables of descriptors"),
    later("proc.nthreads", "uint64", "number of threads", "thread ids"),
    later("proc.nchilds", "uint64", "number of threads besides the main one", "thread ids"),
    later("proc.aenv", "string", "proc.env of an ancestor", "environments", argument="optional",
          values="some",
          computed=False),
    later("proc.loginshellid", "int64", "pid of the oldest shell above the process",
          "nothing; use proc.aname"),
    later("proc.pid.ts", "reltime", "when the process started, nanoseconds since 1970", "times of forks"),
    later("proc.ppid.ts", "reltime", "when the parent started, nanoseconds since 1970", "times of forks"),
    later("proc.pidns_init_start_ts", "uint64", "when the pid namespace started", "times of forks"),
    later("proc.exe_ino.ctime_duration_pidns_start", "abstime",
          "age of the executable's inode relative to the container", "inodes of executables"),
)  # fmt: skip
