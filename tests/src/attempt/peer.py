"""A host outside: takes connections, and answers every question for a name with an address."""
import fcntl
import socket
import struct
import sys
import threading

ANSWER = "198.51.100.7"


def listen(family, address, port):
    server = socket.socket(family)
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if family == socket.AF_INET6:
        server.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    server.bind((address, port))
    server.listen()
    return server


def take(server):
    while True:
        stream, _ = server.accept()
        stream.close()


def answer(server):
    while True:
        question, client = server.recvfrom(512)
        end = question.index(0, 12) + 5
        is_v4 = question[end - 4:end - 2] == b"\x00\x01"
        head = question[:2] + b"\x81\x80\x00\x01" + (b"\x00\x01" if is_v4 else b"\x00\x00") + bytes(4)
        record = b"\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x3c\x00\x04" + socket.inet_aton(ANSWER)
        server.sendto(head + question[12:end] + (record if is_v4 else b""), client)


def take_address(address):
    """Gives this container's loopback device one address more (SIOCSIFADDR)."""
    request = struct.pack("16sHH4s8x", b"lo:1", socket.AF_INET, 0, socket.inet_aton(address))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, 0x8916, request)


names = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
names.bind(("0.0.0.0", 53))
servers = [listen(socket.AF_INET, "0.0.0.0", 7000), listen(socket.AF_INET6, "::", 7000)]
for address in sys.argv[1:]:
    take_address(address)
    servers.append(listen(socket.AF_INET, address, 80))
threads = [threading.Thread(target=take, args=(server,)) for server in servers]
threads.append(threading.Thread(target=answer, args=(names,)))
for thread in threads:
    thread.start()
print("ready", flush=True)
