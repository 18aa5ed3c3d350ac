"""The words of the language and the shapes of its tokens.

Where the grammar surprises, it does so on purpose: it is Falco's, down to which operators need a blank
behind them and which characters end a string without quotes.
"""

import re

# Longer ones first where one begins another.
NUMBER_OPERATORS = ("<=", "<", ">=", ">")
SIGN_OPERATORS = ("==", "=", "!=")
WORD_OPERATORS = (
    "glob",
    "iglob",
    "contains",
    "icontains",
    "bcontains",
    "startswith",
    "bstartswith",
    "endswith",
    "regex",
)
LIST_OPERATORS = ("intersects", "in", "pmatch")
OPERATORS = ("exists", *NUMBER_OPERATORS, *SIGN_OPERATORS, *WORD_OPERATORS, *LIST_OPERATORS)
MODIFIERS = ("oneof", "anyof", "allof")
TRANSFORMERS = ("tolower", "toupper", "b64", "basename", "len", "join", "concat", "getopt")
VALUE_OF = "val"

# What ends a word: the same characters that RE2's [[:space:]] means.
_SPACE = r" \t\n\v\f\r"

BLANK = re.compile(r"[ \t\x08\r\n]*")
NOT = re.compile(rf"not[{_SPACE}]+")
IDENTIFIER = re.compile(r"[a-zA-Z]+[a-zA-Z0-9_]*")
FIELD = re.compile(r"[a-zA-Z]+[a-zA-Z0-9_]*(?:\.[a-zA-Z]+[a-zA-Z0-9_]*)+")
ARGUMENT = re.compile(rf"""[^\]\["'{_SPACE}]+""")
HEX_NUMBER = re.compile(r"0[xX][0-9a-fA-F]+")
NUMBER = re.compile(r"[+\-]?[0-9]+\.?[0-9]*(?:[eE][+\-][0-9]+)?")
BARE = re.compile(rf"""[^()"'=,{_SPACE}]+""")
TRANSFORMER = re.compile(rf"({'|'.join(TRANSFORMERS)})\(")
WORD_OPERATOR = re.compile(rf"({'|'.join(WORD_OPERATORS)})[{_SPACE}]")
MODIFIER = re.compile(rf"({'|'.join(MODIFIERS)})(?=[{_SPACE}]*\(|[{_SPACE}]+(?!(?:and|or)\b)[a-zA-Z])")

LIST_NAME = re.compile(rf"""[^()"'=,{_SPACE}]+""")
MACRO_NAME = IDENTIFIER
