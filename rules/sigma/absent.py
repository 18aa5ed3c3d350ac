"""Sigma's fields that no event has, with the reason that a refused rule is given."""

from collections.abc import Mapping

_VERSION = "it is read from the version resource of a Windows program, and programs for Linux have none"
_HASH = "events carry no hashes of files"
_IDENTITY = "it is an id that Sysmon makes up"
_WINDOWS = "there is nothing like it on Linux"
_TIME = "times are not compared with by rules here"

OF_SYSMON: Mapping[str, str] = {
    **dict.fromkeys(("OriginalFileName", "Description", "Product", "Company", "FileVersion"), _VERSION),
    **dict.fromkeys(("Hashes", "Hash", "md5", "sha1", "sha256", "Imphash", "imphash"), _HASH),
    **dict.fromkeys(("ProcessGuid", "ParentProcessGuid", "LogonGuid", "SourceProcessGUID"), _IDENTITY),
    **dict.fromkeys(("IntegrityLevel", "ParentIntegrityLevel", "Signed", "Signature"), _WINDOWS),
    **dict.fromkeys(("UtcTime", "CreationUtcTime", "PreviousCreationUtcTime"), _TIME),
    "TerminalSessionId": "sessions of the terminal service are Windows'",
    "SourcePortName": "events carry ports as numbers",
    "DestinationPortName": "events carry ports as numbers",
    "GrandParentCommandLine": "events tell the arguments of the process and its parent only",
    "ParentOriginalFileName": _VERSION,
    "EventID": "it is a number of Windows' event log or of Sysmon's",
    "RuleName": "it comes from a configuration of Sysmon",
}

_LOCAL = "it is set by the audit rules of a host"
_RAW = "only the names and paths of system calls are carried, not their raw arguments"
_LOGIN = "logins are not collected"

OF_AUDIT: Mapping[str, str] = {
    "key": _LOCAL,
    "nametype": "whether an open created the file or found it there is not collected",
    "unit": "services that start and stop are not collected as such",
    "syscall": "system calls have their names here, in SYSCALL; the number depends on the architecture",
    "arch": "events do not carry the architecture",
    "saddr": "it is encoded; write a rule for the category network_connection",
    "cwd": "the working directory is known only when a program is executed",
    "tty": "terminals are numbers here",
    "ses": "sessions of the audit subsystem are not collected",
    **dict.fromkeys(("suid", "fsuid", "egid", "sgid", "fsgid"), "events carry uid, euid and gid"),
    **dict.fromkeys(
        ("AUID", "EUID", "SUID", "FSUID", "GID", "EGID", "SGID", "FSGID"), "events carry no names of these"
    ),
    **dict.fromkeys(("inode", "dev", "mode", "ouid", "ogid", "rdev", "obj"), "inodes are not collected"),
    **dict.fromkeys(("acct", "terminal", "addr", "hostname", "res", "op", "id"), _LOGIN),
    **dict.fromkeys(("items", "item", "argc", "per", "cap_fp", "subj"), _RAW),
    "data": "what is typed at terminals is not collected",
}

# Records of the audit subsystem for which there are no events, with the reason.
AUDIT_RECORDS: Mapping[str, str] = {
    "TTY": "what is typed at terminals is not collected",
    "USER_TTY": "what is typed at terminals is not collected",
    **dict.fromkeys(
        ("SERVICE_START", "SERVICE_STOP"), "services that start and stop are not collected as such"
    ),
    **dict.fromkeys(
        ("ADD_USER", "DEL_USER", "ADD_GROUP", "DEL_GROUP", "USER_MGMT", "USER_CHAUTHTOK", "ACCT_LOCK"),
        "changes of users are not collected as such",
    ),
    **dict.fromkeys(
        ("USER_LOGIN", "USER_AUTH", "USER_ACCT", "USER_START", "USER_END", "LOGIN", "CRED_ACQ", "USER_CMD"),
        _LOGIN,
    ),
    "CWD": "the working directory is known only when a program is executed",
    "SOCKADDR": "write a rule for the category network_connection",
}
