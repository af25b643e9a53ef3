"""replay-frames.py DEVICE PCAP SOURCE: sends the frames of a capture that came from an IPv4 address once more; prints how many."""

import socket
import struct
import sys

device, path, source = sys.argv[1:]
wanted = socket.inet_aton(source)
sent = 0
with open(path, "rb") as capture, socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as link:
    link.bind((device, 0))
    order = "<" if capture.read(24)[0] in (0xD4, 0x4D) else ">"
    while header := capture.read(16):
        frame = capture.read(struct.unpack(order + "4I", header)[2])
        if frame[26:30] == wanted:
            link.send(frame)
            sent += 1
print(sent)
