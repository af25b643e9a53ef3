"""A TCP connection between two namespaces. `receive PORT`, or `send ADDRESS PORT BYTES`; both print the bytes and their sha256."""

import hashlib
import random
import socket
import sys

BLOCK = 1 << 20


def receive(port):
    with socket.create_server(("", port)) as server:
        print("listening", flush=True)
        connection, _ = server.accept()
        with connection:
            while data := connection.recv(BLOCK):
                yield data


def send(address, port, total):
    generator = random.Random(1)
    with socket.create_connection((address, port)) as connection:
        while total > 0:
            data = generator.randbytes(min(total, BLOCK))
            connection.sendall(data)
            total -= len(data)
            yield data


mode, *args = sys.argv[1:]
blocks = receive(int(args[0])) if mode == "receive" else send(args[0], int(args[1]), int(args[2]))
count, digest = 0, hashlib.sha256()
for block in blocks:
    count += len(block)
    digest.update(block)
print(count, digest.hexdigest())
