"""A real Request Tracker 5, from Debian's packages, unpacked beside the system and not installed into it."""

import hashlib
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from tests.peers.cache import CACHE, keep
from tests.peers.server import Server, accepts, free_port

PACKAGES = ("request-tracker5", "rt5-db-sqlite")
QUEUE = "Security"

# RT shows graphs and manuals with these; nobody looks here.
_UNNEEDED = ("fonts-*", "perl-doc_*", "perl-base_*")

# The cheapest hash of tokens: the usual one takes a third of a second for each request.
_CONFIG = """
Set($rtname, 'example');
Set($Organization, 'example.org');
Set($DatabaseType, 'SQLite');
Set($DatabaseName, '{folder}/rt.sqlite');
Set($WebDomain, '127.0.0.1');
Set($WebPort, {port});
Set($DevelMode, 0);
Set($BcryptCost, 4);
Set($LogToSyslog, undef);
Set($LogToSTDERR, 'warning');
Set($MailCommand, 'testfile');
Set($MasonDataDir, '{folder}/mason');
Set($MasonSessionDir, '{folder}/session');
1;
"""

# A queue, a user with what the documentation asks for and nothing more, and the user's token.
_SETUP = """
use strict; use warnings; use RT -init;
my ($done, $why, $secret);
my $queue = RT::Queue->new(RT->SystemUser);
($done, $why) = $queue->Create(Name => 'Security'); die $why unless $done;
my $user = RT::User->new(RT->SystemUser);
($done, $why) = $user->Create(Name => 'tracetide', Privileged => 1); die $why unless $done;
for my $right (qw(SeeQueue ShowTicket ShowTicketComments CreateTicket CommentOnTicket ModifyTicket)) {
    ($done, $why) = $user->PrincipalObj->GrantRight(Right => $right, Object => $queue); die $why unless $done;
}
my $token = RT::AuthToken->new(RT->SystemUser);
($done, $why, $secret) = $token->Create(Owner => $user->id, Description => 'tests'); die $why unless $done;
print $secret;
"""


@dataclass
class RtServer:
    """A server whose database is in ``folder``. What it is asked here, is asked as the user of the token."""

    root: Path
    folder: Path
    server: Server
    environment: list[str]
    token: str = ""

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.server.port}"

    def make(self) -> None:
        """A new database with a queue, a user and a token."""
        for name in ("mason", "session"):
            (self.folder / name).mkdir()
        (self.folder / "site.pm").write_text(_CONFIG.format(folder=self.folder, port=self.server.port))
        self.perl(self.root / "usr/sbin/rt-setup-database-5", "--action", "init", "--skip-create")
        (self.folder / "setup.pl").write_text(_SETUP)
        self.token = self.perl(self.folder / "setup.pl")

    def perl(self, program: Path, *arguments: str) -> str:
        """What a program of RT prints."""
        command = ["env", *self.environment, "perl", str(program), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"RT cannot be set up: {done.stderr[-500:]}")
        return done.stdout

    def ask(self, method: str, path: str, body: object = None, **query: str) -> dict[str, object]:
        """What it answers."""
        answer = httpx.request(
            method,
            f"{self.url}/REST/2.0/{path}",
            headers={"Authorization": f"token {self.token}"},
            json=body,
            params=query,
            timeout=30,
        )
        assert answer.status_code < 300, answer.text
        found: dict[str, object] = answer.json()
        return found

    def tickets(self, query: str = "id > 0") -> list[dict[str, object]]:
        """Tickets with what tests look at, the oldest first."""
        fields = "Subject,Status,Priority"
        found = self.ask(
            "GET", "tickets", query=query, fields=fields, orderby="id", order="ASC", per_page="100"
        )["items"]
        assert isinstance(found, list)
        return found

    def said(self, ticket: object) -> list[str]:
        """The texts in a ticket, the oldest first; without what RT writes itself."""
        path = f"ticket/{ticket}/attachments"
        found = self.ask("GET", path, fields="Content", orderby="id", order="ASC", per_page="100")["items"]
        assert isinstance(found, list)
        return [str(each["Content"]) for each in found]


@pytest.fixture(scope="session")
def rt(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RtServer]:
    """A server with an empty queue ``Security``, for the whole session."""
    root, folder = _unpacked(), tmp_path_factory.mktemp("rt")
    environment = [f"RT_SITE_CONFIG={folder}/site.pm", *_libraries(root)]
    port = free_port()
    program = str(root / "usr/share/request-tracker5/libexec/rt-server")
    command = [
        "env",
        *environment,
        "perl",
        program,
        "-s",
        "Standalone",
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
    ]
    made = RtServer(root, folder, Server(command, folder / "log", port, accepts), environment)
    made.make()
    made.server.start()
    try:
        yield made
    finally:
        made.server.kill()


def _libraries(root: Path) -> list[str]:
    """Variables by which Perl and the linker find what is not at its place."""
    (native,) = (root / "usr/lib").glob("*-linux-gnu")
    perl = [
        root / "usr/share/request-tracker5/lib",
        root / "usr/share/perl5",
        *root.glob("usr/share/perl/5.*"),
        *native.glob("perl5/5.*"),
        *native.glob("perl/5.*"),
    ]
    return [f"PERL5LIB={':'.join(map(str, perl))}", f"LD_LIBRARY_PATH={native}"]


def _unpacked() -> Path:
    """The folder with RT and all it needs that is missing here; skips the test where it cannot be had."""
    for program in ("apt-get", "dpkg-deb", "dpkg-query", "perl", "setpriv"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is missing, and Request Tracker comes as packages of Debian")
    # What is missing depends on what is there of Perl; of other libraries a second copy does no harm.
    perl = ["dpkg-query", "-W", "perl*", "lib*-perl"]
    installed = subprocess.run(perl, capture_output=True, check=False).stdout
    root = CACHE / f"rt-{hashlib.sha256(installed).hexdigest()[:12]}"
    if not root.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=CACHE) as folder:
            archives, made = Path(folder) / "archives", Path(folder) / "root"
            _download(archives)
            _unpack(archives, made, root)
            keep(made, root)
    return root


def _download(archives: Path) -> None:
    (archives / "partial").mkdir(parents=True)
    places = [
        "-o",
        f"Dir::Cache::archives={archives}",
        "-o",
        "Debug::NoLocking=1",
        "-o",
        "APT::Sandbox::User=root",
    ]
    command = [
        "apt-get",
        "install",
        "-y",
        "-q",
        "--no-install-recommends",
        "--download-only",
        *places,
        *PACKAGES,
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.skip(f"Request Tracker cannot be had: {done.stderr.strip()[-300:]}")


def _unpack(archives: Path, made: Path, root: Path) -> None:
    """Packages expect to be at their place: the one module that knows the place learns the other."""
    for archive in sorted(archives.glob("*.deb")):
        if not any(archive.match(pattern) for pattern in _UNNEEDED):
            subprocess.run(["dpkg-deb", "-x", archive, made], check=True)
    places = made / "usr/share/request-tracker5/lib/RT/Generated.pm"
    text = places.read_text()
    for top in ("usr", "etc", "var"):
        text = text.replace(f"'/{top}/", f"'{root}/{top}/")
    places.write_text(text)
