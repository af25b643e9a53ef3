"""The two sides of a NAT gateway. `serve` answers TCP, UDP and FTP; the other words are clients that print what they saw.

    serve ADDRESS                   TCP echo on 7001, UDP on 7002 says who asked, FTP on 21; prints "listening"
    udp ADDRESS                     the address that the server saw
    many ADDRESS COUNT              COUNT connections at once; all say a line and hear it
    ftp ADDRESS active|passive      fetches a file; its size and sha256
    knock ADDRESS PORT              a datagram every 20 ms, until it is ended
    connect ADDRESS PORT            a connection; the line that came
    hello PORT                      accepts one connection, says who it was
"""

import asyncio
import ftplib
import hashlib
import socket
import sys
import threading
import time

FILE = bytes(range(256)) * 4096


def ftp_session(control, address):
    """The few commands that ftplib uses; the data connection comes from port 20 in active mode."""
    peer, data, passive = control.getpeername()[0], None, None
    reader = control.makefile("rb")

    def say(line):
        control.sendall(line.encode() + b"\r\n")

    say("220 hello")
    for line in reader:
        word, _, rest = line.decode().strip().partition(" ")
        if word == "USER":
            say("331 password")
        elif word == "PASS":
            say("230 in")
        elif word == "TYPE":
            say("200 type")
        elif word == "PORT":
            n = rest.split(",")
            data = (".".join(n[:4]), int(n[4]) * 256 + int(n[5]))
            # What the client says of itself must be what it looks like from here.
            say("200 port" if data[0] == peer else f"500 {data[0]} is not {peer}")
        elif word == "PASV":
            passive = socket.create_server((address, 0))
            port = passive.getsockname()[1]
            say(f"227 Entering Passive Mode ({address.replace('.', ',')},{port >> 8},{port & 255})")
        elif word == "RETR":
            say("150 coming")
            if passive:
                connection, _ = passive.accept()
            else:
                connection = socket.create_connection(data, source_address=(address, 20))
            connection.sendall(FILE)
            connection.close()
            say("226 done")
        elif word == "QUIT":
            say("221 bye")
            break
        else:
            say("502 unknown")
    control.close()


def ftp_server(address):
    server = socket.create_server((address, 21))
    while True:
        control, _ = server.accept()
        threading.Thread(target=ftp_session, args=(control, address), daemon=True).start()


def udp_server(address):
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind((address, 7002))
    while True:
        _, peer = server.recvfrom(2000)
        server.sendto(peer[0].encode(), peer)


async def echo(reader, writer):
    while line := await reader.readline():
        writer.write(line)
    writer.close()


async def serve(address):
    for server in (ftp_server, udp_server):
        threading.Thread(target=server, args=(address,), daemon=True).start()
    server = await asyncio.start_server(echo, address, 7001, backlog=4096)
    print("listening", flush=True)
    await server.serve_forever()


async def many(address, count):
    async def one(i):
        reader, writer = await asyncio.open_connection(address, 7001)
        return i, reader, writer

    opened = await asyncio.gather(*(one(i) for i in range(count)))
    for i, _, writer in opened:
        writer.write(f"connection {i}\n".encode())
    lines = await asyncio.gather(*(reader.readline() for _, reader, _ in opened))
    right = sum(line == f"connection {i}\n".encode() for i, line in enumerate(lines))
    print(right, "of", count)


def ftp(address, mode):
    digest, size = hashlib.sha256(), 0
    with ftplib.FTP(address, "user", "password") as client:
        client.set_pasv(mode == "passive")

        def block(data):
            nonlocal size
            size += len(data)
            digest.update(data)

        client.retrbinary("RETR file", block)
    print(size, digest.hexdigest() == hashlib.sha256(FILE).hexdigest())


mode, *args = sys.argv[1:]
if mode == "serve":
    asyncio.run(serve(args[0]))
elif mode == "many":
    asyncio.run(many(args[0], int(args[1])))
elif mode == "ftp":
    ftp(*args)
elif mode == "udp":
    client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    client.settimeout(10)
    client.sendto(b"who am I?", (args[0], 7002))
    print(client.recv(2000).decode())
elif mode == "knock":
    client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    while True:
        client.sendto(b"knock", (args[0], int(args[1])))
        time.sleep(0.02)
elif mode == "connect":
    with socket.create_connection((args[0], int(args[1])), timeout=10) as connection:
        print(connection.makefile().readline(), end="")
elif mode == "hello":
    with socket.create_server(("", int(args[0]))) as server:
        print("listening", flush=True)
        connection, peer = server.accept()
        connection.sendall(f"hello {peer[0]}\n".encode())
        connection.close()
