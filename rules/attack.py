"""The techniques of MITRE ATT&CK that rules name: ids, names and tactics of one version, and former ids."""

import re
from collections.abc import Iterable, Mapping

from wire.detection import Technique

# ATT&CK v16.1, https://attack.mitre.org/versions/v16/: id, name and tactics, separated by bars.
_TABLE = """
T1003.007|OS Credential Dumping: Proc Filesystem|Credential Access
T1003.008|OS Credential Dumping: /etc/passwd and /etc/shadow|Credential Access
T1005|Data from Local System|Collection
T1014|Rootkit|Defense Evasion
T1020|Automated Exfiltration|Exfiltration
T1027|Obfuscated Files or Information|Defense Evasion
T1033|System Owner/User Discovery|Discovery
T1027.004|Obfuscated Files or Information: Compile After Delivery|Defense Evasion
T1036|Masquerading|Defense Evasion
T1036.005|Masquerading: Match Legitimate Name or Location|Defense Evasion
T1041|Exfiltration Over C2 Channel|Exfiltration
T1046|Network Service Discovery|Discovery
T1053.003|Scheduled Task/Job: Cron|Execution, Persistence, Privilege Escalation
T1055.008|Process Injection: Ptrace System Calls|Defense Evasion, Privilege Escalation
T1055.009|Process Injection: Proc Memory|Defense Evasion, Privilege Escalation
T1059|Command and Scripting Interpreter|Execution
T1059.004|Command and Scripting Interpreter: Unix Shell|Execution
T1059.006|Command and Scripting Interpreter: Python|Execution
T1068|Exploitation for Privilege Escalation|Privilege Escalation
T1070|Indicator Removal|Defense Evasion
T1070.002|Indicator Removal: Clear Linux or Mac System Logs|Defense Evasion
T1070.003|Indicator Removal: Clear Command History|Defense Evasion
T1070.004|Indicator Removal: File Deletion|Defense Evasion
T1070.006|Indicator Removal: Timestomp|Defense Evasion
T1071|Application Layer Protocol|Command and Control
T1071.001|Application Layer Protocol: Web Protocols|Command and Control
T1072|Software Deployment Tools|Execution, Lateral Movement
T1083|File and Directory Discovery|Discovery
T1090|Proxy|Command and Control
T1095|Non-Application Layer Protocol|Command and Control
T1098|Account Manipulation|Persistence, Privilege Escalation
T1098.004|Account Manipulation: SSH Authorized Keys|Persistence, Privilege Escalation
T1105|Ingress Tool Transfer|Command and Control
T1132|Data Encoding|Command and Control
T1136.001|Create Account: Local Account|Persistence
T1140|Deobfuscate/Decode Files or Information|Defense Evasion
T1190|Exploit Public-Facing Application|Initial Access
T1195.002|Supply Chain Compromise: Compromise Software Supply Chain|Initial Access
T1204|User Execution|Execution
T1205.001|Traffic Signaling: Port Knocking|Defense Evasion, Persistence, Command and Control
T1485|Data Destruction|Impact
T1486|Data Encrypted for Impact|Impact
T1496|Resource Hijacking|Impact
T1496.001|Resource Hijacking: Compute Hijacking|Impact
T1505|Server Software Component|Persistence
T1505.003|Server Software Component: Web Shell|Persistence
T1543|Create or Modify System Process|Persistence, Privilege Escalation
T1543.002|Create or Modify System Process: Systemd Service|Persistence, Privilege Escalation
T1546.004|Event Triggered Execution: Unix Shell Configuration Modification|Persistence, Privilege Escalation
T1547.006|Boot or Logon Autostart Execution: Kernel Modules and Extensions|Persistence, Privilege Escalation
T1548.001|Abuse Elevation Control Mechanism: Setuid and Setgid|Defense Evasion, Privilege Escalation
T1548.003|Abuse Elevation Control Mechanism: Sudo and Sudo Caching|Defense Evasion, Privilege Escalation
T1552|Unsecured Credentials|Credential Access
T1552.001|Unsecured Credentials: Credentials In Files|Credential Access
T1552.004|Unsecured Credentials: Private Keys|Credential Access
T1552.005|Unsecured Credentials: Cloud Instance Metadata API|Credential Access
T1552.007|Unsecured Credentials: Container API|Credential Access
T1554|Compromise Host Software Binary|Persistence
T1555|Credentials from Password Stores|Credential Access
T1556|Modify Authentication Process|Credential Access, Defense Evasion, Persistence
T1557.002|Adversary-in-the-Middle: ARP Cache Poisoning|Collection, Credential Access
T1562.001|Impair Defenses: Disable or Modify Tools|Defense Evasion
T1564.001|Hide Artifacts: Hidden Files and Directories|Defense Evasion
T1565|Data Manipulation|Impact
T1567|Exfiltration Over Web Service|Exfiltration
T1572|Protocol Tunneling|Command and Control
T1574.006|Hijack Execution Flow: Dynamic Linker Hijacking|Defense Evasion, Persistence, Privilege Escalation
T1609|Container Administration Command|Execution
T1610|Deploy Container|Defense Evasion, Execution
T1611|Escape to Host|Privilege Escalation
T1613|Container and Resource Discovery|Discovery
T1620|Reflective Code Loading|Defense Evasion
T1622|Debugger Evasion|Defense Evasion, Discovery
"""

# Ids from before sub-techniques (ATT&CK v6) and what became of them.
ALIASES: Mapping[str, str] = {
    "T1064": "T1059",
    "T1081": "T1552.001",
    "T1089": "T1562.001",
    "T1099": "T1070.006",
    "T1100": "T1505.003",
    "T1107": "T1070.004",
    "T1145": "T1552.004",
    "T1146": "T1070.003",
    "T1156": "T1546.004",
    "T1158": "T1564.001",
    "T1166": "T1548.001",
    "T1169": "T1548.003",
    "T1206": "T1548.003",
    "T1215": "T1547.006",
    "T1501": "T1543.002",
}


# Those that do not fit into a line.
_LONG = (
    (
        "T1222.002|File and Directory Permissions Modification:"
        " Linux and Mac File and Directory Permissions Modification|Defense Evasion"
    ),
    (
        "T1556.003|Modify Authentication Process: Pluggable Authentication Modules"
        "|Credential Access, Defense Evasion, Persistence"
    ),
)


def _parsed(line: str) -> Technique:
    number, name, tactics = line.split("|")
    return Technique(id=number, name=name, tactics=tactics.split(", "))


TECHNIQUES: Mapping[str, Technique] = {
    technique.id: technique for technique in map(_parsed, sorted([*_TABLE.strip().splitlines(), *_LONG]))
}

_ID = re.compile(r"T[0-9]{4}(\.[0-9]{3})?")


def technique(number: str) -> Technique | None:
    """A technique by its id or a former one; ``None`` if that is no id.

    One that is not in the table is named by its id.
    """
    known = TECHNIQUES.get(ALIASES.get(number, number))
    return known or (Technique(id=number, name=number) if _ID.fullmatch(number) else None)


def of_tags(tags: Iterable[str]) -> list[Technique]:
    """What rules written for Falco say in their tags: ``T1059`` and ``mitre_execution``."""
    given = list(tags)
    tactics = [
        tag.removeprefix("mitre_").replace("_", " ").title() for tag in given if tag.startswith("mitre_")
    ]
    tactics = [tactic.replace(" And ", " and ") for tactic in tactics]
    found = []
    for known in filter(None, map(technique, given)):
        serving = [tactic for tactic in tactics if tactic in known.tactics] or known.tactics or tactics
        found.append(Technique(id=known.id, name=known.name, tactics=serving))
    return found
