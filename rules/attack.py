"""The techniques of MITRE ATT&CK that rules name: ids, names and tactics of one version, and former ids."""

import re
from collections.abc import Iterable, Mapping

from wire.detection import Technique

# ATT&CK v16.1, https://attack.mitre.org/versions/v16/: id, name and tactics, separated by bars.
_TABLE = """
T1003|OS Credential Dumping|Credential Access
T1003.007|OS Credential Dumping: Proc Filesystem|Credential Access
T1003.008|OS Credential Dumping: /etc/passwd and /etc/shadow|Credential Access
T1005|Data from Local System|Collection
T1014|Rootkit|Defense Evasion
T1016|System Network Configuration Discovery|Discovery
T1018|Remote System Discovery|Discovery
T1020|Automated Exfiltration|Exfiltration
T1021.004|Remote Services: SSH|Lateral Movement
T1027|Obfuscated Files or Information|Defense Evasion
T1027.004|Obfuscated Files or Information: Compile After Delivery|Defense Evasion
T1027.009|Obfuscated Files or Information: Embedded Payloads|Defense Evasion
T1027.010|Obfuscated Files or Information: Command Obfuscation|Defense Evasion
T1033|System Owner/User Discovery|Discovery
T1036|Masquerading|Defense Evasion
T1036.003|Masquerading: Rename System Utilities|Defense Evasion
T1036.004|Masquerading: Masquerade Task or Service|Defense Evasion
T1036.005|Masquerading: Match Legitimate Name or Location|Defense Evasion
T1037|Boot or Logon Initialization Scripts|Persistence, Privilege Escalation
T1037.004|Boot or Logon Initialization Scripts: RC Scripts|Persistence, Privilege Escalation
T1040|Network Sniffing|Credential Access, Discovery
T1041|Exfiltration Over C2 Channel|Exfiltration
T1046|Network Service Discovery|Discovery
T1048|Exfiltration Over Alternative Protocol|Exfiltration
T1048.003|Exfiltration Over Alternative Protocol: Exfiltration Over Unencrypted Non-C2 Protocol|Exfiltration
T1049|System Network Connections Discovery|Discovery
T1053.002|Scheduled Task/Job: At|Execution, Persistence, Privilege Escalation
T1053.003|Scheduled Task/Job: Cron|Execution, Persistence, Privilege Escalation
T1053.006|Scheduled Task/Job: Systemd Timers|Execution, Persistence, Privilege Escalation
T1055|Process Injection|Defense Evasion, Privilege Escalation
T1055.008|Process Injection: Ptrace System Calls|Defense Evasion, Privilege Escalation
T1055.009|Process Injection: Proc Memory|Defense Evasion, Privilege Escalation
T1056.001|Input Capture: Keylogging|Collection, Credential Access
T1057|Process Discovery|Discovery
T1059|Command and Scripting Interpreter|Execution
T1059.004|Command and Scripting Interpreter: Unix Shell|Execution
T1059.006|Command and Scripting Interpreter: Python|Execution
T1068|Exploitation for Privilege Escalation|Privilege Escalation
T1069.001|Permission Groups Discovery: Local Groups|Discovery
T1070|Indicator Removal|Defense Evasion
T1070.002|Indicator Removal: Clear Linux or Mac System Logs|Defense Evasion
T1070.003|Indicator Removal: Clear Command History|Defense Evasion
T1070.004|Indicator Removal: File Deletion|Defense Evasion
T1070.006|Indicator Removal: Timestomp|Defense Evasion
T1071|Application Layer Protocol|Command and Control
T1071.001|Application Layer Protocol: Web Protocols|Command and Control
T1071.004|Application Layer Protocol: DNS|Command and Control
T1072|Software Deployment Tools|Execution, Lateral Movement
T1082|System Information Discovery|Discovery
T1083|File and Directory Discovery|Discovery
T1087.001|Account Discovery: Local Account|Discovery
T1090|Proxy|Command and Control
T1090.003|Proxy: Multi-hop Proxy|Command and Control
T1095|Non-Application Layer Protocol|Command and Control
T1098|Account Manipulation|Persistence, Privilege Escalation
T1098.004|Account Manipulation: SSH Authorized Keys|Persistence, Privilege Escalation
T1098.007|Account Manipulation: Additional Local or Domain Groups|Persistence, Privilege Escalation
T1102|Web Service|Command and Control
T1105|Ingress Tool Transfer|Command and Control
T1132|Data Encoding|Command and Control
T1136|Create Account|Persistence
T1136.001|Create Account: Local Account|Persistence
T1140|Deobfuscate/Decode Files or Information|Defense Evasion
T1190|Exploit Public-Facing Application|Initial Access
T1195.002|Supply Chain Compromise: Compromise Software Supply Chain|Initial Access
T1203|Exploitation for Client Execution|Execution
T1204|User Execution|Execution
T1205.001|Traffic Signaling: Port Knocking|Defense Evasion, Persistence, Command and Control
T1205.002|Traffic Signaling: Socket Filters|Defense Evasion, Persistence, Command and Control
T1210|Exploitation of Remote Services|Lateral Movement
T1218|System Binary Proxy Execution|Defense Evasion
T1219|Remote Access Software|Command and Control
T1485|Data Destruction|Impact
T1486|Data Encrypted for Impact|Impact
T1489|Service Stop|Impact
T1490|Inhibit System Recovery|Impact
T1496|Resource Hijacking|Impact
T1496.001|Resource Hijacking: Compute Hijacking|Impact
T1505|Server Software Component|Persistence
T1505.003|Server Software Component: Web Shell|Persistence
T1518.001|Software Discovery: Security Software Discovery|Discovery
T1528|Steal Application Access Token|Credential Access
T1529|System Shutdown/Reboot|Impact
T1531|Account Access Removal|Impact
T1543|Create or Modify System Process|Persistence, Privilege Escalation
T1543.002|Create or Modify System Process: Systemd Service|Persistence, Privilege Escalation
T1546|Event Triggered Execution|Persistence, Privilege Escalation
T1546.004|Event Triggered Execution: Unix Shell Configuration Modification|Persistence, Privilege Escalation
T1546.016|Event Triggered Execution: Installer Packages|Persistence, Privilege Escalation
T1546.017|Event Triggered Execution: Udev Rules|Persistence, Privilege Escalation
T1547.006|Boot or Logon Autostart Execution: Kernel Modules and Extensions|Persistence, Privilege Escalation
T1547.013|Boot or Logon Autostart Execution: XDG Autostart Entries|Persistence, Privilege Escalation
T1548|Abuse Elevation Control Mechanism|Defense Evasion, Privilege Escalation
T1548.001|Abuse Elevation Control Mechanism: Setuid and Setgid|Defense Evasion, Privilege Escalation
T1548.003|Abuse Elevation Control Mechanism: Sudo and Sudo Caching|Defense Evasion, Privilege Escalation
T1552|Unsecured Credentials|Credential Access
T1552.001|Unsecured Credentials: Credentials In Files|Credential Access
T1552.003|Unsecured Credentials: Bash History|Credential Access
T1552.004|Unsecured Credentials: Private Keys|Credential Access
T1552.005|Unsecured Credentials: Cloud Instance Metadata API|Credential Access
T1552.007|Unsecured Credentials: Container API|Credential Access
T1553.004|Subvert Trust Controls: Install Root Certificate|Defense Evasion
T1554|Compromise Host Software Binary|Persistence
T1555|Credentials from Password Stores|Credential Access
T1555.003|Credentials from Password Stores: Credentials from Web Browsers|Credential Access
T1556|Modify Authentication Process|Credential Access, Defense Evasion, Persistence
T1557.002|Adversary-in-the-Middle: ARP Cache Poisoning|Collection, Credential Access
T1558|Steal or Forge Kerberos Tickets|Credential Access
T1558.005|Steal or Forge Kerberos Tickets: Ccache Files|Credential Access
T1560.001|Archive Collected Data: Archive via Utility|Collection
T1561|Disk Wipe|Impact
T1561.001|Disk Wipe: Disk Content Wipe|Impact
T1561.002|Disk Wipe: Disk Structure Wipe|Impact
T1562|Impair Defenses|Defense Evasion
T1562.001|Impair Defenses: Disable or Modify Tools|Defense Evasion
T1562.003|Impair Defenses: Impair Command History Logging|Defense Evasion
T1562.004|Impair Defenses: Disable or Modify System Firewall|Defense Evasion
T1562.006|Impair Defenses: Indicator Blocking|Defense Evasion
T1562.012|Impair Defenses: Disable or Modify Linux Audit System|Defense Evasion
T1563.001|Remote Service Session Hijacking: SSH Hijacking|Lateral Movement
T1564|Hide Artifacts|Defense Evasion
T1564.001|Hide Artifacts: Hidden Files and Directories|Defense Evasion
T1565|Data Manipulation|Impact
T1565.001|Data Manipulation: Stored Data Manipulation|Impact
T1567|Exfiltration Over Web Service|Exfiltration
T1567.002|Exfiltration Over Web Service: Exfiltration to Cloud Storage|Exfiltration
T1567.004|Exfiltration Over Web Service: Exfiltration Over Webhook|Exfiltration
T1570|Lateral Tool Transfer|Lateral Movement
T1571|Non-Standard Port|Command and Control
T1572|Protocol Tunneling|Command and Control
T1574.006|Hijack Execution Flow: Dynamic Linker Hijacking|Defense Evasion, Persistence, Privilege Escalation
T1580|Cloud Infrastructure Discovery|Discovery
T1609|Container Administration Command|Execution
T1610|Deploy Container|Defense Evasion, Execution
T1611|Escape to Host|Privilege Escalation
T1613|Container and Resource Discovery|Discovery
T1620|Reflective Code Loading|Defense Evasion
T1622|Debugger Evasion|Defense Evasion, Discovery
"""

# Ids of other versions and what they are in this one: of before sub-techniques (v6), and later ones
# that newer rules of Sigma name.
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
    "T1685": "T1562.001",
    "T1685.004": "T1562.012",
    "T1685.006": "T1070.002",
    "T1686": "T1562.004",
    "T1690": "T1562.003",
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
